"""wrk's closed loop on several targets in turn, with the CPU that each needs for a request."""

from dataclasses import dataclass
from pathlib import Path

from . import cpu, wrk

CONNECTIONS = 16
SECONDS = 1  # of one measurement


@dataclass(frozen=True)
class Target:
    """One way to the upstream: where wrk asks, and whose CPU counts."""

    url: str
    script: Path
    pids: list[int]
    refused: bool = False  # every answer is a 4xx, as it should be


@dataclass(frozen=True)
class Measured:
    cpu_us: float  # per request
    result: wrk.Result


def measure(target: Target, seconds: float) -> Measured:
    before = cpu.seconds(target.pids)
    result = wrk.run(target.url, target.script, seconds, CONNECTIONS, target.refused)
    used = cpu.seconds(target.pids) - before
    return Measured(used / result.requests * 1e6, result)


def rounds(targets: dict[str, Target], count: int) -> dict[str, list[Measured]]:
    """One round is each target once, in turn; the first, which warms up, does not count. Many short rounds: what
    disturbs a machine for seconds then disturbs few of them."""
    found: dict[str, list[Measured]] = {name: [] for name in targets}
    for number in range(count + 1):
        # The order changes, so that none always runs after the same other one.
        names = list(targets)
        for name in names if number % 2 == 0 else reversed(names):
            measured = measure(targets[name], SECONDS)
            if number:
                found[name].append(measured)
    return found


def cpu_of(measured: list[Measured]) -> list[float]:
    return [one.cpu_us for one in measured]
