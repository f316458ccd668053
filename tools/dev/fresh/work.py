"""The folder of a run: work/ is made and removed, log/ stays."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from .report import FreshError, say

REMOVE_TIMEOUT_S = 900


class Work:
    """Held by one ./dev test fresh at a time. The roots in it hold settings of this machine: nobody else may look."""

    def __init__(self, folder: Path, keep: bool) -> None:
        self.folder = folder / "work"
        self.logs = folder / "log"
        self._keep = keep
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise FreshError(f"another ./dev test fresh runs in {folder}") from None
        remove(self.folder)  # of a run that was killed, or kept
        shutil.rmtree(self.logs, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        self.logs.mkdir(mode=0o700)

    def close(self) -> None:
        try:
            if self._keep:
                say(f"kept: {self.folder} (it holds this machine's package settings)")
            else:
                remove(self.folder)
        finally:
            os.close(self._lock)


def mounted_below(folder: Path, mountinfo: str) -> list[str]:
    """Mount points in `folder`, out of the text of /proc/self/mountinfo."""
    points = (line.split()[4].encode().decode("unicode_escape") for line in mountinfo.splitlines())
    return [point for point in points if Path(point).is_relative_to(folder)]


def remove(folder: Path) -> None:
    if not folder.exists():
        return
    mounted = mounted_below(folder.resolve(), Path("/proc/self/mountinfo").read_text(encoding="utf-8"))
    if mounted:
        raise FreshError(f"not removed, because something is mounted there: {', '.join(mounted)}")
    done = subprocess.run(
        ["rm", "-rf", "--one-file-system", "--", str(folder)],
        capture_output=True, text=True, check=False, timeout=REMOVE_TIMEOUT_S,
    )  # fmt: skip
    if done.returncode != 0:
        raise FreshError(f"{folder} could not be removed: {done.stderr.strip()[-500:]}")


def give_back(paths: list[Path], owner: str | None) -> None:
    """What sudo made in the caller's own folders belongs to the caller."""
    if not owner or not owner.isdigit():
        return
    for top in paths:
        for path in [top, *top.rglob("*")] if top.exists() else []:
            os.chown(path, int(owner), -1, follow_symlinks=False)
