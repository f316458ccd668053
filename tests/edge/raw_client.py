"""A client whose every byte is the test's."""

import json
import socket

from edge_keys import secret_of
from http1_messages import Message, MessageReader


class Response(Message):
    def __init__(self, status, headers, body):
        super().__init__(headers, body)
        self.status = status

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error object, after a look at its form: all four keys and nothing else."""
        assert self.header("Content-Type") == "application/json", self.headers
        document = self.json()
        assert list(document) == ["error"]
        assert set(document["error"]) == {"message", "type", "param", "code"}
        assert document["error"]["message"]
        return document["error"]


class Client(MessageReader):
    """HTTP/1.1 over a raw socket: says exactly what is sent, and sees exactly what comes."""

    def __init__(self, sock):
        super().__init__(sock)
        if sock.family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def request(self, method, target, headers=(), body=None, key="alice"):
        self.send(build_request(method, target, headers, body, key))
        return self.response(method)

    def chat(self, body, headers=(), key="alice"):
        return self.request("POST", "/v1/chat/completions", headers, body, key)

    def response(self, method="GET"):
        response = self.head()
        if method == "HEAD" or response.status in (204, 304):
            return response
        if response.header("Transfer-Encoding") == "chunked":
            while chunk := self.chunk():
                response.body += chunk
        else:
            response.body = self.take(int(response.header("Content-Length")))
        return response

    def head(self):
        version, status, *_ = self.line().decode("latin-1").split(" ", 2)
        assert version == "HTTP/1.1"
        return Response(int(status), self.take_headers(), b"")

    def chunk(self):
        """The next chunk; empty at the end of the stream."""
        return self.take_chunk()

    def is_closed(self):
        """Waits for the server's FIN."""
        assert self.buffer == b""
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True


def build_request(method, target, headers=(), body=None, key="alice"):
    lines = [f"{method} {target} HTTP/1.1", "Host: edge"]
    if key is not None:
        lines.append(f"Authorization: Bearer {secret_of(key)}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        body = body if isinstance(body, bytes) else body.encode()
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")
