"""An executor for tests: a plain socket server that records what it gets and answers as a test says."""

import json
import pathlib
import socket
import threading
import time

from http1_messages import Message, MessageReader


class Request(Message):
    def __init__(self, method, target, headers, body):
        super().__init__(headers, body)
        self.method = method
        self.target = target


class Connection(MessageReader):
    """One connection from the edge."""

    def answer(self, status=200, body=b"{}", headers=(), content_type="application/json"):
        lines = [f"HTTP/1.1 {status} Any", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def start_stream(self, headers=()):
        lines = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.send("\r\n".join(lines) + "\r\n\r\n")

    def chunk(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self):
        self.send(b"0\r\n\r\n")

    def wait_for_hangup(self):
        """Blocks until the edge closes; True when it did."""
        self.sock.settimeout(20)
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True

    def wait_until_read(self):
        """Until the edge has read all that was sent: a reset throws away what is still on the way."""
        end = time.monotonic() + 20
        while unread_bytes(self.sock.getsockname()[1], self.sock.getpeername()[1]) > 0:
            assert time.monotonic() < end, "the edge has not read what was sent"
            time.sleep(0.001)

    def read_request(self):
        method, target, _ = self.line().decode("latin-1").split(" ", 2)
        request = Request(method, target, self.take_headers(), b"")
        if request.header("Transfer-Encoding") == "chunked":
            while chunk := self.take_chunk():
                request.body += chunk
        else:
            request.body = self.take(int(request.header("Content-Length") or 0))
        return request


def unread_bytes(sender, receiver):
    """What the one port has sent and the other's program has not read, as the kernel sees both ends of the connection."""
    queued = 0
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        ports = int(local.partition(":")[2], 16), int(remote.partition(":")[2], 16)
        to_send, to_read = (int(size, 16) for size in queues.split(":"))
        if ports == (sender, receiver):
            queued += to_send
        elif ports == (receiver, sender):
            queued += to_read
    return queued


def answer_ok(request, connection):
    connection.answer(body=json.dumps({"target": request.target}).encode())


def stream_of(*chunks, headers=()):
    """Answers with a whole stream."""
    def respond(request, connection):
        connection.start_stream(headers)
        for chunk in chunks:
            connection.chunk(chunk)
        connection.end_stream()
    return respond


def broken_stream_of(*chunks, headers=()):
    """Begins a stream and is gone before its end."""
    def respond(request, connection):
        connection.start_stream(headers)
        for chunk in chunks:
            connection.chunk(chunk)
        return True
    return respond


class FakeExecutor:
    """`respond(request, connection)` answers; a truthy result closes the connection."""

    def __init__(self):
        self.respond = answer_ok
        self.requests = []
        self.errors = []
        self._closing = False
        self._connections = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def last(self):
        return self.requests[-1]

    def close(self):
        """Refuses from now on and drops what is open."""
        if self._closing:
            return
        self._closing = True
        # Wakes the accept, which a close alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._connections:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        connection = Connection(sock)
        try:
            while True:
                request = connection.read_request()
                self.requests.append(request)
                if self.respond(request, connection):
                    return
        except (EOFError, OSError):
            pass
        except Exception as error:  # reported by the fixture: a broken script must not pass for a test
            self.errors.append(error)
        finally:
            with self._lock:
                self._connections.discard(sock)
            sock.close()
