"""One process tree in namespaces of its own: process numbers, mounts, host name, IPC, and the network if asked.

    we ── warden ── process 1 of the namespaces ── the program ── ...

Process 1 obeys a pipe: a byte is a signal for the program's process group, its end means that nobody looks after
the tree any more. Either way, when process 1 ends, the kernel kills all of the tree and its mounts are gone, so
that nothing survives us, however we die. No threads here: the tree is forked from us.
"""

import json
import os
import select
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from . import mounts
from .report import Log, StepFailed

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MAX_LINE = 64 << 10  # bytes; a longer line is cut in two
ORPHANS_GRACE_S = 1.0  # for children of the program that are just about to end
END_WAIT_S = 30.0  # the kernel's work of killing a tree
POLL_S = 0.05


@dataclass(frozen=True)
class Place:
    """Where a program runs. Without `root` in this machine's own tree, with `own_tmpfs` hiding what is there."""

    root: Path | None = None
    own_network: bool = False
    own_tmpfs: tuple[Path, ...] = ()

    def enter(self) -> Path:
        """Called by process 1. Returns where /proc of the new process numbers is."""
        mounts.keep_private()
        if self.own_network:
            mounts.loopback_up()
        if self.root is not None:
            mounts.fill_root(self.root)
            return self.root / "proc"
        mounts.mount("-t", "proc", "-o", "nosuid,nodev,noexec", "proc", "/proc")
        for folder in self.own_tmpfs:
            mounts.mount("-t", "tmpfs", "-o", "mode=755,nosuid,nodev", "tmpfs", str(folder))
        return Path("/proc")


@dataclass(frozen=True)
class End:
    status: int  # of the program: its exit status, or minus the signal
    left: list[str]  # command lines of processes that it left behind


def execute(
    command: list[str], environment: dict[str, str], directory: str, root: Path | None
) -> Callable[[], int]:
    """A program that replaces the process; `directory` is one inside `root`."""

    def body() -> int:
        if root is not None:
            os.chroot(root)
        os.chdir(directory)
        # Python ignores it, which a program would inherit.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execvpe(command[0], command, environment)

    return body


class Contained:
    def __init__(self, place: Place, program: Callable[[], int], log: Log) -> None:
        self._log = log
        self._partial = b""
        self._lines: deque[str] = deque()
        self._at_end = False
        control, self._orders = os.pipe()
        self._output, output = os.pipe()
        self._report, report = os.pipe()
        # No signal may come between the fork and the moment at which we know what to stop.
        old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        self._warden = os.fork()
        if self._warden == 0:
            for descriptor in (self._orders, self._output, self._report):
                os.close(descriptor)
            _be_warden(place, program, control, output, report, old_mask)
        for descriptor in (control, output, report):
            os.close(descriptor)
        signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def send(self, number: signal.Signals) -> None:
        """To the process group of the program, as a terminal does it."""
        os.write(self._orders, bytes([number]))

    def lines(self, deadline: float) -> Iterator[str]:
        """Output as it comes, until its end; that is when the whole tree has ended. May be left and called again.
        `deadline`: monotonic seconds."""
        while True:
            while self._lines:
                yield self._log.write(self._lines.popleft())
            if self._at_end:
                return
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._output], [], [], left)[0]:
                raise StepFailed("it took too long")
            self._read()

    def _read(self) -> None:
        data = os.read(self._output, 1 << 16)
        *whole, self._partial = (self._partial + data).split(b"\n")
        self._at_end = not data
        if self._partial and (self._at_end or len(self._partial) > MAX_LINE):
            whole, self._partial = [*whole, self._partial], b""
        self._lines.extend(line.decode("utf-8", "replace").rstrip("\r") for line in whole)

    def wait(self, deadline: float) -> End:
        for _ in self.lines(deadline):
            pass
        with os.fdopen(os.dup(self._report), "rb") as file:
            text = file.read()
        if not text:
            raise StepFailed("its first process was killed")
        document = json.loads(text)
        if "error" in document:
            raise StepFailed(f"it could not be started: {document['error']}")
        return End(document["status"], document["left"])

    def kill(self) -> None:
        """Ends the tree if it has not ended; may be called twice."""
        if self._warden == 0:
            return
        os.close(self._orders)
        deadline = time.monotonic() + END_WAIT_S
        while os.waitpid(self._warden, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                raise StepFailed(f"process {self._warden} does not end")
            time.sleep(POLL_S)
        self._warden = 0
        os.close(self._output)
        os.close(self._report)


def _be_warden(
    place: Place,
    program: Callable[[], int],
    control: int,
    output: int,
    report: int,
    mask: set[int | signal.Signals],
) -> NoReturn:
    status = 1
    try:
        os.setsid()  # the terminal's Ctrl-C is for us alone
        for name in STOP_SIGNALS:
            signal.signal(name, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.close(output)
        flags = mounts.NEW_MOUNTS | mounts.NEW_HOST_NAME | mounts.NEW_IPC | mounts.NEW_PIDS
        mounts.unshare(flags | (mounts.NEW_NETWORK if place.own_network else 0))
        first = os.fork()
        if first == 0:
            _be_process_1(place, program, control, report)
        os.close(report)
        os.close(1)
        os.close(2)
        os.waitpid(first, 0)
        status = 0
    except BaseException as error:
        _tell(report, {"error": str(error)})
    finally:
        os._exit(status)


def _be_process_1(place: Place, program: Callable[[], int], control: int, report: int) -> NoReturn:
    try:
        proc = place.enter()
        child = os.fork()
        if child == 0:
            os.close(control)
            os.close(report)
            _be_program(program)
        status = _serve(child, control)
        _tell(report, {"status": status, "left": _left_behind(proc)})
    except BaseException as error:
        _tell(report, {"error": str(error)})
    finally:
        os._exit(0)


def _be_program(program: Callable[[], int]) -> NoReturn:
    status = 1
    try:
        os.setsid()
        status = program()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _serve(child: int, control: int) -> int:
    while True:
        if select.select([control], [], [], POLL_S)[0]:
            order = os.read(control, 1)
            if not order:
                os._exit(1)
            os.killpg(child, order[0])
        for pid, status in _ended():
            if pid == child:
                return os.waitstatus_to_exitcode(status)


def _ended() -> Iterator[tuple[int, int]]:
    """Children that have ended; orphans of the tree become ours."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def _left_behind(proc: Path) -> list[str]:
    deadline = time.monotonic() + ORPHANS_GRACE_S
    while True:
        for _ in _ended():
            pass
        left = [entry for entry in os.listdir(proc) if entry.isdigit() and entry != "1"]
        if not left or time.monotonic() > deadline:
            return [_command_line(proc / entry) for entry in left]
        time.sleep(POLL_S)


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()[:200]
    except OSError:
        return "(just ended)"


def _tell(report: int, document: dict[str, object]) -> None:
    os.write(report, json.dumps(document).encode())
