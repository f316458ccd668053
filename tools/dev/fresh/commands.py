"""The steps in the fresh root: README's two commands, as somebody who types them sees them."""

import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import answer
from .contained import Contained, End, Place, execute
from .report import Log, StepFailed, Stopwatch, Summary, recorded, say

RUN_TIMEOUT_S = 40 * 60  # set-up, build and start
TEST_TIMEOUT_S = 60 * 60
ASK_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
BANNER = "Agent Gateway is running."
CLONE = "/root/agent-gateway"  # inside the root


@dataclass(frozen=True)
class Root:
    path: Path
    environment: dict[str, str]

    def start(self, line: str, log: Log) -> Contained:
        """A shell's command line in the clone."""
        command = execute(["/bin/bash", "-c", line], self.environment, CLONE, self.path)
        return Contained(Place(root=self.path), command, log)


def curl_command(lines: Iterable[str]) -> str:
    """The command that the banner shows; reads no further than its last line."""
    waiting = True  # a package manager's output may have such a line too
    command: list[str] = []
    for line in lines:
        if BANNER in line:
            waiting = False
        if not waiting and (command or line.strip().startswith("curl ")):
            command.append(line.strip())
            if not line.rstrip().endswith("\\"):
                return "\n".join(command)
    raise StepFailed("it ended without having printed its banner with a curl command")


def run_and_ask(root: Root, line: str, log: Log, ask_log: Log, summary: Summary) -> None:
    """Steps run, answer and clean stop."""
    say(f"{line} (log: {log.path})")
    started = Stopwatch()
    with root.start(line, log) as running:
        command = ""
        with recorded(summary, "run", log) as notes:
            command = curl_command(running.lines(time.monotonic() + RUN_TIMEOUT_S))
            notes.append(f"{line}: ready {started.seconds:.0f} s after the start, in a root that had nothing")
        if not command:
            return
        with recorded(summary, "answer", ask_log) as notes:
            notes.append(_ask(root, command, ask_log))
        with recorded(summary, "clean stop", log) as notes:
            running.send(signal.SIGINT)
            _require_clean(running.wait(time.monotonic() + STOP_TIMEOUT_S), line)
            _require_removed(root.path / CLONE.lstrip("/") / ".dev/run")
            notes.append("status 0 after SIGINT, no process and no folder of it left")


def _ask(root: Root, command: str, log: Log) -> str:
    with root.start(command, log) as asking:
        lines = list(asking.lines(time.monotonic() + ASK_TIMEOUT_S))
        end = asking.wait(time.monotonic() + ASK_TIMEOUT_S)
    if end.status != 0:
        raise StepFailed(f"the curl command of the banner ended with status {end.status}")
    streamed = answer.require_tool_answer("\n".join(lines))
    return f"the banner's curl: {streamed.pieces} pieces, the tool's result in them, then [DONE]"


def _require_clean(end: End, line: str) -> None:
    if end.status != 0:
        raise StepFailed(f"{line} ended with status {end.status}")
    if end.left:
        raise StepFailed(f"{line} left processes behind: {'; '.join(end.left)}")


def _require_removed(folder: Path) -> None:
    if folder.exists():
        raise StepFailed(f"it left {folder.name} behind: {', '.join(path.name for path in folder.iterdir())}")


def run_tests(root: Root, line: str, log: Log, summary: Summary) -> None:
    say(f"{line} (log: {log.path})")
    last = ""
    with recorded(summary, "tests", log) as notes, root.start(line, log) as running:
        for text in running.lines(time.monotonic() + TEST_TIMEOUT_S):
            last = text.strip() or last
        _require_clean(running.wait(time.monotonic() + STOP_TIMEOUT_S), line)
        notes.append(f"{line}: {last}")
