"""Counts and limits stay right when workers die, clients leave, nginx reloads, memory ends or the clock jumps."""

import collections
import glob
import os
import re
import shutil
import signal
import socket
import struct
import threading
import time
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import h2.config
import h2.connection
import h2.events
import pytest

from edge_harness import (ERROR_PAGES, LOCATIONS, SHOW_WORKER, Edge, HeldStreams, build_request, find_module,
                          is_alive, key_line, sanitizer_environment, secret_of)

STREAM = '{"model":"m","max_tokens":90,"stream":true}'  # 43 bytes: 10 tokens, and 90
STREAM_TOKENS = 100
SHORT = '{"model":"m","max_tokens":90,"stream":false}'
CHAT = "/v1/chat/completions"
KILLED = "exited on signal 9"


def answer_short(request, connection):
    usage = ("X-Agent-Usage", '{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}')
    connection.answer(headers=[usage] if request.method == "POST" else [])


class Load:
    """Repeats a request on a keep-alive connection of each lane; a connection that the edge closes between two
    requests, or before any byte of an answer, is made anew."""

    def __init__(self, edge, requests, may_cut=False):
        self.edge = edge
        self.may_cut = may_cut  # a worker that is killed cuts answers
        self.statuses = [collections.Counter() for _ in requests]
        self.errors = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=lane)
                        for lane in zip(requests, self.statuses, strict=True)]

    def answers(self):
        return sum(statuses.total() for statuses in self.statuses)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        assert not self.errors, self.errors

    def _run(self, request, statuses):
        while not self.stop.is_set():
            try:
                with self.edge.connect() as client:
                    while not self.stop.is_set() and is_answered(client, request):
                        statuses[client.response().status] += 1
            except (AssertionError, ConnectionError, TimeoutError) as error:
                if not self.may_cut:
                    self.errors.append(error)
                    return


def is_answered(client, request):
    """False: the connection was closed before any byte of the answer."""
    try:
        client.send(request)
        return client.sock.recv(1, socket.MSG_PEEK) != b""
    except ConnectionError:
        return False


def answers_to(edge, request, count, lanes=10):
    """`count` requests at once on `lanes` connections: how often each status came."""
    clients = [edge.connect() for _ in range(lanes)]
    for client in clients:
        client.send(request * (count // lanes))
    found = collections.Counter(client.response().status for client in clients for _ in range(count // lanes))
    for client in clients:
        client.sock.close()
    return found


def asked(key):
    return build_request("GET", "/v1/models", key=key)


def status_of(edge, key):
    with edge.connect() as client:
        return client.request("GET", "/v1/models", key=key).status


def held(status):
    return tuple(status[name] for name in ("slots", "reserved_tokens", "ledger_entries", "open_chats"))


def holding(streams):
    return (streams, streams * STREAM_TOKENS, streams, streams)


def seconds_until(condition):
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < 20
        time.sleep(0.005)
    return time.monotonic() - begin


# Workers that are killed

@pytest.mark.parametrize("is_draining", [False, True], ids=["serving", "draining"])
def test_what_a_killed_worker_held_is_given_back(make_edge, executor, is_draining):
    executor.respond = streams = HeldStreams()
    keys = (key_line("alice", "allow=* streams=100 tokens=100k/d") + key_line("load", "allow=* requests=1m/s")
            + key_line("burst", "allow=* requests=60/h burst=15"))
    edge = make_edge(workers=3, keys=keys, server=SHOW_WORKER)
    victim, *others = edge.connect_to_each_worker(4).values()
    lost = streams.open_all(victim, STREAM)
    kept = [stream for clients in others for stream in streams.open_all(clients, STREAM)]
    if is_draining:
        edge.replace_workers()
    assert held(edge.status()) == holding(12)
    edge.expected.append(KILLED)
    with Load(edge, [asked("load")] * 3) as load:
        edge.wait_for(lambda: all(statuses.total() >= 10 for statuses in load.statuses), "load")
        os.kill(lost[0].worker, signal.SIGKILL)
        took = seconds_until(lambda: held(edge.status()) == holding(8))
        before = load.answers()
        edge.wait_for(lambda: load.answers() >= before + 50, "answers of those that are left")
    assert took < 1.5
    assert all(set(statuses) == {200} for statuses in load.statuses)
    status = edge.status()
    assert (status["ledger_recovered_total"], status["estimated_runs_total"]) == (4, 4)
    assert status["estimated_tokens_total"] == 4 * STREAM_TOKENS, "what was reserved is charged"
    assert (f"took back what worker {lost[0].worker} held: 4 requests, {4 * STREAM_TOKENS} tokens charged"
            in edge.errors())
    for stream in lost:
        assert stream.client.is_closed()
    for stream in kept:
        assert stream.goes_on()
        stream.end()
    edge.wait_for_rest()
    edge.wait_for(lambda: len(edge.worker_pids()) == 3, "three workers")
    with edge.connect() as client:
        # The streams told of no usage. A few tokens have come back meanwhile.
        left = 100_000 - 12 * STREAM_TOKENS - 101
        assert left <= int(client.chat(SHORT).header("x-ratelimit-remaining-tokens")) <= left + 20
    assert answers_to(edge, asked("burst"), 100) == {200: 15, 429: 85}


def test_twenty_kills_in_a_row_under_load(make_edge, executor):
    executor.respond = answer_short
    words = "allow=* scopes=chat requests=1m/s streams=50 tokens=1000m/s"
    base = (key_line("alice", words) + key_line("tight", "allow=* streams=1")
            + key_line("fresh", "allow=* requests=60/h burst=15"))
    edge = make_edge(workers=4, keys=base)
    edge.expected += [KILLED, 'shared memory zone "agents" was locked by']
    lanes = ("alice", "alice", "alice", "tight", "tight")
    chat = [build_request("POST", CHAT, body=SHORT, key=key) for key in lanes]
    killed = set()
    with Load(edge, chat, may_cut=True) as load:
        for number in range(20):
            edge.write_keys(base + key_line(f"extra{number}"))  # so that some die while they read it
            before = load.answers()
            edge.wait_for(lambda before=before: load.answers() >= before + 50 and len(edge.worker_pids()) == 4,
                          "answers of four workers")
            victim = edge.worker_pids()[number % 4]
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)
            edge.wait_for(lambda victim=victim: victim not in edge.worker_pids(), "end of the worker")
    assert len(killed) == 20
    assert all(set(statuses) == {200} for statuses in load.statuses[:3])
    assert all(set(statuses) <= {200, 429} for statuses in load.statuses[3:])
    edge.wait_for_rest()
    edge.wait_for(lambda: edge.status()["workers"] == 4, "four workers")
    edge.wait_for(lambda: status_of(edge, "extra19") == 200, "the keys of the last file")
    assert status_of(edge, "extra18") == 401
    assert answers_to(edge, asked("fresh"), 100) == {200: 15, 429: 85}
    assert answers_to(edge, build_request("POST", CHAT, body=SHORT, key="tight"), 10, lanes=1) == {200: 10}
    edge.wait_for_rest()


# Reloads

@pytest.mark.item("S1-115")
def test_ten_reloads_under_load(make_edge, executor):
    executor.respond = streams = HeldStreams(answer_short)
    keys = (key_line("alice", "allow=* streams=100 tokens=1m/d") + key_line("load", "allow=* tokens=1000m/s")
            + key_line("tight", "allow=* streams=1 tokens=1000m/s") + key_line("spent", "allow=* requests=2/d"))
    edge = make_edge(workers=2, keys=keys, server=SHOW_WORKER)
    assert answers_to(edge, asked("spent"), 10) == {200: 2, 429: 8}
    held_streams = []
    chat = [build_request("POST", CHAT, body=SHORT, key=key) for key in ("load", "load", "tight", "tight")]
    with Load(edge, chat) as load:
        for number in range(1, 11):
            held_streams.append(streams.open(edge.connect(), STREAM))
            assert held_streams[-1].worker in edge.replace_workers()
            assert status_of(edge, "spent") == 429
            # Those of this test, and at most one of "tight".
            assert edge.status()["slots"] - number in (0, 1)
            before = load.answers()
            edge.wait_for(lambda before=before: load.answers() >= before + 10, "answers of new workers")
    assert all(set(statuses) == {200} for statuses in load.statuses[:2])
    assert all(set(statuses) <= {200, 429} and statuses[200] for statuses in load.statuses[2:])
    status = edge.wait_for(lambda: held(found := edge.status()) == holding(10) and found, "end of the load")
    assert status["limited_total{per=key,limit=requests}"] == 8 + 10
    assert status["limited_total{per=key,limit=streams}"] == sum(statuses[429] for statuses in load.statuses)
    assert status["tokens_total{kind=total}"] == 7 * sum(statuses[200] for statuses in load.statuses)
    assert status["workers"] == 2 + 10
    for stream in held_streams:
        assert is_alive(stream.worker) and stream.goes_on()
        stream.end()
        edge.wait_for(lambda worker=stream.worker: not is_alive(worker), "end of the stream's worker")
    assert edge.wait_for_rest()["workers"] == 2


def test_the_shutdown_timeout_gives_back_the_slot_of_a_stream(make_edge, executor):
    executor.respond = streams = HeldStreams()
    edge = make_edge(main="worker_shutdown_timeout 300ms;", server=SHOW_WORKER,
                     keys=key_line("alice", "allow=* streams=1 tokens=1m/d"))
    stream = streams.open(edge.connect(), STREAM)
    assert edge.replace_workers() == [stream.worker]
    assert held(edge.status()) == holding(1)
    assert stream.client.is_closed()
    edge.wait_for(lambda: not is_alive(stream.worker), "end of the old worker")
    assert edge.wait_for_rest()["estimated_tokens_total"] == STREAM_TOKENS
    next_one = streams.open(edge.connect(), STREAM)
    assert next_one.goes_on()
    next_one.end()


def edge_with_its_own_module(tmp_path, executor):
    edge = Edge(tmp_path / "edge", executor=executor.address, workers=2, server=SHOW_WORKER,
                keys=key_line("alice", "allow=* streams=5") + key_line("spent", "allow=* requests=1/d"))
    edge.module = edge.directory / "module.so"
    shutil.copy(find_module(), edge.module)
    return edge


def replaced_module(edge, name):
    """Another file with the same code but for a word of its log; renamed into its place."""
    code = edge.module.read_bytes()
    assert b"keys, generation" in code
    fresh = edge.directory / "module.new"
    fresh.write_bytes(code.replace(b"keys, generation", b"KEYS, generation"))
    fresh.rename(edge.directory / name)


def is_new_code_in_use(edge):
    return "KEYS, generation" in edge.errors()


@pytest.mark.parametrize("name", ["module.so", "module-2.so"], ids=["same-name", "new-name"])
def test_a_new_module_file_keeps_the_state(tmp_path, executor, name):
    """The dynamic loader keeps a file that it has loaded under the same name; a new name brings new code."""
    executor.respond = streams = HeldStreams()
    edge = edge_with_its_own_module(tmp_path, executor)
    with edge.running():
        assert [status_of(edge, "spent"), status_of(edge, "spent")] == [200, 429]
        stream = streams.open(edge.connect(), STREAM)
        replaced_module(edge, name)
        edge.config_file.write_text(edge.config_file.read_text().replace("/module.so;", f"/{name};"))
        assert stream.worker in edge.replace_workers()
        assert status_of(edge, "spent") == 429
        assert edge.status()["slots"] == 1
        assert stream.goes_on()
        if name == "module.so":
            assert f'the module\'s file "{edge.module}" has changed; nginx goes on with the one' in edge.errors()
            assert not is_new_code_in_use(edge)
        else:
            assert "agent_zone: another file of the module is in use from now on, version " in edge.errors()
            assert is_new_code_in_use(edge)
        # Old and new code at once on the same keys and limits.
        more = streams.open(edge.connect(), STREAM)
        assert edge.status()["slots"] == 2
        stream.end()
        edge.wait_for(lambda: edge.status()["slots"] == 1, "slot")
        edge.write_keys(key_line("alice", "allow=* streams=5") + key_line("late"))
        edge.wait_for(lambda: status_of(edge, "late") == 200, "new key")
        more.end()
        edge.wait_for_rest()


# Memory that ends

def smallest_zone(tmp_path):
    edge = Edge(tmp_path / "asked", zone="agents:64k keys=100")
    succeeded, said = edge.check()
    assert not succeeded
    needed = re.search(r"is too small .* it takes at least (\d+)k", said)[1]
    return f"agents:{needed}k keys=100"


@pytest.mark.parametrize("per, body", [("user", '{"model":"m","user":"n%d"}'), ("agent", '{"model":"n%d"}')])
def test_thousands_of_made_up_names_push_out_each_other_and_no_key(make_edge, tmp_path, per, body):
    spent = "".join(key_line(f"spent{i}", "allow=* requests=1/d") for i in range(50))
    edge = make_edge(workers=2, zone=smallest_zone(tmp_path), keys=key_line("alice") + spent, locations=f"""
        location = /v1/chat/completions {{ agent_scope chat; agent_limit requests=1/d per={per};
            proxy_pass http://executors; }}
        location = /v1/models {{ agent_scope chat; proxy_pass http://executors; }}
        location = /status {{ access_log off; agent_status json; }}
    """)
    for number in range(50):
        assert status_of(edge, f"spent{number}") == 200

    def ask(first, last, lanes=8):
        found = collections.Counter()
        clients = [edge.connect() for _ in range(lanes)]
        for begin in range(first, last, 50):
            numbers = range(begin, min(begin + 50, last))
            for number in numbers:
                clients[number % lanes].send(build_request("POST", CHAT, body=body % number))
            found.update(clients[number % lanes].response().status for number in numbers)
        for client in clients:
            client.sock.close()
        return found

    assert ask(0, 2000) == {200: 2000}
    status = edge.status()
    share = status["limit_states_capacity"] // 3
    assert share < 1000
    assert status["limit_states"] == share + 50
    assert status["limit_states_forgotten_total"] == 2000 - share
    assert [status_of(edge, f"spent{number}") for number in range(50)] == [429] * 50
    # The names that came last are remembered, those before are forgiven. (50 come at once, in any order.)
    assert ask(2000 - share + 50, 2000) == {429: share - 50}
    assert ask(0, 10) == {200: 10}
    assert edge.wait_for_rest()["limits_full_total"] == 0


def test_a_full_ledger_refuses_and_lets_nobody_pass(make_edge, executor, tmp_path):
    executor.respond = streams = HeldStreams(answer_short)
    keys = key_line("alice", "allow=* streams=100k tokens=1000m/d requests=1m/s") + key_line("free")
    edge = make_edge(workers=2, zone=smallest_zone(tmp_path), connections=2048, keys=keys)
    room = edge.status()["ledger_capacity"]
    assert room < 500
    opened = streams.open_all([edge.connect() for _ in range(room)], STREAM)
    assert held(edge.status()) == holding(room)
    with edge.connect() as client:
        for number in range(1, 4):
            refused = client.chat(SHORT)
            assert (refused.status, refused.error["code"]) == (503, "overloaded")
            assert int(refused.header("Retry-After")) >= 1
            assert edge.status()["limits_full_total"] == number
        # What needs no entry goes on.
        assert client.request("GET", "/v1/models").status == 200
        assert client.chat(SHORT, key="free").status == 200
        opened.pop().end()
        assert client.chat(SHORT).status == 200
    assert held(edge.status()) == (room - 1, (room - 1) * STREAM_TOKENS, room - 1, room - 1)
    for stream in opened:
        stream.abort()
    edge.wait_for_rest()


# The clock

FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


class FakeClock:
    """nginx's wall clock; its monotonic clock goes on."""

    def __init__(self, directory):
        self.file = directory / "wall_clock"
        self.jump("+0")
        sanitizer = sanitizer_environment(find_module())
        # In front of the sanitiser's runtime, which otherwise asks for the time before it is ready.
        self.environment = {"LD_PRELOAD": ":".join(filter(None, [FAKETIME[0], sanitizer.get("LD_PRELOAD")])),
                            "ASAN_OPTIONS": sanitizer.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
                            "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
        # nginx gives its workers the variables that its configuration names, and no others.
        self.directives = "".join(f"env {name};" for name in self.environment)

    def jump(self, offset):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(offset)
        fresh.rename(self.file)


@pytest.mark.skipif(not FAKETIME, reason="the Debian package libfaketime is not installed")
def test_a_jump_of_the_wall_clock_changes_no_limit(make_edge, tmp_path):
    clock = FakeClock(tmp_path)
    tonight = (datetime.now(timezone.utc) + timedelta(hours=12)).strftime("%Y-%m-%dT%H:%M:%SZ")
    edge = make_edge(workers=2, environment=clock.environment, main=clock.directives,
                     keys=key_line("spent", "allow=* requests=2/d") + key_line("some", "allow=* requests=24/d")
                     + key_line("tonight", f"allow=* expires={tonight}"))

    def wall_clock():
        with edge.connect() as client:
            return parsedate_to_datetime(client.request("GET", "/health", key=None).header("Date"))

    assert answers_to(edge, asked("spent"), 10) == {200: 2, 429: 8}
    waits = []
    jumps = [("+0", 0, 200), ("+1d", 1, 401), ("+0", 0, 200), ("-1d", -1, 200)]
    for number, (offset, days, tonights) in enumerate(jumps, 1):
        clock.jump(offset)
        target = datetime.now(timezone.utc) + timedelta(days=days)
        edge.wait_for(lambda target=target: abs(wall_clock() - target) < timedelta(hours=1), "jump")
        with edge.connect() as client:
            refused = client.request("GET", "/v1/models", key="spent")
            assert refused.status == 429
            waits.append(int(refused.header("Retry-After")))
            assert int(refused.header("retry-after-ms")) > 0
            admitted = client.request("GET", "/v1/models", key="some")
            assert (admitted.status, admitted.header("x-ratelimit-remaining-requests")) == (200, str(24 - number))
            response = client.request("GET", "/v1/models", key="tonight")
            assert response.status == tonights
            if tonights == 401:
                assert response.error["code"] == "key_expired"
                edge.wait_for(lambda: edge.status()["keys_expired"] == 1, "count of expired keys")
    # Half of a day until one of the two comes back, less what this test has taken.
    assert waits == sorted(waits, reverse=True) and 43_200 >= waits[0] and waits[-1] > 43_200 - 60
    # A file that was written in nginx's future counts too.
    edge.write_keys(key_line("late"))
    edge.wait_for(lambda: status_of(edge, "late") == 200, "new key")


# Clients that leave

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
