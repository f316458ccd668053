"""Workers that are killed take nothing with them."""

import os
import signal

import pytest

from edge_config import SHOW_WORKER
from edge_keys import key_line
from fault_load import (CHAT, KILLED, SHORT, STREAM, STREAM_TOKENS, Load, answer_short, answers_to, asked, held,
                        holding, seconds_until, status_of)
from held_streams import HeldStreams
from raw_client import build_request


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
