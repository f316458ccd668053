"""The key file while nginx runs: a change is live soon, a wrong file harms nobody, and no reload is needed."""

import os
import re
import shutil
import signal
import tempfile
import time
from datetime import datetime, timedelta, timezone

import pytest

from edge_config import SHOW_WORKER
from edge_harness import DEADLINE, Edge
from edge_keys import key_line, secret_of
from held_streams import HeldStreams
from raw_client import build_request
from worker_processes import is_alive

BOUND = 1.0  # seconds from the rename of the file to the last answer under the old keys
TRIES = 3  # one of them must keep to it: the machine may be busy with something else


def status_of(edge, key):
    with edge.connect() as client:
        return client.request("GET", "/v1/models", key=key).status


def seconds_until(condition):
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < DEADLINE
        time.sleep(0.005)
    return time.monotonic() - begin


def wait_for_keys(edge, generation):
    """Until the table that became live as the `generation`th is; what the file's watchers say of it then."""
    status = edge.wait_for(lambda: (found := edge.status())["keys_generation"] >= generation and found,
                           f"generation {generation}")
    assert status["keys_generation"] == generation
    return status


class HalfRequest:
    """On a connection that was used before: a worker waits for the rest."""

    def __init__(self, edge, key):
        self.client = edge.connect()
        response = self.client.request("GET", "/v1/models", key=key)
        assert response.status == 200
        self.worker = int(response.header("X-Worker"))
        self.request = build_request("GET", "/v1/models", key=key)
        self.client.send(self.request[:30])

    def finish(self):
        self.client.send(self.request[30:])
        return self.client.response()


# Within a second, in every worker

def test_keys_come_and_go_within_a_second_and_nobody_else_notices(make_edge, executor):
    executor.respond = streams = HeldStreams()
    with_bob, without_bob = key_line("alice") + key_line("bob"), key_line("alice")
    edge = make_edge(workers=2, keys=with_bob, server=SHOW_WORKER, http="keepalive_requests 100000;")
    stream = streams.open(edge.connect())
    halves = [HalfRequest(edge, "bob") for _ in range(TRIES)]
    old = edge.replace_workers()
    assert {stream.worker, *(half.worker for half in halves)} <= set(old)
    workers = set(edge.worker_pids()) - set(old)
    clients = [client for client, in edge.connect_to_each_worker().values()]

    def bob_gets(status):
        assert stream.goes_on()
        assert clients[0].request("GET", "/v1/models", key="alice").status == 200
        return all(client.request("GET", "/v1/models", key="bob").status == status for client in clients)

    gone, back = [], []
    for half in halves:
        edge.write_keys(without_bob)
        gone.append(seconds_until(lambda: bob_gets(401)))
        response = half.finish()
        assert (response.status, response.error["code"]) == (401, "invalid_api_key")
        half.client.sock.close()
        edge.write_keys(with_bob)
        back.append(seconds_until(lambda: bob_gets(200)))
    assert min(gone) < BOUND and min(back) < BOUND, (gone, back)
    assert set(edge.worker_pids()) - set(old) == workers, "nothing was reloaded"
    assert edge.status()["keys_generation"] == 2 + 2 * TRIES
    stream.end()
    edge.wait_for(lambda: not any(is_alive(pid) for pid in old), "end of the old workers")


def test_a_rotated_key_keeps_its_limits(make_edge, executor):
    executor.respond = streams = HeldStreams()
    words = "allow=* requests=4/h"
    first, second = (key_line("shop", words, secret=secret_of(name)) for name in ("first", "second"))
    edge = make_edge(workers=2, keys=first)
    assert status_of(edge, "first") == 200
    edge.write_keys(first + second)
    wait_for_keys(edge, 2)
    stream = streams.open(edge.connect(), key="first")
    assert [status_of(edge, "first"), status_of(edge, "second")] == [200, 200]
    edge.write_keys(second)
    wait_for_keys(edge, 3)
    assert [status_of(edge, "first"), status_of(edge, "second")] == [401, 429]
    assert stream.goes_on(), "what was admitted goes on"
    stream.end()


# Files that are wrong

def emptied(edge):
    with open(edge.keys_file, "w"):
        pass


def deleted(edge):
    edge.keys_file.unlink()


def a_folder(edge):
    edge.keys_file.unlink(missing_ok=True)
    edge.keys_file.mkdir()


def a_fifo(edge):
    os.mkfifo(edge.keys_file)


def written(text):
    return lambda edge: edge.write_keys(text)


BAD_LINE = key_line("alice") + key_line("bob") + key_line("carol", "allow=* requests=60")
TWICE = key_line("alice") + "# a comment\n" + key_line("mallory", secret=secret_of("alice"))
OTHER_LIMITS = key_line("shop", "requests=1/m") + key_line("shop", "requests=2/m", secret="agk_other")
TOO_MANY = "".join(key_line(f"k{i}") for i in range(101))
TOO_MUCH = "".join(key_line(f"k{i}", f"allow={i}-" + ",".join(["x" * 190] * 20)) for i in range(90))


WRONG = [
    (emptied, r'agent_keys "FILE" is empty; to refuse every key, leave a comment line in it'),
    (deleted, r'agent_keys "FILE" cannot be read: No such file or directory'),
    (a_folder, r'agent_keys "FILE" is not a regular file'),
    (a_fifo, r'agent_keys "FILE" is not a regular file'),
    (written(BAD_LINE), r"agent_keys FILE:3: .*requests=.*write .*"),
    (written("alice\n"), r"agent_keys FILE:1: .*sha256:.*"),
    (written("\x00" * 100 + "\n"), r"agent_keys FILE:1: .*"),
    (written(TWICE), r"agent_keys FILE:3: the same key as on line 1; .*remove one of the lines"),
    (written(OTHER_LIMITS), r"agent_keys FILE:2: other limits than on line 1, which has the same id; .*"),
    (written(TOO_MANY), r'agent_keys "FILE" has 101 keys, but agent_zone has room for keys=100; raise keys= .*'),
    (written(TOO_MUCH), r'agent_keys "FILE" needs \d+ bytes for ids and rules, but agent_zone has room for \d+.*'),
]


def short_forms(edge, said):
    """Of an error of the log, as agent_status shows it."""
    return [said.removeprefix(f'agent_keys "{edge.keys_file}" '),
            said.replace(f"agent_keys {edge.keys_file}:", "line ")]


def test_wrong_files_harm_nobody(make_edge):
    edge = make_edge(workers=2, keys=key_line("alice"), zone="agents:512k keys=100")
    for number, (spoil, problem) in enumerate(WRONG, 1):
        if edge.keys_file.is_dir():
            edge.keys_file.rmdir()
        before = len(edge.errors())
        spoil(edge)
        edge.wait_for(lambda: edge.errors().count("the keys stay as they were") == number, "judgement")
        said = re.search(r"\[error\] \S+ (.*); the keys stay as they were\n$", edge.errors()[before:])[1]
        assert re.fullmatch(problem.replace("FILE", re.escape(str(edge.keys_file))), said), said
        # It stands in the status, with the line but without the file's name, a moment after the log.
        shown = short_forms(edge, said)
        status = edge.wait_for(lambda: (found := edge.status())["key_file_problem"] in shown and found, "problem")
        assert status["key_load_failures_total"] == number
        assert (status["key_file_valid"], status["keys"], status["keys_generation"]) == (0, 1, 1)
        assert [status_of(edge, "alice"), status_of(edge, "bob")] == [200, 401]
    edge.write_keys(key_line("alice") + key_line("bob"))
    status = wait_for_keys(edge, 2)
    assert (status["key_file_valid"], status["key_file_problem"], status["keys"]) == (1, None, 2)
    assert [status_of(edge, "alice"), status_of(edge, "bob")] == [200, 200]
    log = edge.errors()
    assert log.count("the keys stay as they were") == len(WRONG), "each once, not at each look"
    assert not re.search("[0-9a-f]{16}", log.replace(str(edge.directory), "")), "no hash, and no part of one"


def test_twenty_bad_lines_are_told_of_and_no_more(edge):
    edge.write_keys("".join(key_line(f"bad{i}", "nothing=1") for i in range(50)))
    edge.wait_for(lambda: edge.status()["key_file_valid"] == 0, "judgement")
    assert re.findall(r"api_keys:(\d+): ", edge.errors()) == [str(line) for line in range(1, 21)]
    assert status_of(edge, "alice") == 200


def test_a_file_that_is_being_written_is_left_alone(edge):
    """In place, as an editor or a copy does it; the first part ends inside a line."""
    text = "".join(key_line(f"k{i}") for i in range(200)) + key_line("bob")
    part = len(text) * 6 // 10
    assert text[part - 1] != "\n" and text[part] != "\n"
    with open(edge.keys_file, "w") as file:
        file.write(text[:part])
        file.flush()
        # More than two looks, and less than the two seconds after which it counts as written.
        end = time.monotonic() + 0.8
        while time.monotonic() < end:
            assert [status_of(edge, "alice"), status_of(edge, "k0")] == [200, 401]
        file.write(text[part:])

    def has_changed():
        alice, bob = status_of(edge, "alice"), status_of(edge, "bob")
        assert 200 in (alice, bob)
        return bob == 200
    seconds_until(has_changed)
    assert [status_of(edge, "alice"), status_of(edge, "k0")] == [401, 200]
    status = edge.status()
    assert (status["keys_generation"], status["keys"], status["key_load_failures_total"]) == (2, 201, 0)


def test_a_last_line_without_its_end_counts_after_a_while(edge):
    edge.write_keys((key_line("alice") + key_line("bob")).rstrip("\n"))
    assert 1.5 < seconds_until(lambda: status_of(edge, "bob") == 200)


def test_the_file_is_watched_after_a_reload_that_failed(edge):
    edge.write_keys(key_line("alice") + "bob\n")
    edge.process.send_signal(signal.SIGHUP)
    edge.wait_for(lambda: "[emerg]" in edge.errors(), "refusal of the reload")
    edge.expect_error(f"agent_keys {edge.keys_file}:2: ")
    assert [status_of(edge, "alice"), status_of(edge, "bob")] == [200, 401]
    edge.write_keys(key_line("alice") + key_line("bob"))
    assert wait_for_keys(edge, 2)["key_file_valid"] == 1
    assert [status_of(edge, "alice"), status_of(edge, "bob")] == [200, 200]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run workers as somebody else")
def test_a_file_that_the_workers_may_not_read(executor):
    # Not below pytest's own folder, which other users cannot enter.
    directory = tempfile.mkdtemp(prefix="agw-edge-")
    try:
        os.chmod(directory, 0o755)
        edge = Edge(directory, executor=executor.address, workers=2)
        with edge.running(lambda listen: edge.render(listen).replace("user root;", "user www-data;")):
            edge.keys_file.chmod(0)
            edge.expect_error(f'"{edge.keys_file}" cannot be read: Permission denied; the keys stay as they were')
            assert edge.status()["key_file_problem"] == "cannot be read: Permission denied"
            assert status_of(edge, "alice") == 200
            edge.keys_file.chmod(0o644)
            assert wait_for_keys(edge, 2)["key_file_valid"] == 1
            edge.keys_file.chmod(0)
            edge.wait_for(lambda: edge.status()["key_file_valid"] == 0, "judgement")
            edge.write_keys(key_line("bob"))
            wait_for_keys(edge, 3)
            assert [status_of(edge, "alice"), status_of(edge, "bob")] == [401, 200]
            assert edge.errors().count("the keys stay as they were") == 2
    finally:
        shutil.rmtree(directory)


# Where the file is

def test_links_that_are_switched(edge, tmp_path):
    """A link to the file, and a link to its folder, as a container's mounted secrets have them."""
    for version in ("one", "two"):
        folder = tmp_path / version
        folder.mkdir()
        (folder / "api_keys").write_text(key_line("alice") + key_line(version))

    def switch(link, target):
        fresh = tmp_path / "fresh"
        fresh.symlink_to(target)
        fresh.rename(link)

    folder = tmp_path / "current"
    switch(folder, tmp_path / "one")
    switch(edge.keys_file, folder / "api_keys")
    wait_for_keys(edge, 2)
    assert [status_of(edge, "one"), status_of(edge, "two")] == [200, 401]
    switch(folder, tmp_path / "two")
    wait_for_keys(edge, 3)
    assert [status_of(edge, "one"), status_of(edge, "two")] == [401, 200]
    switch(edge.keys_file, tmp_path / "one" / "api_keys")
    wait_for_keys(edge, 4)
    assert [status_of(edge, "alice"), status_of(edge, "one"), status_of(edge, "two")] == [200, 200, 401]


def test_workers_of_an_old_configuration_do_not_bring_their_file_back(make_edge, executor):
    executor.respond = streams = HeldStreams()
    edge = make_edge(workers=2, server=SHOW_WORKER)
    first, second = edge.keys_file, edge.directory / "other_keys"

    def write(path, name):
        fresh = path.with_suffix(".new")
        fresh.write_text(key_line("alice") + key_line(name))
        fresh.rename(path)

    held = []
    for number in range(2):
        held.append(streams.open(edge.connect()))
        new, old = (second, first) if number % 2 == 0 else (first, second)
        config = edge.config_file.read_text()
        edge.config_file.write_text(config.replace(f"agent_keys {old};", f"agent_keys {new};"))
        write(new, f"right{number}")
        write(old, f"wrong{number}")  # just now: the old workers may be reading it
        assert held[-1].worker in edge.replace_workers()
        # At once, but for the rare reload that comes while a worker loads a file.
        edge.wait_for(lambda name=f"right{number}": status_of(edge, name) == 200, "keys of the new file")
        write(old, f"late{number}")
        generation = edge.status()["keys_generation"]
        for name in (f"more{number}", f"most{number}"):  # two looks each, at least
            write(new, name)
            edge.wait_for(lambda name=name: status_of(edge, name) == 200, name)
            assert [status_of(edge, f"wrong{number}"), status_of(edge, f"late{number}")] == [401, 401]
        assert edge.status()["keys_generation"] <= generation + 3
    for stream in held:
        assert stream.goes_on()
        stream.end()


# Many keys

def test_a_million_keys(tmp_path, executor):
    count = 1_000_000
    mixed = 0x9E3779B97F4A7C15  # the first bytes of a hash say where it lies: spread them as SHA-256 does
    most = "".join([f"k{i} sha256:{i * mixed % (1 << 64):016x}{i:048x} allow=*\n" for i in range(1, count)])
    asked = Edge(tmp_path / "asked", zone=f"agents:1m keys={count}")
    succeeded, said = asked.check()
    assert not succeeded
    smallest = int(re.search(r"is too small .* it takes at least (\d+)k", said)[1])
    edge = Edge(tmp_path / "edge", executor=executor.address, workers=2, keys=most + key_line("last"),
                zone=f"agents:{smallest + 32 * 1024}k keys={count}")
    with edge.running():
        assert edge.status()["keys"] == count
        assert [status_of(edge, "last"), status_of(edge, "newest")] == [200, 401]
        edge.write_keys(key_line("newest") + most)
        status = wait_for_keys(edge, 2)
        assert (status["keys"], status["key_file_valid"]) == (count, 1)
        assert [status_of(edge, "last"), status_of(edge, "newest")] == [401, 200]


# Expiry

def written_time(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def from_now(**span):
    return written_time(datetime.now(timezone.utc) + timedelta(**span))


def expiring(name, moment):
    return key_line(name, f"allow=* scopes=chat expires={moment}")


@pytest.mark.item("S1-77")
def test_keys_that_expire_are_warned_of_once(make_edge):
    soon, later = from_now(days=6, hours=23), from_now(days=7, hours=1)
    edge = make_edge(workers=2, keys=key_line("alice") + expiring("soon", soon) + expiring("later", later)
                     + expiring("old", "2020-01-01T00:00:00Z"))
    status = edge.wait_for(lambda: (found := edge.status())["keys_expiring"] == 1 and found, "count")
    assert status["keys_expired"] == 1
    warning = f'agent_keys: api_key.expiring: key "soon" expires at {soon}'
    assert re.search(rf"\[warn\].* {re.escape(warning)}", edge.errors())
    with edge.connect() as client:
        response = client.request("GET", "/v1/models", key="old")
        assert (response.status, response.error["code"]) == (401, "key_expired")
        assert client.request("GET", "/v1/models", key="soon").status == 200
    deleted(edge)
    edge.expect_error("cannot be read: No such file")  # two looks more, at least
    assert edge.errors().count("api_key.expiring") == 1
    edge.write_keys(key_line("alice") + expiring("soon", from_now(days=400)))
    edge.wait_for(lambda: (found := edge.status())["keys_expiring"] == 0 and found["keys_expired"] == 0, "count")
    assert edge.errors().count("api_key.expiring") == 1


def test_many_keys_that_expire_are_named_in_part(make_edge):
    soon = from_now(days=1)
    edge = make_edge(keys="".join(expiring(f"k{i}", soon) for i in range(30)))
    edge.wait_for(lambda: "api_key.expiring: 30 keys in all expire within 7 days" in edge.errors(), "sum")
    assert edge.errors().count("api_key.expiring: key ") == 20


def test_a_key_expires_while_nginx_runs(make_edge):
    expires = int(time.time()) + 2
    edge = make_edge(keys=expiring("alice", written_time(datetime.fromtimestamp(expires, timezone.utc))))
    assert status_of(edge, "alice") == 200
    seconds_until(lambda: status_of(edge, "alice") == 401)
    assert expires <= time.time() < expires + 2
    with edge.connect() as client:
        assert client.request("GET", "/v1/models").error["code"] == "key_expired"
