"""Reloads under load, and with another file of the module."""

import shutil

import pytest

from edge_config import SHOW_WORKER
from edge_harness import Edge
from edge_keys import key_line
from edge_module import find_module
from fault_load import (CHAT, SHORT, STREAM, STREAM_TOKENS, Load, answer_short, answers_to, asked, held, holding,
                        status_of)
from held_streams import HeldStreams
from raw_client import build_request
from worker_processes import is_alive


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
