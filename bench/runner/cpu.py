"""CPU time and memory of processes, as the kernel accounts for them: it holds on a busy machine, where wall time does not."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import BenchError

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat behind the name, which may hold anything."""
    text = Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2 :].split()


def children(pid: int) -> list[int]:
    """Direct children."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if int(_stat(int(entry))[1]) == pid:
                    found.append(int(entry))
    return found


def tree(pids: Iterable[int]) -> list[int]:
    """The processes and all their descendants."""
    known: dict[int, None] = {}
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid not in known:
            known[pid] = None
            waiting += children(pid)
    return list(known)


def _threads_seconds(pid: int) -> float:
    """Nanosecond accounting of the scheduler, per thread. A thread that ends takes its time with it, so this is for
    programs whose threads live as long as the round: nginx and the executor."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue
    return total / 1e9


def _process_seconds(pid: int) -> float:
    """User + system of the whole process, ended threads included, in clock ticks."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def seconds(pids: Iterable[int]) -> float:
    """User + system time used so far by these processes and their descendants, in seconds."""
    total = 0.0
    for pid in tree(pids):
        try:
            threads, process = _threads_seconds(pid), _process_seconds(pid)
        except (FileNotFoundError, ProcessLookupError) as error:
            raise BenchError(f"process {pid} ended while it was measured") from error
        # Without schedstat in the kernel the first is zero; where threads have ended the second is larger.
        total += max(threads, process)
    return total


@dataclass(frozen=True)
class Memory:
    """Of a group of processes, in bytes."""

    rss: int
    private: int  # pages that only one of them has: what a stream really costs when workers share the rest


def memory(pids: Iterable[int]) -> Memory:
    rss = private = 0
    for pid in tree(pids):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError) as error:
            raise BenchError(f"process {pid} ended while it was measured") from error
        values = {
            name.rstrip(":"): int(value) * 1024
            for name, value, unit in (line.split() for line in text.splitlines()[1:] if line.endswith("kB"))
            if unit == "kB"
        }
        rss += values["Rss"]
        private += values["Private_Dirty"] + values["Private_Clean"]
    return Memory(rss, private)


def descriptors(pids: Iterable[int]) -> int:
    """Open file descriptors."""
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in tree(pids))
