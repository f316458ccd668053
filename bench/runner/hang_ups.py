"""Requests that agent_load breaks off, and how long after that the other side saw it."""

import json
import time
from collections.abc import Callable

from . import bodies, load
from .context import Context
from .errors import BenchError
from .report import Report
from .stats import percentile, spread

COUNT = 240  # a phase
CONNECTIONS = 8  # in flight: aborts come side by side, not in a herd
SEEN_WAIT = 20.0  # seconds until the last must be on record
PREFIX = "abort"

Moments = dict[str, float]  # by the id in the request's text; seconds since 1970


def count(context: Context) -> int:
    return context.count(COUNT, 60)


def break_off(context: Context, endpoint: load.Endpoint, model: str, phase: str, after_ms: int) -> Moments:
    """When each of the requests was broken off, `after_ms` after it was `sent` or its first `event` came."""
    request = json.loads(bodies.chat(1024, model, True))
    request["messages"][-1]["content"] = "{{id}} is who asks."
    body = bodies.write(context.directory / f"{PREFIX}-{model.replace('/', '-')}.json", json.dumps(request).encode())
    options = ("--count", str(count(context)), "--phase", phase, "--after-ms", str(after_ms))
    options += ("--connections", str(CONNECTIONS), "--id-prefix", PREFIX)
    answer = load.run(context, "abort", endpoint, body, *options)
    return {abort["id"]: float(abort["closed"]) for abort in answer["aborts"]}


def delays(what: str, closed: Moments, seen: Callable[[], Moments]) -> list[float]:
    """In ms, of every request. Waits until `seen` knows of all; fails when it never does, and when one was seen to leave
    before it did: then it ended for another reason."""
    deadline = time.monotonic() + SEEN_WAIT
    while not closed.keys() <= (found := seen()).keys() and time.monotonic() < deadline:
        time.sleep(0.1)
    missing = [name for name in closed if name not in found]
    if missing:
        raise BenchError(f"abort, {what}: {len(missing)} of {len(closed)} were never seen, e.g. {missing[0]}")
    early = [name for name, moment in closed.items() if found[name] < moment]
    if early:
        raise BenchError(f"abort, {what}: {len(early)} of {len(closed)} had ended before the client left, e.g. {early[0]}")
    return [(found[name] - moment) * 1e3 for name, moment in closed.items()]


def add(report: Report, key: str, what: str, rounds: list[list[float]]) -> list[float]:
    """p50 and p99 of one phase; returns the p99 of each round."""
    p50s, p99s = ([percentile(values, part) for values in rounds] for part in (0.5, 0.99))
    report.add(f"{key}.p50", spread(p50s), f"{what}, p50", "ms")
    report.add(f"{key}.p99", spread(p99s), f"{what}, p99", "ms")
    return p99s
