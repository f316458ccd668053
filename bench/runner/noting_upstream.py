"""An upstream in the place of an executor that never ends an answer, and notes when the edge hangs up."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

SILENT, STREAMS = "silent", "streams"  # models without their namespace: no byte of an answer, or one event of it
START_WAIT = 10.0  # seconds
MAX_REQUEST = 64 * 1024  # bytes; those of the bench have 1 KB

_EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"one"}}]}\n\n'
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nX-Agent-Stream: openai\r\n\r\n"
_ANSWER = _HEAD + b"%x\r\n%s\r\n" % (len(_EVENT), _EVENT)


class Notes:
    """When the other side of a request left, by the id in its text: seconds since 1970."""

    def __init__(self, prefix: str) -> None:
        self.id = re.compile(rf"\b{re.escape(prefix)}-[0-9]+\b".encode())
        self._left: dict[str, float] = {}

    def note(self, name: str) -> None:
        self._left.setdefault(name, time.time())

    def left(self) -> dict[str, float]:
        return dict(self._left)

    def forget(self) -> None:
        self._left.clear()


class _Connection(asyncio.Protocol):
    """One request; there never is a second, because the first does not end."""

    def __init__(self, notes: Notes, open_ones: set[asyncio.Transport]) -> None:
        self._notes, self._open = notes, open_ones
        self._text = b""
        self._is_whole = False
        self._name = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open.add(transport)

    def data_received(self, data: bytes) -> None:
        if self._is_whole:
            return
        self._text += data
        body = whole_body(self._text)
        if body is None:
            if len(self._text) > MAX_REQUEST:
                self._transport.abort()
            return
        self._is_whole = True
        if found := self._notes.id.search(body):
            self._name = found[0].decode()
        if f'/{STREAMS}"'.encode() in body:
            self._transport.write(_ANSWER)

    def eof_received(self) -> None:
        self._left()

    def connection_lost(self, _error: Exception | None) -> None:
        self._left()  # unless the end of the stream came before
        self._open.discard(self._transport)

    def _left(self) -> None:
        if self._name:
            self._notes.note(self._name)


def whole_body(text: bytes) -> bytes | None:
    """Of a request, when all of it is there."""
    head, end, body = text.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return body if end and length and len(body) >= int(length[1]) else None


@contextlib.contextmanager
def run(socket: Path, prefix: str) -> Iterator[Notes]:
    """Serves in a thread of its own: the bench only waits meanwhile, so its notes are not late."""
    notes = Notes(prefix)
    open_ones: set[asyncio.Transport] = set()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> asyncio.AbstractServer:
        return await loop.create_unix_server(lambda: _Connection(notes, open_ones), socket)

    async def end(server: asyncio.AbstractServer) -> None:
        server.close()
        for transport in list(open_ones):
            transport.abort()

    try:
        server = asyncio.run_coroutine_threadsafe(begin(), loop).result(START_WAIT)
        try:
            yield notes
        finally:
            asyncio.run_coroutine_threadsafe(end(server), loop).result(START_WAIT)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_WAIT)
        loop.close()
