"""agent_load, our own load generator, where wrk cannot do it: streams, held connections, aborts."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import program
from .context import Context
from .errors import BenchError

Answer = dict[str, Any]  # the JSON object that agent_load prints


@dataclass(frozen=True)
class Endpoint:
    """One way to a model: where to ask, and as whom."""

    url: str  # of the chat completions
    headers: tuple[str, ...] = ()
    ca: Path | None = None

    def arguments(self) -> list[str]:
        found = ["--url", self.url]
        for header in self.headers:
            found += ["--header", header]
        return found + (["--ca", str(self.ca)] if self.ca else [])


def _check(answer: Answer, what: str) -> Answer:
    errors = {kind: count for kind, count in answer.get("errors", {}).items() if count}
    wrong = {status: count for status, count in answer.get("status", {}).items() if status != "200"}
    if errors or wrong:
        raise BenchError(f"agent_load {what}: errors {errors}, statuses {wrong}")
    return answer


def run(context: Context, mode: str, endpoint: Endpoint, body: Path, *options: str, seconds: int = 120) -> Answer:
    """One of the modes that end by themselves."""
    command = [str(context.agent_load), mode, *endpoint.arguments(), "--body-file", str(body)]
    command += ["--timeout", str(seconds), *options]
    what = f"{mode} on {endpoint.url}"
    done = program.run(command, f"agent_load {what}", seconds + 30)
    return _check(json.loads(done.stdout), what)


@contextlib.contextmanager
def hold(context: Context, endpoint: Endpoint, body: Path, count: int, seconds: int = 300) -> Iterator[Answer]:
    """`count` streams, open while the block runs; yields what opening them said."""
    command = [str(context.agent_load), "hold", *endpoint.arguments(), "--body-file", str(body)]
    command += ["--timeout", str(seconds), "--connections", str(count), "--source-addresses", "4"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise BenchError(f"agent_load hold on {endpoint.url} ended before its streams were open")
        opened = json.loads(line)
        if opened["open"] != count:
            raise BenchError(f"agent_load hold on {endpoint.url}: opened {opened}")
        yield opened
        process.stdin.write("close\n")
        process.stdin.close()
        closed = json.loads(process.stdout.readline() or "{}")
        if closed.get("ended_by_peer", count):
            raise BenchError(f"agent_load hold on {endpoint.url}: {closed}")
        process.wait(30)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        process.stdout.close()


@dataclass(frozen=True)
class Exchange:
    """One request of a paced run. Times are seconds; `began` is on the real-time clock."""

    began: float
    took: float

    @property
    def ended(self) -> float:
        return self.began + self.took


def read_exchanges(text: str) -> list[Exchange]:
    """What agent_load writes with --each: seconds and microseconds."""
    lines = (line.split() for line in text.splitlines())
    return [Exchange(float(began), float(took) / 1e6) for began, took in lines]


class Paced:
    """Requests on a timetable, at work beside whatever else happens."""

    def __init__(self, process: subprocess.Popen[str], each: Path, what: str, longest: float) -> None:
        self._process, self._each, self._what, self._longest = process, each, what, longest

    def finish(self) -> list[Exchange]:
        """Waits for the last."""
        try:
            out, errors = self._process.communicate(timeout=self._longest)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"agent_load {self._what} did not end within {self._longest} s") from error
        if self._process.returncode != 0:
            ended = f"exited with {self._process.returncode}"
            raise BenchError(f"agent_load {self._what} {ended}: {errors[-1000:]} {out[-1000:]}")
        _check(json.loads(out), self._what)
        return read_exchanges(self._each.read_text())


@contextlib.contextmanager
def paced(context: Context, name: str, endpoint: Endpoint, body: Path, rate: int, seconds: float) -> Iterator[Paced]:
    """Over two connections, so that one late answer does not hold up the next request. `name`: of what runs at a time."""
    each = context.directory / f"exchanges-{name}"
    command = [str(context.agent_load), "requests", *endpoint.arguments(), "--body-file", str(body)]
    command += ["--connections", "2", "--warmup", "50", "--rate", str(rate)]
    command += ["--requests", str(round(rate * seconds)), "--timeout", str(seconds + 30), "--each", str(each)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield Paced(process, each, f"requests on {endpoint.url}", seconds + 40)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
