"""What operators do to an edge that is in use, and what it keeps and loses: docs/operations.md names these."""

import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

from edge_config import LOCATIONS, SHOW_WORKER
from edge_harness import DEADLINE, Edge
from edge_keys import SECRET, key_line
from fake_executor import FakeExecutor
from held_streams import HeldStreams
from proof_check import assert_proof_holds
from raw_client import Client
from worker_processes import is_alive, is_leaving

SHORT = '{"model":"m"}'
KEYS = key_line("alice", "allow=* streams=5 tokens=1m/d") + key_line("spent", "allow=* requests=1/d")


def status_of(edge, key):
    with edge.connect() as client:
        return client.request("GET", "/v1/models", key=key).status


def is_refused(edge):
    try:
        edge.connect().sock.close()
    except ConnectionRefusedError:
        return True
    return False


def slots(edge):
    status = edge.status()
    return status["slots"], status["ledger_entries"]


# Reloads and keys: what has begun goes on

def test_a_reload_closes_connections_that_wait_and_keeps_those_at_work(edge, executor):
    executor.respond = streams = HeldStreams()
    with edge.connect() as waiting:
        assert waiting.request("GET", "/v1/models").status == 200
        stream = streams.open(edge.connect())
        edge.replace_workers()
        assert waiting.is_closed()
    assert stream.goes_on()
    stream.end()


def test_an_edge_that_is_stopped_finishes_what_it_has(tmp_path, executor):
    executor.respond = streams = HeldStreams()
    edge = Edge(tmp_path / "edge", executor.address, KEYS)
    with edge.running():
        stream = streams.open(edge.connect())
        edge.process.send_signal(signal.SIGQUIT)
        edge.wait_for(lambda: is_refused(edge), "end of the listener, which the master and its worker both hold")
        assert stream.goes_on() and edge.process.poll() is None
        stream.end()
        assert edge.process.wait(DEADLINE) == 0
        edge.process = None


def test_a_revoked_key_ends_no_stream(make_edge, executor):
    executor.respond = streams = HeldStreams()
    edge = make_edge(keys=KEYS)
    stream = streams.open(edge.connect())
    edge.write_keys(key_line("bob"))
    edge.wait_for(lambda: status_of(edge, "alice") == 401, "end of the key")
    assert slots(edge) == (1, 1)
    assert stream.goes_on()
    stream.end()
    edge.wait_for_rest()


# Another size of the zone

@pytest.mark.parametrize("zone", ["agents:5m keys=1000", "others:4m keys=1000", "agents:5m keys=500"])
def test_another_zone_begins_anew_and_streams_go_on(make_edge, executor, zone):
    executor.respond = streams = HeldStreams()
    edge = make_edge(keys=KEYS, server=SHOW_WORKER)
    assert [status_of(edge, "spent"), status_of(edge, "spent")] == [200, 429]
    stream = streams.open(edge.connect())
    assert slots(edge) == (1, 1)
    text = edge.config_file.read_text()
    edge.config_file.write_text(text.replace("agents:4m keys=1000", zone))
    assert edge.replace_workers() == [stream.worker]
    status = edge.status()
    assert (status["slots"], status["limited_total{per=key,limit=requests}"]) == (0, 0), "counters begin anew too"
    assert [status_of(edge, "spent"), status_of(edge, "spent")] == [200, 429], "limits are forgiven once"
    assert stream.goes_on()
    stream.end()
    edge.wait_for(lambda: not is_alive(stream.worker), "end of the old worker")
    assert slots(edge) == (0, 0)


# Another binary of nginx

class Adopted:
    """A process whose parent is gone: what Edge uses of a child."""

    def __init__(self, pid):
        self.pid = pid

    def send_signal(self, number):
        os.kill(self.pid, number)

    def poll(self):
        return None if is_alive(self.pid) else 0

    def wait(self, timeout=DEADLINE):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("nginx", timeout)
            time.sleep(0.01)


class DaemonEdge(Edge):
    """In the background and on a unix socket: nginx in the foreground, or with a socket that was handed to it, takes no
    new binary."""

    def start(self):
        path = self.directory / "edge.sock"
        self.config_file.write_text(self.render(f"unix:{path}").replace("daemon off;", ""))
        subprocess.run(self._command(), env=self.environment, check=True, timeout=DEADLINE)
        self.process = Adopted(int((self.directory / "nginx.pid").read_text()))
        self.wait_for(lambda: "start worker process" in self.errors(), "workers")
        self.path = path
        return self

    def connect(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(DEADLINE)
        sock.connect(str(self.path))
        return Client(sock)


def start_new_binary(edge):
    """The master that the running one starts, once it has workers."""
    old = edge.process.pid
    pid_file = edge.directory / "nginx.pid"
    edge.process.send_signal(signal.SIGUSR2)

    def new_master():
        with contextlib.suppress(FileNotFoundError, ValueError):
            pid = int(pid_file.read_text())
            return Adopted(pid) if pid != old else None
    master = edge.wait_for(new_master, "new master")
    edge.wait_for(lambda: edge.errors().count("start worker process ") == 2, "new worker")
    return master


def test_a_binary_upgrade_keeps_streams_and_keys_and_forgives_limits(tmp_path, executor):
    executor.respond = streams = HeldStreams()
    variables = "env LD_PRELOAD; env ASAN_OPTIONS; env UBSAN_OPTIONS;"  # a sanitised module needs them
    edge = DaemonEdge(tmp_path / "edge", executor.address, KEYS, main=variables, server=SHOW_WORKER)
    edge.start()
    old = edge.process
    try:
        assert [status_of(edge, "spent"), status_of(edge, "spent")] == [200, 429]
        stream = streams.open(edge.connect())
        edge.process = start_new_binary(edge)
        old.send_signal(signal.SIGQUIT)
        edge.wait_for(lambda: is_leaving(stream.worker), "the old worker to take no more")
        assert [status_of(edge, "spent"), status_of(edge, "spent")] == [200, 429]
        # Two memories: what the old worker holds is not the new one's.
        assert slots(edge) == (0, 0)
        assert edge.status()["workers"] == 1
        second = streams.open(edge.connect())
        assert (second.worker, slots(edge)) == (edge.worker_pids()[0], (1, 1))
        edge.write_keys(KEYS + key_line("late"))
        edge.wait_for(lambda: status_of(edge, "late") == 200, "new key")
        assert stream.goes_on() and old.poll() is None
        stream.end()
        second.end()
        old.wait()
        edge.wait_for_rest()
    except BaseException:
        os.killpg(old.pid, signal.SIGKILL)  # both masters and their workers
        raise
    edge.stop()


# Executors

def test_least_conn_counts_anew_after_a_reload(make_edge, executor):
    executor.respond = streams = HeldStreams()
    other = FakeExecutor()
    edge = make_edge(locations=LOCATIONS.replace("http://executors", "http://two"), http=f"""
        upstream two {{ zone two 64k; least_conn; server {executor.address} max_fails=0;
                        server {other.address} max_fails=0; }}""")

    def asked():
        before = len(executor.requests)
        with edge.connect() as client:
            assert client.chat(SHORT).status == 200
        return "first" if len(executor.requests) > before else "other"

    stream = streams.open(edge.connect())
    assert [asked(), asked()] == ["other", "other"], "the first has a run"
    edge.replace_workers()
    assert asked() == "first", "the run of an old worker is not known to the new ones"
    assert stream.goes_on()
    stream.end()
    other.close()
    assert not other.errors


# The edge secret

def test_a_reload_signs_with_the_first_line_of_the_secret(edge, executor):
    fresh = "another-edge-secret-of-the-tests-0123456789"

    def assert_signed_with(secret):
        assert status_of(edge, "alice") == 200
        assert_proof_holds(executor.last(), secret)

    for lines, before in (([SECRET, fresh], SECRET), ([fresh, SECRET], SECRET), ([fresh], fresh)):
        edge.secret_file.write_text("\n".join(lines) + "\n")
        assert_signed_with(before)
        edge.replace_workers()
        assert_signed_with(lines[0])
