"""`keys`: the key table and the limits alone, and an nginx whose key file changes while it serves."""

import contextlib
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import bodies, edge_nginx, edge_status, keys_program, load, nginx, quick_upstream
from .context import Context
from .edge_nginx import Edge, Setup
from .edge_status import EdgeStatus
from .errors import BenchError
from .load import Exchange
from .report import Report
from .stats import paired, percentile, spread

PATH = "/v1/chat/completions"
LARGE, SMALL = 1_000_000, 1_000  # keys of a file
RATE = 400  # requests per second: the machine is far from busy
ROUND = 8.0  # seconds of requests, with loads in between
REST = 0.7  # seconds from one load to the next rename
LAST_LOAD = 3.0  # seconds before a round's end: a load that begins later would outlast it
LOOK = 0.005  # seconds between two looks at the edge's status
GUARD = 0.05  # seconds beside a load: neither at rest nor surely within
LIVE_WAIT = 30.0  # seconds; a file that is not live by then never will be
FEWEST = 100  # requests of a round that a p99 is taken of
CHANGES = 30  # of the small file
MS = 1000


@dataclass(frozen=True)
class Load:
    """One load of a key file. Times are seconds; `begin` and `end` are on the real-time clock."""

    begin: float
    end: float
    live_after: float  # the rename


@dataclass
class Split:
    during: list[float] = field(default_factory=list)
    at_rest: list[float] = field(default_factory=list)


def split(exchanges: list[Exchange], loads: list[Load], guard: float) -> Split:
    """How long the requests took that a load overlaps, and those that were `guard` seconds away from every load."""
    found = Split()
    for one in exchanges:
        if any(one.began < load.end and one.ended > load.begin for load in loads):
            found.during.append(one.took)
        elif not any(one.began < load.end + guard and one.ended > load.begin - guard for load in loads):
            found.at_rest.append(one.took)
    return found


class ChangingFile:
    """An edge's key file, and two complete files with equally many keys that take turns in its place."""

    def __init__(self, context: Context, edge: Edge, keys: int) -> None:
        self._edge = edge
        self._files = []
        self._turn = 0
        for seed in (1, 2):
            path = keys_program.write_lines(context, context.directory / f"keys-{keys}-{seed}", _made(keys), seed)
            with path.open("a") as out:
                out.write(edge.own_lines)
            path.chmod(0o600)
            self._files.append(path)

    def change(self, status: EdgeStatus) -> Load:
        """Puts the other file in place and waits until its keys are live."""
        generation = status.read()["keys_generation"]
        new = self._edge.keys_file.with_suffix(".new")
        os.link(self._files[self._turn], new)
        self._turn = 1 - self._turn
        renamed = time.time()
        new.replace(self._edge.keys_file)
        found = status.wait_for(lambda now: bool(now["keys_generation"] > generation), LOOK, LIVE_WAIT)
        live = time.time()
        if found is None or found["key_load_failures_total"]:
            problem = status.read()["key_file_problem"]
            raise BenchError(f"the new key file was not live after {LIVE_WAIT} s: {problem or 'nobody has loaded it'}")
        return Load(live - found["key_load_seconds"], live, live - renamed)


def _made(keys: int) -> int:
    """How many lines to make for a file of so many keys: the edge has two of its own."""
    return keys - 2


@dataclass(frozen=True)
class Stage:
    """An edge with so many keys, and beside it a plain nginx, which loads nothing."""

    edge: Edge
    file: ChangingFile
    status: EdgeStatus
    plain: nginx.Nginx


@contextlib.contextmanager
def _stage(context: Context, folder: Path, keys: int, capacity: int | None) -> Iterator[Stage]:
    first = keys_program.write_lines(context, context.directory / f"keys-{keys}-0", _made(keys), 3)
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        socket = folder / "up.sock"
        stack.enter_context(quick_upstream.run(folder / "upstream", socket))
        plain_port = nginx.free_port()
        plain_conf = nginx.plain_proxy(f"unix:{socket}", plain_port)
        plain = stack.enter_context(nginx.run(folder / "plain", plain_conf, plain_port))
        setup = Setup(keys=first, capacity=capacity)
        edge = stack.enter_context(edge_nginx.run(context, folder / "edge", socket, setup))
        status = EdgeStatus(edge.nginx.port)
        stack.callback(status.close)
        if status.read()["keys"] != keys:
            raise BenchError(f"the edge has {status.read()['keys']:,} keys, not {keys:,}")
        yield Stage(edge, ChangingFile(context, edge, keys), status, plain)


@dataclass(frozen=True)
class Round:
    ours: Split
    plain: Split
    loads: list[Load]


def _beside_loads(context: Context, stage: Stage) -> Round:
    """Paced requests to both, and in between the key file changes again and again."""
    edge, status = stage.edge, stage.status
    ours = load.Endpoint(f"http://127.0.0.1:{edge.nginx.port}{PATH}", (f"Authorization: Bearer {edge.key}",))
    plain = load.Endpoint(f"http://127.0.0.1:{stage.plain.port}{PATH}")
    body = bodies.write(context.directory / "1k.json", bodies.chat(1024, "demo/demo", user="user-1042@example.org"))
    loads = []
    with (
        load.paced(context, "ours", ours, body, RATE, ROUND) as our_requests,
        load.paced(context, "plain", plain, body, RATE, ROUND) as plain_requests,
    ):
        last = time.monotonic() + ROUND - LAST_LOAD
        while time.monotonic() < last:
            # Looks go on meanwhile as they do during a load: they are part of both.
            status.wait_for(lambda _: False, LOOK, REST)
            loads.append(stage.file.change(status))
        ends = our_requests.finish(), plain_requests.finish()
    return Round(*(split(exchanges, loads, GUARD) for exchanges in ends), loads)


def _p99s(splits: list[Split]) -> tuple[list[float], list[float]]:
    """During loads and at rest, in ms, round by round."""
    fewest = min(min(len(one.during), len(one.at_rest)) for one in splits)
    if fewest < FEWEST:
        raise BenchError(f"a round has {fewest} requests beside a load, or at rest: too few for a p99")
    during = [percentile(one.during, 0.99) * MS for one in splits]
    return during, [percentile(one.at_rest, 0.99) * MS for one in splits]


def _report_large(context: Context, report: Report) -> None:
    with _stage(context, context.directory / "large", LARGE, LARGE) as stage:
        # The first warms up.
        rounds = [_beside_loads(context, stage) for _ in range(context.effort.rounds + 1)][1:]
        edge_status.check_at_rest(stage.edge.nginx.port, len(edge_nginx.LIMITED))
    loads = [one for found in rounds for one in found.loads]
    report.conditions.update(loads=len(loads))
    report.add("keys.load_1m", spread(one.end - one.begin for one in loads))
    report.add("keys.live_after_1m", spread(one.live_after for one in loads), f"file of {LARGE:,} keys renamed → live", "s")
    during, at_rest = _p99s([found.ours for found in rounds])
    report.add("keys.p99_ratio", paired(during, at_rest))
    plain_during, plain_at_rest = _p99s([found.plain for found in rounds])
    what = "the same for a plain nginx on the same machine"
    report.add("keys.p99_ratio_plain", paired(plain_during, plain_at_rest), what, "×")
    report.add("keys.p99_during", spread(during), f"p99 of other requests while {LARGE:,} keys load", "ms")
    report.add("keys.p99_at_rest", spread(at_rest), "p99 of the same at rest", "ms")


def _report_small(context: Context, report: Report) -> None:
    """How soon a change counts, with the zone of the sample."""
    chooser = random.Random(1)
    with _stage(context, context.directory / "small", SMALL, None) as stage:
        loads = []
        for _ in range(CHANGES):
            time.sleep(chooser.uniform(0, 0.5))  # any moment between two looks of a worker
            loads.append(stage.file.change(stage.status))
    after = [one.live_after for one in loads]
    report.add("keys.live_after", spread([max(after)]))
    report.add("keys.live_after_each", spread(after), "the same, each", "s")
    report.add("keys.load_1k", spread((one.end - one.begin) * MS for one in loads), "load of a file of 1,000 keys", "ms")


def run(context: Context) -> Report:
    report = Report("keys")
    report.conditions.update(rounds=context.effort.rounds, requests_per_second=RATE)
    keys_program.report_tables(context, report)
    keys_program.report_decisions(context, report)
    if not context.quick:
        _report_large(context, report)
        _report_small(context, report)
    return report
