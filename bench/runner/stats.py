"""Medians over rounds, with their spread."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import BenchError


@dataclass(frozen=True)
class Spread:
    """One figure over all rounds. The median is what counts; min and max say how far to trust it."""

    median: float
    low: float
    high: float
    rounds: int

    def scaled(self, factor: float) -> "Spread":
        return Spread(self.median * factor, self.low * factor, self.high * factor, self.rounds)

    def to_json(self) -> dict[str, float | int]:
        return {"median": self.median, "min": self.low, "max": self.high, "rounds": self.rounds}


def spread(values: Iterable[float]) -> Spread:
    values = list(values)
    if not values:
        raise BenchError("nothing was measured")
    return Spread(statistics.median(values), min(values), max(values), len(values))


def paired(ours: list[float], baseline: list[float], combine: str = "ratio") -> Spread:
    """Round by round, because the two of a round ran one after the other on the same machine in the same mood."""
    if len(ours) != len(baseline):
        raise BenchError("ours and the baseline have different numbers of rounds")
    if combine == "ratio":
        return spread(a / b for a, b in zip(ours, baseline, strict=True))
    return spread(a - b for a, b in zip(ours, baseline, strict=True))


def percentile(values: Iterable[float], part: float) -> float:
    """The smallest value that at least this part of them does not exceed; `part` is above 0 and at most 1."""
    ordered = sorted(values)
    if not ordered:
        raise BenchError("nothing was measured")
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]
