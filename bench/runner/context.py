"""What every bench gets: where things are, how long to measure, and a folder of its own."""

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Effort:
    """How much is measured. A figure is the median over `rounds`."""

    rounds: int
    factor: float  # of request counts and stream counts, relative to a whole run


WHOLE = Effort(rounds=7, factor=1)
QUICK = Effort(rounds=3, factor=0.25)


@dataclass(frozen=True)
class Context:
    directory: Path  # empty, of this bench alone; short, because unix sockets lie below it
    preset: str
    effort: Effort
    quick: bool

    @property
    def build(self) -> Path:
        return REPOSITORY / "build" / self.preset

    @property
    def agent_load(self) -> Path:
        return self.build / "bench" / "load" / "agent_load"

    @property
    def module(self) -> Path:
        return self.build / "ngx_module" / "ngx_http_agent_module.so"

    def count(self, whole: int, least: int = 1) -> int:
        return max(least, round(whole * self.effort.factor))
