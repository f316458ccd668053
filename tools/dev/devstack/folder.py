"""The folder D of a stack: held by one ./dev at a time, and emptied."""

import fcntl
import os
import shutil
from pathlib import Path

from .record import FILE_NAME
from .report import StackError


class DirectoryLock:
    """flock on D itself: two ./dev never work on one D, and no lock file is left behind."""

    def __init__(self, directory: Path) -> None:
        self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(self._descriptor).st_ino != os.stat(directory).st_ino:
                raise FileNotFoundError
        except (BlockingIOError, FileNotFoundError):
            os.close(self._descriptor)
            raise StackError(f"another ./dev is at work in {directory}") from None

    def release(self) -> None:
        os.close(self._descriptor)


def empty(directory: Path, keep: frozenset[str] = frozenset()) -> None:
    # The record goes last: as long as anything is left, `down` can be run again.
    names = sorted(set(os.listdir(directory)) - keep, key=lambda name: name == FILE_NAME)
    for name in names:
        path = directory / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
