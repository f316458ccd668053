"""An OpenAI-compatible server with one model a quirk: it answers with the bytes of that file."""

import fcntl
import json
import socket
import socketserver
import struct
import threading
import time

from corpus import Quirk

MAX_REQUEST = 4 << 20
PIECES = 7  # an answer is sent in so many writes
PATIENCE_S = 30
_SIOCOUTQ = 0x5411  # Linux: how many bytes are not acknowledged yet
_INT = struct.Struct("i")


class _Connection(socketserver.StreamRequestHandler):
    timeout = PATIENCE_S

    def handle(self) -> None:
        try:
            while self._answer_one():
                pass
        except (ConnectionError, TimeoutError):
            pass  # the gateway has gone, which is its right

    def _answer_one(self) -> bool:
        """False: the connection is over."""
        request_line = self.rfile.readline(65536).split()
        if len(request_line) != 3:
            return False
        length = 0
        while line := self.rfile.readline(65536).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = min(int(value), MAX_REQUEST)
        body = self.rfile.read(length)
        quirks: dict[str, Quirk] = self.server.quirks
        if request_line[0] == b"GET":
            return self._send_json(200, {"object": "list", "data": [self._model(name) for name in quirks]})
        quirk = quirks.get(str(json.loads(body).get("model")).rpartition("/")[2])
        if quirk is None:
            return self._send_json(404, {"error": {"message": "no such model", "code": "model_not_found"}})
        return self._replay(quirk)

    @staticmethod
    def _model(name: str) -> dict:
        return {"id": name, "object": "model", "created": 0, "owned_by": "quirks"}

    def _send_json(self, status: int, document: dict) -> bool:
        body = json.dumps(document).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)
        return True

    def _replay(self, quirk: Quirk) -> bool:
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = quirk.http
        step = max(1, len(data) // PIECES)
        for start in range(0, len(data), step):
            self.wfile.write(data[start : start + step])
        if quirk.ends == "reset":
            # A reset takes away what is on its way.
            self._wait_until_read()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return quirk.ends == "eof" and quirk.answer.get("transfer") != "close"

    def _wait_until_read(self) -> None:
        """Until the peer's kernel has all bytes; they can be read there even after the reset."""
        while _INT.unpack(fcntl.ioctl(self.connection, _SIOCOUTQ, bytes(_INT.size)))[0] > 0:
            time.sleep(0.001)


class QuirkServer(socketserver.ThreadingTCPServer):
    """Serves in threads of its own until it is closed; port 0 is one that the kernel chooses."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, quirks: dict[str, Quirk], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.quirks = quirks
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def __exit__(self, *arguments) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
