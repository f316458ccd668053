"""Programs that measure something, say it on standard output, and end by themselves."""

import subprocess
from typing import Any

from .errors import BenchError

_SHOWN = 1000  # characters of each output, of a program that failed


def run(command: list[str], what: str, timeout: float, **options: Any) -> subprocess.CompletedProcess[str]:
    """`what` names the program in errors; `timeout` is in seconds. A program that fails is an error."""
    options.setdefault("stdout", subprocess.PIPE)
    try:
        done = subprocess.run(command, text=True, stderr=subprocess.PIPE, timeout=timeout, check=False, **options)
    except OSError as error:
        raise BenchError(f"cannot start {command[0]}: {error.strerror}; was it built or installed?") from error
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{what} did not end within {timeout:.0f} s") from error
    if done.returncode != 0:
        said = f"{done.stderr[-_SHOWN:]} {(done.stdout or '')[-_SHOWN:]}".strip()
        raise BenchError(f"{what} exited with {done.returncode}: {said}")
    return done
