"""One request on one connection, in any of the ways that HTTP has to send it."""

import http.client
import io
import socket
import ssl

import httpx

CHUNK = 0x10000


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}
        self.said_continue = False

    @property
    def parts(self):
        return self.status, self.headers, self.body


def head_of(request, transport="http/1.1", more=()) -> bytes:
    spell = {"lower case": str.lower, "upper case": str.upper}.get(transport, str)
    version = "HTTP/1.0" if transport == "http/1.0" else "HTTP/1.1"
    headers = [("Host", "localhost"), *request.headers, *more]
    lines = [f"{request.method} {request.path} {version}", *(f"{spell(name)}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def framing(request, transport):
    if transport == "chunked":
        return [("Transfer-Encoding", "chunked")]
    has_length = any(name.lower() == "content-length" for name, _ in request.headers)
    length = [] if request.body is None or has_length else [("Content-Length", str(len(request.body)))]
    return [*length, ("Expect", "100-continue")] if transport == "expect" else length


def in_chunks(body: bytes):
    for at in range(0, len(body), CHUNK):
        piece = body[at : at + CHUNK]
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


class Connection:
    """HTTP/1.x over TLS."""

    def __init__(self, stack):
        self.peer = stack.socket()
        self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def exchange(self, request, transport="http/1.1") -> Answer:
        self.peer.sendall(head_of(request, transport, framing(request, transport)))
        body = request.body or b""
        if transport == "expect":
            return self._after_continue(request, body)
        if transport == "slow":
            for byte in body:
                self.peer.sendall(bytes([byte]))  # a TLS record of its own
        elif transport == "chunked":
            return self._read(request, self._send_until_answered(in_chunks(body)))
        else:
            self.peer.sendall(body)
        return self._read(request)

    def closes(self) -> bool:
        """Waits for the other side's end."""
        try:
            return self.peer.recv(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True

    def _after_continue(self, request, body):
        said = self._until_end_of_head()
        if not said.startswith(b"HTTP/1.1 100 "):
            return self._read(request, said)
        self.peer.sendall(body)
        answer = self._read(request)
        answer.said_continue = True
        return answer

    def _until_end_of_head(self):
        said = b""
        while not said.endswith(b"\r\n\r\n"):
            said += (byte := self.peer.recv(1))
            assert byte, said
        return said

    def _send_until_answered(self, pieces) -> bytes:
        """Sends piece after piece, but no more once the other side has spoken; returns what it said by then."""
        for piece in pieces:
            self.peer.settimeout(0)
            try:
                return self.peer.recv(1)
            except ssl.SSLWantReadError:
                self.peer.settimeout(30)
                self.peer.sendall(piece)
        return b""

    def _read(self, request, begun=b""):
        self.peer.settimeout(30)
        response = http.client.HTTPResponse(_Begun(self.peer, begun), method=request.method)
        response.begin()
        return Answer(response.status, response.getheaders(), response.read())


class _Begun:
    """A socket of which a part has been read, as HTTPResponse wants it."""

    def __init__(self, peer, begun):
        self.bytes = _Bytes(peer, begun)

    def makefile(self, _mode):
        return io.BufferedReader(self.bytes)


class _Bytes(io.RawIOBase):
    def __init__(self, peer, begun):
        self.peer, self.begun = peer, begun

    def readable(self):
        return True

    def readinto(self, room):
        if not self.begun:
            return self.peer.recv_into(room)
        taken, self.begun = self.begun[: len(room)], self.begun[len(room) :]
        room[: len(taken)] = taken
        return len(taken)


def by_http2(client: httpx.Client, request) -> Answer:
    answer = client.request(request.method, request.path, headers=request.headers, content=request.body)
    assert answer.http_version == "HTTP/2"
    return Answer(answer.status_code, answer.headers.items(), answer.content)
