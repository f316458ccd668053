"""A server whose answers go wrong after they have begun, or never end; the model names how."""

import contextlib
import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

EVENTS = "text/event-stream"
JSON = "application/json"
WORD = "word "
LARGE = 100 << 20  # bytes of a large answer
PIECE = 64 << 10


def event(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"


def whole(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


END = event("", "stop") + b"data: [DONE]\n\n"


def head(kind: str, *more: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Type: {kind}", *more, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def sized(kind: str, body: bytes, *more: str, size: int | None = None) -> bytes:
    return head(kind, f"Content-Length: {len(body) if size is None else size}", *more) + body


CHUNKED = "Transfer-Encoding: chunked"
Pieces = Iterator[bytes | None]  # None: say nothing for ever


def good(stream: bool) -> Pieces:
    yield sized(EVENTS, event(WORD) + END) if stream else sized(JSON, whole(WORD))


def silent_after_headers(stream: bool) -> Pieces:
    yield head(EVENTS if stream else JSON, CHUNKED)
    yield None


def silent_in_the_middle(stream: bool) -> Pieces:
    yield head(EVENTS, CHUNKED) + chunk(event(WORD) * 3) if stream else sized(JSON, whole(WORD)[:20], size=500)
    yield None


def cut(stream: bool) -> Pieces:
    yield head(EVENTS, CHUNKED) + chunk(event(WORD) * 3) if stream else sized(JSON, whole(WORD)[:20], size=500)


def page(stream: bool) -> Pieces:
    yield sized("text/html", b"<!doctype html><h1>hunter2-of-a-page</h1>")


def picture(stream: bool) -> Pieces:
    yield sized("image/png", b"\x89PNG\r\n\x1a\n" + bytes(200))


def compressed(stream: bool) -> Pieces:
    kind, body = (EVENTS, event(WORD) + END) if stream else (JSON, whole(WORD))
    yield sized(kind, gzip.compress(body), "Content-Encoding: gzip")


def bytes_one_by_one(stream: bool) -> Pieces:
    """Each in a packet and a chunk of its own."""
    yield head(EVENTS if stream else JSON, CHUNKED)
    for byte in event(WORD) * 3 + END if stream else whole(WORD):
        yield chunk(bytes([byte]))
    yield b"0\r\n\r\n"


def endless(stream: bool) -> Pieces:
    """An event, or a part of a string, now and then: no silence, and no end."""
    yield head(EVENTS, CHUNKED) if stream else head(JSON, CHUNKED) + chunk(b'{"a": "')
    while True:
        yield chunk(event(WORD) if stream else b"x" * 100)
        time.sleep(0.02)


def endless_comments(stream: bool) -> Pieces:
    yield head(EVENTS, CHUNKED)
    while True:
        yield chunk(b": still here\n\n")
        time.sleep(0.02)


def endless_header(stream: bool) -> Pieces:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-More: " + b"x" * 1000 + b"\r\n"


def large_words(stream: bool) -> Pieces:
    """LARGE bytes of text: many events, or one JSON text."""
    if stream:
        some = chunk(event("x" * 1000) * 60)
        yield head(EVENTS, CHUNKED)
        for _ in range(LARGE // 60_000):
            yield some
        yield chunk(END) + b"0\r\n\r\n"
    else:
        front, back = whole("|").split(b"|")
        yield head(JSON, f"Content-Length: {len(front) + LARGE + len(back)}") + front
        for _ in range(LARGE // PIECE):
            yield b"x" * PIECE
        yield back


def large_line(stream: bool) -> Pieces:
    """One event of LARGE bytes, whatever was asked for."""
    front, back = event("|").split(b"|")
    yield head(EVENTS, f"Content-Length: {len(front) + LARGE + len(back)}") + front
    for _ in range(LARGE // PIECE):
        yield b"x" * PIECE
    yield back


def large_events_for_json(stream: bool) -> Pieces:
    """A stream, also for who asked for JSON."""
    yield from large_words(True)


KINDS: dict[str, Callable[[bool], Pieces]] = {
    kind.__name__: kind
    for kind in (good, silent_after_headers, silent_in_the_middle, cut, page, picture, compressed, bytes_one_by_one,
                 endless, endless_comments, endless_header, large_words, large_line, large_events_for_json)
}  # fmt: skip
KINDS["reset"] = cut


class AnswerServer:
    def __init__(self):
        self.lock = threading.Lock()
        self.sent: dict[str, int] = {}  # bytes of answers, by kind
        self.left: dict[str, int] = {}  # connections that the gateway closed before their answer was over
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def end(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                peer, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with peer, peer.makefile("rb") as reader:
            lines = list(iter(lambda: reader.readline().strip(), b""))
            size = next((int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")), 0)
            if size == 0:  # a look
                peer.sendall(sized(JSON, b'{"data": []}', "Connection: close"))
                return
            asked = json.loads(reader.read(size))
            kind = asked["model"]
            try:
                self._answer(peer, kind, asked["stream"])
            except OSError:
                with self.lock:
                    self.left[kind] = self.left.get(kind, 0) + 1
                return
            if kind == "reset":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _answer(self, peer: socket.socket, kind: str, stream: bool) -> None:
        for piece in KINDS[kind](stream):
            if piece is None:
                peer.settimeout(60)
                if peer.recv(1) == b"":
                    raise ConnectionAbortedError("the gateway has left")
            else:
                peer.sendall(piece)
                with self.lock:
                    self.sent[kind] = self.sent.get(kind, 0) + len(piece)
