"""A name server that takes every question and answers none, for what is started meanwhile."""

import contextlib
import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .errors import BenchError

ADDRESS = "127.0.0.53"  # resolv.conf has no ports; an address that nothing else of a bench uses
PORT = 53
PATIENCE = 30  # seconds that the C library waits for an answer
_CLONE_NEWNS = 0x00020000  # linux/sched.h
_LIBC = ctypes.CDLL(None, use_errno=True)


def why_not() -> str:
    """Empty: it can be done here."""
    if os.geteuid() != 0:
        return "it takes root to give processes another name server"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((ADDRESS, PORT))
        except OSError as error:
            return f"{ADDRESS}:{PORT}: {error.strerror}"
    return ""


def _call(name: str, *arguments: int) -> None:
    if getattr(_LIBC, name)(*arguments) != 0:
        raise BenchError(f"{name}: {os.strerror(ctypes.get_errno())}")


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, timeout=10, check=False)
    if done.returncode != 0:
        raise BenchError(f"mount {' '.join(words)}: {done.stderr.strip()}")


@contextlib.contextmanager
def run(directory: Path) -> Iterator[None]:
    """Processes that are started inside ask that server; the rest of the machine does not notice. This process must have
    one thread when the block is entered and when it is left."""
    own = directory / "resolv.conf"
    own.write_text(f"nameserver {ADDRESS}\noptions timeout:{PATIENCE} attempts:2\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((ADDRESS, PORT))
        before = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        try:
            _call("unshare", _CLONE_NEWNS)
            try:
                _mount("--make-rprivate", "/")
                _mount("--bind", str(own), str(Path("/etc/resolv.conf").resolve()))
                yield
            finally:
                here = Path.cwd()
                _call("setns", before, _CLONE_NEWNS)
                os.chdir(here)
        finally:
            os.close(before)
