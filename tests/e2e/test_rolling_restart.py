"""A thousand streams live through ten reloads of the edge and a restart of every executor, and lose no event."""

import asyncio
import concurrent.futures
import time

import pytest

import fleet
from fleet import EXECUTORS
from fleet_load import COMPLETE, Client, Load, expected_events
from gateway_stack import data_of, wait_until

STREAMS = 1000
OPENING = 150  # at a time
RELOADS = 10
SHORT = 4  # short requests at a time
LATER = 5  # streams of some seconds that begin after each reload: each generation of workers has some when it ends
STEP = 20  # short requests that must have passed between two steps
# Runs of an agent, and a model's answer that is passed on.
MODELS = ("steady", "scripted/steady")


@pytest.fixture
def executors(tmp_path_factory):
    with fleet.running(tmp_path_factory.mktemp("r")) as running:
        yield running


async def open_streams(client: Client) -> list[asyncio.Task]:
    """All have begun, none has ended."""
    gate = asyncio.Semaphore(OPENING)
    begun = []

    async def follow(number: int):
        await gate.acquire()
        header = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(client.ask(MODELS[number % 2], True, lambda: header.set_result(None)))
        await asyncio.wait((header, task), return_when=asyncio.FIRST_COMPLETED)
        gate.release()
        begun.append(number)
        return await task

    streams = [asyncio.create_task(follow(number)) for number in range(STREAMS)]
    await asyncio.to_thread(wait_until, lambda: len(begun) == STREAMS, f"{STREAMS} streams", 60)
    return streams


class Roll:
    """The reloads and restarts, one after the other, each with short requests on their way. In a thread."""

    def __init__(self, executors, client: Client, load: Load):
        self.executors = executors
        self.client = client
        self.load = load
        self.loop = asyncio.get_running_loop()
        self.later_streams: list[concurrent.futures.Future] = []
        self.reloads = 0
        self.old_workers: set[int] = set()
        self.old_executors: list[int] = []

    def run(self) -> None:
        for number in EXECUTORS:
            for _ in range(RELOADS // len(EXECUTORS)):
                self.reload()
            self.old_executors.append(self.executors.replace(number))
            self.let_requests_pass()
        while self.reloads < RELOADS:
            self.reload()

    def reload(self) -> None:
        self.old_workers |= self.executors.reload_edge()
        self.reloads += 1
        for _ in range(LATER):
            stream = asyncio.run_coroutine_threadsafe(self.client.ask("long", True), self.loop)
            self.later_streams.append(stream)
        self.let_requests_pass()

    def let_requests_pass(self) -> None:
        now = time.monotonic()
        wait_until(lambda: len(self.load.began_after(now)) >= STEP, "short requests", 30)

    def wait_for_end(self) -> None:
        for pid in self.old_executors:
            self.executors.wait_for_end(pid)
        self.executors.wait_for_workers_end(self.old_workers)


async def roll_under_streams(executors):
    client = Client(executors.stack)
    streams = await open_streams(client)
    async with Load(client, SHORT) as load:
        roll = Roll(executors, client, load)
        await asyncio.to_thread(roll.run)
        ended = sum(stream.done() for stream in streams)
        assert ended == 0, f"{ended} streams ended before all was restarted"
        results = await asyncio.gather(*streams)
        later = await asyncio.gather(*map(asyncio.wrap_future, roll.later_streams))
        await asyncio.to_thread(roll.wait_for_end)
        gone = time.monotonic()
        await asyncio.to_thread(roll.let_requests_pass)
    return results, later, load, gone


def test_streams_live_through_reloads_and_a_rolling_restart(executors):
    results, later, load, gone = asyncio.run(roll_under_streams(executors))
    broken = [text for result in results if (text := result.outcome()) != COMPLETE]
    assert not broken, f"{len(broken)} of {STREAMS} streams: {broken[:3]}"
    events = sum(data.count("event ") for result in results for data in data_of(result.text))
    assert events == STREAMS * len(expected_events("steady"))
    assert [result.outcome() for result in later] == [COMPLETE] * (RELOADS * LATER)
    assert load.failures() == []
    asked = executors.upstream_requests()
    everything = {result.request_id for result in [*results, *later, *load.results]}
    assert asked == dict.fromkeys(everything, 1), "each run asks the model once"

    # Each executor stopped while it had its part of the streams, and the one that took its place serves.
    open_requests = [count for number in EXECUTORS for count in executors.drains(number)]
    assert len(open_requests) == len(EXECUTORS) and sum(open_requests) >= STREAMS
    assert min(open_requests) >= STREAMS // len(EXECUTORS) // 2
    served = executors.served_by({result.request_id for result in load.began_after(gone)})
    assert {numbers[-1] for numbers in served.values()} == set(EXECUTORS)
