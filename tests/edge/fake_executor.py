"""An executor for tests: a plain socket server that records what it gets and answers as a test says."""

import json
import socket
import threading


class Message:
    """A request or a response as it was received."""

    def __init__(self, headers, body):
        self.headers = headers  # [(name, value)]
        self.body = body

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} was sent {len(values)} times"
        return values[0] if values else None


class Request(Message):
    def __init__(self, method, target, headers, body):
        super().__init__(headers, body)
        self.method = method
        self.target = target


class Connection:
    """One connection from the edge, with the bytes that were read ahead."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

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

    def _more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def _take(self, size):
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def read_request(self):
        method, target, _ = self._line().decode("latin-1").split(" ", 2)
        headers = []
        while line := self._line():
            name, value = line.decode("latin-1").split(":", 1)
            headers.append((name, value.strip()))
        request = Request(method, target, headers, b"")
        if request.header("Transfer-Encoding") == "chunked":
            while size := int(self._line(), 16):
                request.body += self._take(size)
                self._line()
            self._line()
        else:
            request.body = self._take(int(request.header("Content-Length") or 0))
        return request


def answer_ok(request, connection):
    connection.answer(body=json.dumps({"target": request.target}).encode())


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
