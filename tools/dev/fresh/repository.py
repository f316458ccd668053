"""The committed state of this repository, as a clone that shares nothing with it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .report import FreshError, StepFailed

TIMEOUT_S = 300


@dataclass(frozen=True)
class Snapshot:
    bundle: Path
    commit: str
    changed_files: int  # in the work tree, and therefore not part of it


def _git(arguments: list[str], directory: Path, output: Path | None = None) -> str:
    """As the owner of `directory`: git refuses to work in somebody else's repository."""
    owner = directory.stat()
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    try:
        with open(output or os.devnull, "wb") as file:
            done = subprocess.run(
                ["git", *arguments], cwd=directory, env=environment, check=False, timeout=TIMEOUT_S,
                stdin=subprocess.DEVNULL, stdout=file if output else subprocess.PIPE, stderr=subprocess.PIPE,
                user=owner.st_uid, group=owner.st_gid, extra_groups=[],
            )  # fmt: skip
    except FileNotFoundError:
        raise FreshError("git is not installed") from None
    if done.returncode != 0:
        message = done.stderr.decode("utf-8", "replace").strip()
        raise FreshError(f"git {arguments[0]} failed in {directory}: {message}")
    return "" if output else done.stdout.decode("utf-8", "replace")


def take(repository: Path, bundle: Path) -> Snapshot:
    commit = _git(["rev-parse", "--verify", "HEAD^{commit}"], repository).strip()
    changed = len(_git(["status", "--porcelain"], repository).splitlines())
    _git(["bundle", "create", "--quiet", "-", "HEAD"], repository, bundle)
    return Snapshot(bundle, commit, changed)


def clone(snapshot: Snapshot, target: Path) -> None:
    target.mkdir(parents=True)
    _git(["init", "--quiet", "--initial-branch=main", "."], target)
    _git(["fetch", "--quiet", str(snapshot.bundle), "HEAD"], target)
    _git(["reset", "--quiet", "--hard", "FETCH_HEAD"], target)
    if _git(["rev-parse", "HEAD"], target).strip() != snapshot.commit:
        raise StepFailed(f"the clone in {target} is not at {snapshot.commit}")
