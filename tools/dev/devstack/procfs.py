"""What /proc says about processes."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stat:
    pid: int
    state: str
    session: int
    start_time: int  # clock ticks since boot: tells a process from a later one with the same number

    @property
    def alive(self) -> bool:
        return self.state not in "ZX"


def read_stat(pid: int) -> Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold anything, so fields are counted from the last ')'.
    fields = text[text.rindex(")") + 2 :].split()
    return Stat(pid, fields[0], int(fields[3]), int(fields[19]))


@dataclass(frozen=True)
class Program:
    """What a process was started with."""

    command: list[str]
    environment: dict[str, str]


def read_program(pid: int) -> Program:
    """Of a living process of ours."""

    def strings(name: str) -> list[str]:
        content = Path(f"/proc/{pid}/{name}").read_bytes()
        return [os.fsdecode(string) for string in content.split(b"\0")[:-1]]

    pairs = (variable.partition("=") for variable in strings("environ"))
    return Program(strings("cmdline"), {name: value for name, _, value in pairs})


def is_running(pid: int, start_time: int) -> bool:
    stat = read_stat(pid)
    return stat is not None and stat.alive and stat.start_time == start_time


def session_members(session: int, directory: Path) -> list[Stat]:
    """Living processes of a session whose working directory is `directory`, or was when it existed."""
    members = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        stat = read_stat(int(entry))
        if stat is None or not stat.alive or stat.session != session:
            continue
        try:
            cwd = os.readlink(f"/proc/{entry}/cwd").removesuffix(" (deleted)")
        except OSError:
            continue
        if cwd == str(directory):
            members.append(stat)
    return members
