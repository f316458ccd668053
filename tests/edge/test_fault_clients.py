"""Clients that leave, in every phase of a request."""

import socket
import struct

import h2.config
import h2.connection
import h2.events
import pytest

from edge_config import ERROR_PAGES, LOCATIONS
from edge_keys import key_line, secret_of
from fault_load import CHAT, SHORT, STREAM, STREAM_TOKENS, answer_short, held, holding
from held_streams import HeldStreams
from raw_client import build_request

TIMES = 50
PHASES = ("headers", "body", "waiting", "stream", "half-closed")
EXPECTED = {  # slots, reserved tokens, ledger entries, open chats
    "headers": (0, 0, 0, 0),
    "body": (TIMES, 0, TIMES, 0),
    "waiting": holding(TIMES),
    "stream": holding(TIMES),
    "half-closed": (0, 0, 0, 0),
}


def bodies(phase):
    """One that is answered with a stream, or one that is never answered; nearly the same size."""
    return STREAM if phase == "stream" else STREAM.replace("true", "null")


def respond_for(executor, streams):
    def never(request, connection):
        connection.wait_for_hangup()
        return True
    streams.answer = never
    executor.respond = streams


class Http1:
    def __init__(self, edge):
        self.clients = [edge.connect() for _ in range(TIMES)]

    def begin(self, phase):
        request = build_request("POST", CHAT, body=bodies(phase))
        cut = {"headers": 60, "body": len(request) - 5}.get(phase, len(request))
        for client in self.clients:
            client.send(request[:cut])

    def await_streams(self):
        for client in self.clients:
            assert client.head().status == 200
            assert client.chunk() == b"data: begin\n\n"

    def half_close(self):
        for client in self.clients:
            client.sock.shutdown(socket.SHUT_WR)
        for client in self.clients:
            assert client.is_closed()

    def leave(self, _phase):
        for number, client in enumerate(self.clients):
            if number % 2:  # RST in place of FIN
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sock.close()

    def close(self):
        pass  # they have left


class Http2Connection:
    def __init__(self, address):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(address)
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.http.initiate_connection()
        self.events = []
        self.sock.sendall(self.http.data_to_send())

    def begin(self, phase):
        stream = self.http.get_next_available_stream_id()
        body = bodies(phase).encode()
        self.http.send_headers(stream, [(":method", "POST"), (":scheme", "http"), (":authority", "edge"),
                                        (":path", CHAT), ("authorization", f"Bearer {secret_of('alice')}"),
                                        ("content-length", str(len(body)))])
        if phase == "headers":
            self.sock.sendall(self.http.data_to_send()[:-10])
            return
        is_whole = phase != "body"
        self.http.send_data(stream, body if is_whole else body[:-5], end_stream=is_whole)
        self.sock.sendall(self.http.data_to_send())

    def streams_with_data(self):
        return {event.stream_id for event in self.events if isinstance(event, h2.events.DataReceived)}

    def receive(self):
        data = self.sock.recv(65536)
        assert data
        self.events += self.http.receive_data(data)
        self.sock.sendall(self.http.data_to_send())

    def cancel_all(self):
        for stream in range(1, self.http.get_next_available_stream_id(), 2):
            self.http.reset_stream(stream, error_code=8)  # CANCEL
        self.sock.sendall(self.http.data_to_send())


class Http2:
    """Streams on a few connections; half of the connections stay when their streams are cancelled."""

    def __init__(self, address):
        self.address = address
        self.connections = []

    def begin(self, phase):
        # Nothing can follow half a frame on a connection.
        each = 1 if phase == "headers" else 10
        self.connections = [Http2Connection(self.address) for _ in range(TIMES // each)]
        for connection in self.connections:
            for _ in range(each):
                connection.begin(phase)

    def await_streams(self):
        for connection in self.connections:
            while len(connection.streams_with_data()) < 10:
                connection.receive()

    def half_close(self):
        for connection in self.connections:
            connection.sock.shutdown(socket.SHUT_WR)
        for connection in self.connections:
            while connection.sock.recv(65536):
                pass

    def leave(self, phase):
        for number, connection in enumerate(self.connections):
            if number % 2 and phase in ("body", "waiting", "stream"):
                connection.cancel_all()
            else:
                connection.sock.close()

    def close(self):
        for connection in self.connections:
            connection.sock.close()


@pytest.mark.parametrize("protocol", ["http1", "h2c"])
def test_clients_that_leave_in_every_phase(make_edge, executor, tmp_path, protocol):
    streams = HeldStreams()
    respond_for(executor, streams)
    address = str(tmp_path / "h2.sock")
    second_server = f"server {{ listen unix:{address} http2; proxy_http_version 1.1; proxy_buffering off; " \
                    f'proxy_set_header Connection ""; {ERROR_PAGES} {LOCATIONS} }}'
    edge = make_edge(workers=2, http=second_server, keys=key_line("alice", "allow=* streams=1000 tokens=100k/d"))
    for phase in PHASES:
        clients = Http1(edge) if protocol == "http1" else Http2(address)
        before = len(executor.requests)
        clients.begin(phase)
        if phase in ("waiting", "half-closed"):
            edge.wait_for(lambda before=before: len(executor.requests) == before + TIMES, "requests")
        if phase == "stream":
            clients.await_streams()
        if phase == "half-closed":
            assert held(edge.status()) == holding(TIMES)
            clients.half_close()  # and the edge closes the other half
        edge.wait_for(lambda phase=phase: held(edge.status()) == EXPECTED[phase], phase)
        clients.leave(phase)
        edge.wait_for_rest()
        clients.close()
    # waiting, stream, half-closed: nobody told of usage, so that what was reserved was charged.
    status = edge.status()
    assert status["estimated_tokens_total"] == 3 * TIMES * STREAM_TOKENS
    assert status["limits_full_total"] == 0
    with edge.connect() as client:
        streams.answer = answer_short
        left = 100_000 - 3 * TIMES * STREAM_TOKENS - 101
        assert left <= int(client.chat(SHORT).header("x-ratelimit-remaining-tokens")) <= left + 20
