"""Clients that read slowly, close half of their connection, cancel or say nothing; and a reload in the middle of it."""

import json
import socket
import threading
import time

import pytest

from certificates import make_certificate, trusting
from edge_keys import key_line
from held_streams import HeldStreams
from http2_client import Http2Client
from raw_client import Client, build_request

CHAT = "/v1/chat/completions"
STREAM = '{"model":"m","stream":true}'
SHORT = '{"model":"m"}'
KEYS = key_line("alice", "allow=* streams=10 tokens=1m/d")
EVENT = 'data: {"text":"' + "x" * 2000 + '"}\n\n'

with_reload = pytest.mark.parametrize("is_reloaded", [False, True], ids=["steady", "reloaded"])


def chats(edge):
    status = edge.status()
    return tuple(status[name] for name in ("slots", "ledger_entries", "open_chats"))


def wait_for_chats(edge, count):
    edge.wait_for(lambda: chats(edge) == (count, count, count), f"{count} open chats")


# Readers whose windows are full. Little fits into the buffers between them and the edge.

LISTEN = "sndbuf=16k"
READER_BUFFER = 4096


class Reader:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.sock.close()


class Http1Reader(Reader):
    def __init__(self, edge):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READER_BUFFER)  # before the window is offered
        sock.settimeout(20)
        sock.connect(("127.0.0.1", edge.port))
        self.client = Client(self.secured(sock, edge))
        self.client.send(build_request("POST", CHAT, body=STREAM))
        assert self.client.head().status == 200

    def secured(self, sock, edge):
        return sock

    def read(self):
        text = b""
        while chunk := self.client.chunk():
            text += chunk
        return text.decode()

    def asks_again(self):
        return self.client.chat(SHORT).status

    def is_closed(self):
        while data := self.client.sock.recv(65536):
            assert b"\r\n0\r\n" not in data
        return True


class TlsReader(Http1Reader):
    def secured(self, sock, edge):
        return trusting(edge.directory / "server.crt").wrap_socket(sock, server_hostname="127.0.0.1")


class Http2Reader(Reader):
    """Its window is HTTP/2's own: 64 KiB, of which it gives nothing back."""

    def __init__(self, edge):
        self.client = Http2Client(socket.create_connection(("127.0.0.1", edge.port), timeout=20))
        self.stream = self.client.post(CHAT, STREAM)
        self.client.wait_for(lambda: self.stream in self.client.headers)

    def read(self):
        return self.client.read(self.stream).decode()

    def asks_again(self):
        stream = self.client.post(CHAT, SHORT)
        self.client.read(stream)
        return self.client.status(stream)

    def is_closed(self):
        self.client.wait_for(lambda: self.stream in self.client.reset)
        return True


READERS = {
    "http1": (Http1Reader, LISTEN),
    "tls": (TlsReader, f"ssl {LISTEN}"),
    "http2": (Http2Reader, f"http2 {LISTEN}"),
}


@pytest.fixture(params=READERS)
def edge_and_reader(request, make_edge, tmp_path):
    """A function that starts an edge, and one that makes a reader of it."""
    reader, listen_options = READERS[request.param]

    def make(server=""):
        if request.param == "tls":
            (tmp_path / "edge0").mkdir()
            certificate, key = make_certificate(tmp_path / "edge0")
            server += f"ssl_certificate {certificate}; ssl_certificate_key {key};"
        return make_edge(listen_options=listen_options, keys=KEYS, server=server, status_socket=True)
    return make, reader


@with_reload
def test_a_full_window_loses_nothing_when_the_executor_goes(edge_and_reader, executor, is_reloaded):
    make, reader = edge_and_reader
    events = EVENT * 150
    gone = threading.Event()

    def respond(request, connection):
        if request.body == SHORT.encode():
            return connection.answer()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, len(events))  # so that it need not wait
        connection.start_stream([("X-Agent-Stream", "openai")])
        connection.chunk(events)
        connection.sock.close()
        gone.set()
        return True

    executor.respond = respond
    edge = make()
    with reader(edge) as client:
        assert gone.wait(20)
        if is_reloaded:
            edge.replace_workers()
        wait_for_chats(edge, 1)  # the edge has most of it still to send
        text = client.read()
        assert text.startswith(events)
        error = json.loads(text.removeprefix(events).removeprefix("data: "))
        assert error["error"]["code"] == "run_lost"
        if not is_reloaded:
            assert client.asks_again() == 200
        wait_for_chats(edge, 0)


@with_reload
def test_a_reader_that_never_reads_is_dropped(edge_and_reader, executor, is_reloaded):
    make, reader = edge_and_reader
    begun, hung_up = threading.Event(), threading.Event()

    def respond(request, connection):
        connection.start_stream([("X-Agent-Stream", "openai")])
        connection.chunk(EVENT)
        begun.set()
        try:
            while True:
                connection.chunk(EVENT)
        except ConnectionError:
            hung_up.set()
        return True

    executor.respond = respond
    edge = make("send_timeout 1s;")
    with reader(edge) as client:
        assert begun.wait(20)
        if is_reloaded:
            edge.replace_workers()
        assert hung_up.wait(20), "the executor can stop working"
        wait_for_chats(edge, 0)
        assert client.is_closed()


# Half of a connection

@with_reload
@pytest.mark.parametrize("phase", ["waiting", "stream"])
def test_a_half_close_ends_the_run(make_edge, executor, phase, is_reloaded):
    begun, hung_up = threading.Event(), threading.Event()

    def respond(request, connection):
        if phase == "stream":
            connection.start_stream([("X-Agent-Stream", "openai")])
            connection.chunk(EVENT)
        begun.set()
        if connection.wait_for_hangup():
            hung_up.set()
        return True

    executor.respond = respond
    edge = make_edge(keys=KEYS)
    with edge.connect() as client:
        client.send(build_request("POST", CHAT, body=STREAM))
        assert begun.wait(20)
        if phase == "stream":
            assert client.head().status == 200
            assert client.chunk() == EVENT.encode()
        if is_reloaded:
            edge.replace_workers()
        wait_for_chats(edge, 1)
        client.sock.shutdown(socket.SHUT_WR)
        assert hung_up.wait(20)
        assert client.is_closed(), "and nothing more was sent"
    wait_for_chats(edge, 0)


@with_reload
def test_a_half_close_ends_an_upload(make_edge, executor, is_reloaded):
    edge = make_edge(keys=KEYS)
    with edge.connect() as client:
        client.send(build_request("POST", CHAT, body=STREAM)[:-5])
        edge.wait_for(lambda: edge.status()["uploads"] == 1, "upload")
        if is_reloaded:
            edge.replace_workers()
        client.sock.shutdown(socket.SHUT_WR)
        assert client.is_closed()
    edge.wait_for(lambda: edge.status()["uploads"] == 0, "end of the upload")
    wait_for_chats(edge, 0)
    assert executor.requests == []


# Streams of HTTP/2 that are cancelled

@with_reload
def test_a_cancelled_stream_ends_its_run_alone(make_edge, executor, is_reloaded):
    streams = HeldStreams()
    hung_up = {}

    def respond(request, connection):
        name = request.header("X-Request-Id")
        hung_up[name] = threading.Event()
        closes = streams(request, connection)
        hung_up[name].set()
        return closes

    executor.respond = respond
    edge = make_edge(keys=KEYS, listen_options="http2", status_socket=True)
    with Http2Client(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as client:
        cancelled, other = client.post(CHAT, STREAM), client.post(CHAT, STREAM)
        for stream in (cancelled, other):
            client.wait_for(lambda stream=stream: client.bodies.get(stream) == b"data: begin\n\n")
        wait_for_chats(edge, 2)
        if is_reloaded:
            edge.replace_workers()
        client.cancel(cancelled)
        ids = {stream: client.headers[stream]["x-request-id"] for stream in (cancelled, other)}
        assert hung_up[ids[cancelled]].wait(20)
        wait_for_chats(edge, 1)
        assert not hung_up[ids[other]].is_set()
        connection = streams.connections[ids[other]]
        connection.chunk("data: more\n\n")
        connection.end_stream()
        assert client.read(other) == b"data: begin\n\ndata: more\n\n"
        wait_for_chats(edge, 0)
        assert client.goes_away == is_reloaded
        if not is_reloaded:
            again = client.post(CHAT, SHORT)
            client.read(again)
            assert client.status(again) == 200


@with_reload
def test_a_cancelled_upload_gives_its_place_back(make_edge, executor, is_reloaded):
    edge = make_edge(keys=KEYS, listen_options="http2", status_socket=True, http="agent_max_uploads 1;")
    with Http2Client(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as client:
        upload = client.post(CHAT, SHORT, length=100)
        edge.wait_for(lambda: edge.status()["uploads"] == 1, "upload")
        if is_reloaded:
            edge.replace_workers()
        client.cancel(upload)
        edge.wait_for(lambda: edge.status()["uploads"] == 0, "end of the upload")
        wait_for_chats(edge, 0)
    assert executor.requests == []


# Silence

SILENCES = {  # listen options, what is said before
    "nothing": ("", b""),
    "half-a-line": ("", b"POST /v1/chat"),
    "half-a-header": ("", build_request("POST", CHAT, body=SHORT)[:60]),
    "half-a-body": ("", build_request("POST", CHAT, body=SHORT)[:-5]),
    "no-handshake": ("ssl", b""),
    "half-a-preface": ("http2", b"PRI * HTTP/2.0\r\n"),
}
LIMITS = "client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s;"


@with_reload
@pytest.mark.parametrize("silence", SILENCES)
def test_a_silent_client_is_closed(make_edge, tmp_path, executor, silence, is_reloaded):
    listen_options, said = SILENCES[silence]
    certificate, key = make_certificate(tmp_path)
    edge = make_edge(keys=KEYS, listen_options=listen_options, status_socket=True,
                     server=f"{LIMITS} ssl_certificate {certificate}; ssl_certificate_key {key};")
    with edge.connect() as client:
        client.send(said)
        begin = time.monotonic()
        if is_reloaded:
            edge.replace_workers()
        while data := client.sock.recv(100):
            assert listen_options == "http2" and b"HTTP/1.1" not in data, "there is no answer to nothing"
        assert time.monotonic() - begin < 10
    edge.wait_for(lambda: edge.status()["uploads"] == 0, "end of the upload")
    edge.wait_for(lambda: len(edge.worker_pids()) == 1, "end of the old worker")
    wait_for_chats(edge, 0)
    assert executor.requests == []


@with_reload
def test_a_header_that_drips_is_closed(make_edge, executor, is_reloaded):
    """The time is that of the whole header, not that between two bytes."""
    edge = make_edge(server="client_header_timeout 1s;")
    begin = time.monotonic()
    with edge.connect() as client:
        client.send("GET /health HTTP/1.1\r\nHost: edge\r\nX-Long: ")
        if is_reloaded:
            edge.replace_workers()
        client.sock.settimeout(0.05)
        while not has_hung_up(client):
            assert time.monotonic() - begin < 10
    assert time.monotonic() - begin >= 0.9
    edge.wait_for(lambda: len(edge.worker_pids()) == 1, "end of the old worker")


def has_hung_up(client):
    """After one more byte."""
    try:
        client.send("x")
        assert client.sock.recv(1) == b"", "there is no answer to a part of a request"
        return True
    except TimeoutError:
        return False
    except ConnectionError:
        return True
