"""One of three executors dies, or stops, under load that does not pause."""

import asyncio
import time
from functools import partial

import pytest

import fleet
from fleet import EXECUTORS
from fleet_load import COMPLETE, LOST, Client, Load
from gateway_stack import wait_until

WIDTH = 16
VICTIM = 2
ENOUGH = 100  # requests, before and after


@pytest.fixture
def executors(tmp_path_factory):
    with fleet.running(tmp_path_factory.mktemp("k")) as running:
        yield running


async def soon(condition, what: str, seconds: float = 30):
    return await asyncio.to_thread(wait_until, condition, what, seconds)


async def one_for_each_executor(executors, client: Client, stream: bool) -> list[asyncio.Task]:
    """Long requests while nothing else runs: the edge gives each executor one. All have begun."""
    open_before = executors.stack.llm_stats()["open"]
    begun, tasks = [], []
    for count in range(1, len(EXECUTORS) + 1):
        tasks.append(asyncio.create_task(client.ask("long", stream, partial(begun.append, count))))
        await soon(lambda count=count: executors.stack.llm_stats()["open"] == open_before + count, "a long request")
    if stream:
        await soon(lambda: len(begun) == len(EXECUTORS), "headers of the long streams")
    return tasks


async def begin(load: Load, long_ones: list[asyncio.Task]) -> None:
    """Until the load is well under way; the long requests outlast it."""
    await soon(lambda: len(load.results) >= ENOUGH, "load")
    assert not any(task.done() for task in long_ones), "a long request ended too early"


async def go_on(load: Load, what: str) -> float:
    """Until as much has begun and ended after this moment, which is returned."""
    moment = time.monotonic()
    await soon(lambda: len(load.began_after(moment)) >= ENOUGH, what)
    return moment


def last_executor(executors, results) -> dict[str, int]:
    """Which one each request was sent to in the end."""
    served = executors.served_by({result.request_id for result in results})
    return {request_id: numbers[-1] for request_id, numbers in served.items()}


async def kill_under_load(executors):
    client = Client(executors.stack)
    long_ones = await one_for_each_executor(executors, client, stream=True)
    long_ones += await one_for_each_executor(executors, client, stream=False)
    async with Load(client, WIDTH) as load:
        await begin(load, long_ones)
        await asyncio.to_thread(executors.kill, VICTIM)
        dead = await go_on(load, "load after the death")
    return load, await asyncio.gather(*long_ones), dead


def test_what_a_killed_executor_had_is_lost_and_nothing_else(executors):
    load, long_ones, dead = asyncio.run(kill_under_load(executors))
    results = [*load.results, *long_ones]
    outcomes = {result.request_id: result.outcome() for result in results}
    assert set(outcomes.values()) == {COMPLETE, LOST}, [o for o in outcomes.values() if o not in (COMPLETE, LOST)][:5]

    sent_to = last_executor(executors, results)
    lost = [result for result in results if outcomes[result.request_id] == LOST]
    assert {sent_to[result.request_id] for result in lost} == {VICTIM}
    assert all(result.began < dead for result in lost), "a request was lost that began after the death"

    # Of the long ones each executor had a stream, whose header was there, and a request that waited for its answer.
    long_lost = [(result.stream, result.status) for result in long_ones if result in lost]
    assert long_lost == [(True, 200), (False, 424)]
    assert [sent_to[result.request_id] for result in long_ones].count(VICTIM) == 2

    assert max(executors.upstream_requests().values()) == 1, "a run was begun twice"
    after = load.began_after(dead)
    assert {sent_to[result.request_id] for result in after} == set(EXECUTORS) - {VICTIM}


async def drain_under_load(executors):
    client = Client(executors.stack)
    streams = await one_for_each_executor(executors, client, stream=True)
    async with Load(client, WIDTH) as load:
        await begin(load, streams)
        await asyncio.to_thread(executors.drain, VICTIM)
        await go_on(load, "load while the executor drains")
        await asyncio.to_thread(executors.wait_for_end, executors.pids[VICTIM])
        gone = await go_on(load, "load after the executor's end")
    return load, await asyncio.gather(*streams), gone


def test_an_executor_that_stops_costs_no_request(executors):
    load, streams, gone = asyncio.run(drain_under_load(executors))
    assert load.failures() == []
    assert [stream.outcome() for stream in streams] == [COMPLETE] * len(EXECUTORS)
    [open_requests] = executors.drains(VICTIM)
    assert open_requests >= 1
    after = load.began_after(gone)
    assert set(last_executor(executors, after).values()) == set(EXECUTORS) - {VICTIM}
