"""What both ends of an HTTP/1.1 connection need: messages as they were received, read byte for byte."""


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


class MessageReader:
    """One end of a connection, with the bytes that were read ahead. EOFError: the other end closed too early."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def take(self, size):
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def take_headers(self):
        headers = []
        while line := self.line():
            name, value = line.decode("latin-1").split(":", 1)
            headers.append((name, value.strip()))
        return headers

    def take_chunk(self):
        """Of a chunked body; empty at its end."""
        data = self.take(int(self.line(), 16))
        assert self.line() == b""
        return data

    def _more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError(f"connection closed after {self.buffer[-200:]!r}")
        self.buffer += data
