"""Results of the steps, the summary at the end, and the log of each step."""

import enum
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TAIL_LINES = 60


class Outcome(enum.StrEnum):
    PASSED = "passed"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"  # this machine cannot do it
    NOT_RUN = "not run"  # not asked for, or what it needs failed


@dataclass(frozen=True)
class Result:
    step: str
    outcome: Outcome
    note: str = ""
    seconds: float = 0.0


class StepFailed(Exception):
    """A step did not do what it should; the message says what was seen."""


class StepSkipped(Exception):
    """This machine cannot do the step; the message says why."""


class FreshError(StepFailed):
    """Something that the steps need is not as it must be; outside of a step, a message and exit code 2."""


def say(message: str) -> None:
    print(f"dev: {message}", file=sys.stderr, flush=True)


class Log:
    """A step's output: the whole in a file, without credentials, and its last lines for a failure."""

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        self.path = path
        self._redact = redact
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="replace")

    def write(self, line: str) -> str:
        """Returns the line as it was written."""
        line = self._redact(line)
        self._file.write(line + "\n")
        self._file.flush()
        self._tail.append(line)
        return line

    def show_tail(self) -> None:
        say(f"the last lines of {self.path}:")
        for line in self._tail:
            print(f"  | {line}", file=sys.stderr)
        sys.stderr.flush()

    def close(self) -> None:
        self._file.close()


@dataclass
class Summary:
    results: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.results.append(result)
        note = f": {result.note}" if result.note else ""
        say(f"fresh: {result.step} {result.outcome}{note}")

    def result(self, step: str) -> Result:
        return next((result for result in self.results if result.step == step), Result(step, Outcome.NOT_RUN))

    def passed(self, step: str) -> bool:
        return self.result(step).outcome == Outcome.PASSED

    @property
    def failed(self) -> bool:
        return any(result.outcome == Outcome.FAILED for result in self.results)

    def text(self, steps: tuple[str, ...]) -> str:
        lines = ["", "== summary (fresh) =="]
        for step in steps:
            result = self.result(step)
            time_taken = f"{result.seconds:.0f} s" if result.seconds else ""
            lines.append(f"{step:12} {result.outcome:8} {time_taken:>7}  {result.note}".rstrip())
        return "\n".join(lines)


class Stopwatch:
    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start


@contextmanager
def recorded(summary: Summary, step: str, log: Log | None) -> Iterator[list[str]]:
    """Runs a step: how it ends becomes its result. What the body puts into the list becomes the note."""
    watch = Stopwatch()
    notes: list[str] = []
    try:
        yield notes
    except StepSkipped as reason:
        summary.add(Result(step, Outcome.SKIPPED, str(reason), watch.seconds))
    except StepFailed as reason:
        if log is not None:
            log.show_tail()
        summary.add(Result(step, Outcome.FAILED, str(reason), watch.seconds))
    except BaseException:
        summary.add(Result(step, Outcome.FAILED, "broken off", watch.seconds))
        raise
    else:
        summary.add(Result(step, Outcome.PASSED, "; ".join(notes), watch.seconds))
