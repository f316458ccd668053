"""Streams that stay open until the test ends them."""

from raw_client import build_request


class HeldStreams:
    """What an executor answers: to a chat that asks for a stream its beginning, and the rest is the test's."""

    def __init__(self, answer=lambda request, connection: connection.answer()):
        self.answer = answer  # of everything else
        self.connections = {}

    def __call__(self, request, connection):
        if b'"stream":true' not in request.body:
            return self.answer(request, connection)
        # The edge closes the connection when the stream ends, so that it is never another request that comes here.
        connection.start_stream([("Connection", "close")])
        self.connections[request.header("X-Request-Id")] = connection
        connection.chunk("data: begin\n\n")
        connection.wait_for_hangup()
        return True

    def open(self, client, body='{"model":"m","stream":true}', key="alice"):
        return self.open_all([client], body, key)[0]

    def open_all(self, clients, body='{"model":"m","stream":true}', key="alice"):
        """On all of these connections at once."""
        for client in clients:
            client.send(build_request("POST", "/v1/chat/completions", body=body, key=key))
        return [HeldStream(client, self) for client in clients]


class HeldStream:
    """A client in the middle of its stream. `worker`: the process that serves it, with SHOW_WORKER."""

    def __init__(self, client, streams):
        self.client = client
        head = client.head()
        assert head.status == 200, head.status
        assert client.chunk() == b"data: begin\n\n"
        self.connection = streams.connections[head.header("X-Request-Id")]
        self.worker = int(head.header("X-Worker") or 0)

    def goes_on(self, text="data: more\n\n"):
        self.connection.chunk(text)
        return self.client.chunk() == text.encode()

    def end(self):
        """As the executor ends it; the client has seen all of it."""
        self.connection.end_stream()
        assert self.client.chunk() == b""
        self.client.sock.close()

    def abort(self):
        self.client.sock.close()
