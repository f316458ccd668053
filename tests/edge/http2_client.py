"""HTTP/2 in the clear, stream by stream: what is sent when, what is acknowledged, what is cancelled."""

import h2.config
import h2.connection
import h2.errors
import h2.events

from edge_keys import secret_of

GOAWAY = 7


class Http2Client:
    """Acknowledges received data only when told to, so that the edge meets full windows."""

    def __init__(self, sock):
        self.sock = sock
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="ascii"))
        self.http.initiate_connection()
        self.headers, self.bodies, self.unacknowledged, self.ended, self.reset = {}, {}, {}, set(), set()
        self.goes_away = False
        self._received = b""
        self._flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def post(self, path, body, key="alice", length=None):
        """`length` longer than `body`: the rest comes later, or never. Returns the stream."""
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, [(":method", "POST"), (":scheme", "http"), (":authority", "edge"),
                                        (":path", path), ("authorization", f"Bearer {secret_of(key)}"),
                                        ("content-length", str(length or len(body)))])
        self.send_body(stream, body, is_last=length is None)
        return stream

    def send_body(self, stream, body, is_last=False):
        self.http.send_data(stream, body.encode(), end_stream=is_last)
        self._flush()

    def cancel(self, stream):
        self.http.reset_stream(stream, error_code=h2.errors.ErrorCodes.CANCEL)
        self._flush()

    def wait_for(self, condition):
        """Reads until the condition holds; the socket's time-out is the deadline."""
        while not condition():
            self.receive()

    def receive(self):
        data = self.sock.recv(65536)
        assert data, f"connection closed: {self.headers}, ended {self.ended}"
        self._received += data
        while frame := self._next_frame():
            # h2 takes no more frames after it, although the streams that are open go on.
            if frame[3] == GOAWAY:
                self.goes_away = True
                continue
            for event in self.http.receive_data(frame):
                self._take(event)
        self._flush()

    def _next_frame(self):
        """With its header of 9 bytes, which begins with the length of the rest; none before it is here."""
        size = 9 + int.from_bytes(self._received[:3], "big")
        if len(self._received) < max(9, size):
            return b""
        frame, self._received = self._received[:size], self._received[size:]
        return frame

    def status(self, stream):
        return int(self.headers[stream][":status"])

    def read(self, stream):
        """All of the response's body, from now on as fast as it comes."""
        while stream not in self.ended:
            assert stream not in self.reset, f"stream {stream} was reset"
            self._acknowledge(stream)
            self.receive()
        return self.bodies.get(stream, b"")

    def _take(self, event):
        if isinstance(event, h2.events.ResponseReceived):
            self.headers[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
            self.unacknowledged[event.stream_id] = (
                self.unacknowledged.get(event.stream_id, 0) + event.flow_controlled_length)
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.reset.add(event.stream_id)

    def _acknowledge(self, stream):
        if size := self.unacknowledged.pop(stream, 0):
            self.http.acknowledge_received_data(size, stream)
            self._flush()

    def _flush(self):
        self.sock.sendall(self.http.data_to_send())
