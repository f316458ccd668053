"""Limits when memory ends and when the wall clock jumps."""

import collections
import glob
import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest

from edge_harness import Edge
from edge_keys import key_line
from edge_module import find_module, sanitizer_environment
from fault_load import CHAT, SHORT, STREAM, STREAM_TOKENS, answer_short, answers_to, asked, held, holding, status_of
from held_streams import HeldStreams
from raw_client import build_request


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
