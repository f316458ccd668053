"""Starts and stops one child of a stack.

Each child leads a session of its own, with D as its working directory. Both tell its offspring (nginx
workers outlive a killed master) from other people's processes when a stack is stopped.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from . import procfs
from .record import Child, Record
from .report import StackError

# The child waits for one line before it becomes the program. When we die first, it reads the end of the
# pipe and leaves: no process ever runs that is not on record.
GATE = 'IFS= read -r go && exec "$@" </dev/null'

# Signals and seconds to wait after each, by kind. KILL always comes last.
STOP_STEPS = {
    "edge": [(signal.SIGQUIT, 2.0), (signal.SIGTERM, 2.0)],
    "executor": [(signal.SIGTERM, 6.0)],
    "double": [(signal.SIGTERM, 3.0)],
}
KILL_WAIT = 5.0


def start(
    record: Record, name: str, kind: str, command: list[str], environment: dict[str, str], output: Path
) -> Child:
    """`environment` is added to ours; stdout and stderr go to `output`."""
    extra = [f"{key}={value}" for key, value in environment.items()]
    with open(output, "ab") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", GATE, "sh", "/usr/bin/env", *extra, *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=record.directory,
            start_new_session=True,
        )
    stat = procfs.read_stat(process.pid)
    if stat is None or process.stdin is None:
        raise StackError(f"{name}: could not be started")
    child = Child(name, kind, process.pid, stat.start_time)
    record.children.append(child)
    record.save()
    process.stdin.write(b"go\n")
    process.stdin.close()
    # poll() reaps it; the Popen object must neither do that nor complain that it was left alone.
    process.returncode = 0
    return child


def poll(child: Child) -> str | None:
    """None while it runs, else how it ended, as far as we can know."""
    try:
        pid, status = os.waitpid(child.pid, os.WNOHANG)
    except ChildProcessError:  # not ours (`down`), or told about before
        return None if child.alive else "ended"
    if pid == 0:
        return None
    if os.WIFSIGNALED(status):
        return f"was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exited with status {os.WEXITSTATUS(status)}"


def _remaining(child: Child, directory: Path) -> list[procfs.Stat]:
    poll(child)
    members = procfs.session_members(child.pid, directory)
    if child.alive and all(member.pid != child.pid for member in members):
        stat = procfs.read_stat(child.pid)
        if stat is not None:
            members.append(stat)
    leader = procfs.read_stat(child.pid)
    if leader is not None and leader.start_time != child.start_time:
        return []  # the number belongs to somebody else now, and so does the session
    return members


def _wait_gone(child: Child, directory: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _remaining(child, directory):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _send(members: list[procfs.Stat], number: int) -> None:
    for member in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member.pid, number)


def stop(children: list[Child], directory: Path) -> list[str]:
    """Stops children of one kind side by side. Returns the names of those that had to be killed."""
    steps = STOP_STEPS[children[0].kind] if children else []
    for number, seconds in steps:
        waiting = [child for child in children if _remaining(child, directory)]
        for child in waiting:
            members = _remaining(child, directory)
            leader = [member for member in members if member.pid == child.pid]
            _send(leader or members, number)
        deadline = time.monotonic() + seconds
        for child in waiting:
            _wait_gone(child, directory, max(0.0, deadline - time.monotonic()))
    killed = []
    for child in children:
        members = _remaining(child, directory)
        if members:
            killed.append(child.name)
            _send(members, signal.SIGKILL)
            if not _wait_gone(child, directory, KILL_WAIT):
                raise StackError(f"{child.name} (pid {child.pid}) does not end, not even by SIGKILL")
    return killed


def tail(path: Path, lines: int = 30) -> str:
    try:
        with open(path, "rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 16384))
            text = log.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
