"""Senders by the hundred: slow bodies and endless headers; and a reload in the middle of it."""

import collections
import contextlib
import select
import socket
import time

import pytest

from edge_keys import key_line
from http2_client import Http2Client
from raw_client import build_request

CHAT = "/v1/chat/completions"
SHORT = '{"model":"m"}'
KEYS = key_line("alice", "allow=* streams=1000 tokens=1000m/d")
SENDERS = 100
STEP = 0.05  # seconds between two pieces of 1 KB: 20 KB a second
LINGERING = 2  # lingering_time of the harness

with_reload = pytest.mark.parametrize("is_reloaded", [False, True], ids=["steady", "reloaded"])


def upload_head(size, key):
    return build_request("POST", CHAT, [("Content-Length", size)], key=key) + SHORT.encode()


class SlowSender:
    """One upload of `size` bytes; its answer, and when the edge hung up on it."""

    def __init__(self, edge, size, key):
        self.client = edge.connect()
        self.left = size - len(SHORT)
        self.answer = self.answered_at = self.closed_at = None
        self.client.send(upload_head(size, key))

    def step(self):
        """The next piece, and what has come meanwhile."""
        try:
            if self.left and self.closed_at is None:
                size = min(1000, self.left)
                self.client.send(b" " * size)
                self.left -= size
        except ConnectionError:
            self.closed_at = time.monotonic()
        if self.answer is None and select.select([self.client.sock], [], [], 0)[0]:
            self.answer = self.client.response()
            self.answered_at = time.monotonic()


@contextlib.contextmanager
def slow_senders(edge, size, key, count=SENDERS):
    senders = [SlowSender(edge, size, key) for _ in range(count)]
    try:
        yield senders
    finally:
        for sender in senders:
            sender.client.sock.close()


def drip(senders, until, seconds=20):
    """All of them send their pieces until the condition holds."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"not within {seconds} s"
        next_piece = time.monotonic() + STEP
        for sender in senders:
            sender.step()
        while (wait := next_piece - time.monotonic()) > 0:
            time.sleep(wait)  # the pace of the senders


def is_answered_meanwhile(edge):
    with edge.connect() as client:
        return client.chat(SHORT).status == 200


@with_reload
def test_slow_uploads_with_a_wrong_key_hold_nothing(make_edge, executor, is_reloaded):
    edge = make_edge(keys=KEYS, http="agent_max_uploads 10;")
    begin = time.monotonic()
    with slow_senders(edge, 1_000_000, "nobody") as senders:
        drip(senders, lambda: all(sender.answer for sender in senders))
        for sender in senders:
            assert (sender.answer.status, sender.answer.error["code"]) == (401, "invalid_api_key")
            assert sender.answered_at - begin < 5, "of 50 seconds that the uploads would take"
        if is_reloaded:
            edge.replace_workers()
        status = edge.status()
        assert [status[name] for name in ("uploads", "open_chats", "slots", "ledger_entries")] == [0, 0, 0, 0]
        assert is_answered_meanwhile(edge)
        drip(senders, lambda: all(sender.closed_at for sender in senders))
        held = [sender.closed_at - sender.answered_at for sender in senders]
        assert max(held) < LINGERING + 1.5, "its time, and what a busy machine adds"
    assert edge.status()["auth_failures_total{reason=unknown}"] == SENDERS
    edge.wait_for(lambda: len(edge.worker_pids()) == 1, "end of the old worker")
    assert len(executor.requests) == 1


@with_reload
def test_slow_uploads_with_a_good_key_up_to_the_bound(make_edge, executor, is_reloaded):
    bound = SENDERS // 2
    edge = make_edge(keys=KEYS, http=f"agent_max_uploads {bound};")
    with slow_senders(edge, 40_000, "alice") as senders:
        drip(senders, lambda: sum(sender.answer is not None for sender in senders) == SENDERS - bound)
        refused = [sender.answer for sender in senders if sender.answer]
        others = [sender for sender in senders if not sender.answer]
        assert {(answer.status, answer.error["code"]) for answer in refused} == {(503, "overloaded")}
        assert {answer.header("Retry-After") for answer in refused} == {"1"}
        assert all(sender.left for sender in others), "their uploads are under way"
        assert edge.status()["uploads"] == bound
        if is_reloaded:
            edge.replace_workers()
            # Those that the old worker still takes count for the new one too.
            with slow_senders(edge, 40_000, "alice", 1) as late:
                drip(late, lambda: late[0].answer)
                assert (late[0].answer.status, edge.status()["uploads"]) == (503, bound)
        assert is_answered_meanwhile(edge)
        drip(others, lambda: all(sender.answer for sender in others))
        assert {sender.answer.status for sender in others} == {200}
    assert len(executor.requests) == bound + 1
    assert {len(request.body) for request in executor.requests} == {40_000, len(SHORT)}
    assert edge.wait_for_rest()["uploads"] == 0
    assert edge.status()["uploads_refused_total"] == SENDERS - bound + is_reloaded


# The same over HTTP/2, where a refusal may wait for the body so that clients do not lose it, but not for ever.

STREAMS = 10  # of a connection


class SlowHttp2Senders:
    """Uploads of `size` bytes on one connection."""

    def __init__(self, edge, size, key):
        self.client = Http2Client(socket.create_connection(("127.0.0.1", edge.port), timeout=20))
        self.left = {self.client.post(CHAT, SHORT, key, size): size - len(SHORT) for _ in range(STREAMS)}

    def step(self):
        for stream, left in self.left.items():
            if stream in self.client.ended or stream in self.client.reset or not left:
                continue
            size = min(1000, left, self.client.http.local_flow_control_window(stream))
            self.left[stream] -= size
            if size:
                self.client.send_body(stream, " " * size, is_last=not self.left[stream])
        # Once it has answered all of them, a worker that leaves closes the connection.
        while not self.client.ended.issuperset(self.left) and select.select([self.client.sock], [], [], 0)[0]:
            self.client.receive()

    def statuses(self):
        return [self.client.status(stream) for stream in self.left if stream in self.client.ended]


@contextlib.contextmanager
def slow_http2_senders(edge, size, key):
    connections = [SlowHttp2Senders(edge, size, key) for _ in range(SENDERS // STREAMS)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.client.sock.close()


def statuses_of(connections):
    return collections.Counter(status for connection in connections for status in connection.statuses())


@with_reload
def test_slow_http2_uploads_with_a_wrong_key_hold_nothing(make_edge, executor, is_reloaded):
    edge = make_edge(keys=KEYS, listen_options="http2", status_socket=True, connections=2048)
    with slow_http2_senders(edge, 1_000_000, "nobody") as connections:
        edge.wait_for(lambda: edge.status()["auth_failures_total{reason=unknown}"] == SENDERS, "failures")
        if is_reloaded:
            edge.replace_workers()
        begin = time.monotonic()
        drip(connections, lambda: (statuses_of(connections).total() == SENDERS
                                   or time.monotonic() - begin > LINGERING + 2))
        assert statuses_of(connections) == {401: SENDERS}, "long before the 50 seconds that the uploads would take"
        assert edge.status()["uploads"] == 0
    assert executor.requests == []


@with_reload
def test_slow_http2_uploads_with_a_good_key_up_to_the_bound(make_edge, executor, is_reloaded):
    bound = SENDERS // 2
    edge = make_edge(keys=KEYS, listen_options="http2", status_socket=True, http=f"agent_max_uploads {bound};",
                     connections=2048)
    with slow_http2_senders(edge, 100_000, "alice") as connections:
        edge.wait_for(lambda: edge.status()["uploads"] == bound, "uploads")
        if is_reloaded:
            edge.replace_workers()
        begin = time.monotonic()
        drip(connections, lambda: time.monotonic() - begin > LINGERING + 1)
        assert statuses_of(connections) == {503: SENDERS - bound}, "while the others are still sending"
        drip(connections, lambda: statuses_of(connections).total() == SENDERS)
        assert statuses_of(connections) == {503: SENDERS - bound, 200: bound}
    assert edge.wait_for_rest()["uploads"] == 0


# Headers

FLOODS = {
    "many-large": b"".join(b"X-%d: %s\r\n" % (number, b"x" * 1000) for number in range(100)),
    "one-huge": b"X: " + b"x" * 40_000 + b"\r\n",
    "thousands": b"".join(b"X-%d: y\r\n" % number for number in range(10_000)),
    "huge-name": b"x" * 40_000 + b": y\r\n",
    "no-line-end": b"X: " + b"x" * 200_000,
}


@with_reload
@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_headers(make_edge, executor, flood, is_reloaded):
    edge = make_edge(http="large_client_header_buffers 3 8k;")
    request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: edge\r\n" + FLOODS[flood] + b"\r\n"
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(edge.connect()) for _ in range(20)]
        for client in clients:
            client.send(request[:900])
        if is_reloaded:
            edge.replace_workers()
        for client in clients:
            client.send(request[900:])
            response = client.response()
            assert (response.status, response.error["code"]) == (431, "headers_too_large")
            assert response.header("Connection") == "close"
            assert client.is_closed()
        assert is_answered_meanwhile(edge)
    assert len(executor.requests) == 1
    edge.wait_for(lambda: len(edge.worker_pids()) == 1, "end of the old worker")
