"""The bare Debian root: made by debootstrap once, then kept as a tar that knows nothing of this machine."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import apt
from .contained import Contained, Place, execute
from .report import Log, StepFailed, say

SUITE = "bookworm"
VARIANT = "minbase"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEBOOTSTRAP_TIMEOUT_S = 1800
TAR_TIMEOUT_S = 600
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Where it came from, and what this machine has lent it.
NOT_KEPT = (
    "./etc/apt/sources.list", "./etc/resolv.conf", "./etc/hostname", "./etc/hosts",
    "./var/lib/apt/lists/*", "./var/cache/apt/*", "./var/log/*",
    "./dev/*", "./proc/*", "./sys/*", "./run/*", "./tmp/*",
)  # fmt: skip


@dataclass(frozen=True)
class Base:
    tar: Path
    was_cached: bool


def ensure(cache: Path, work: Path, log: Log, environment: dict[str, str]) -> Base:
    """`environment`: proxies and CA certificates, for the download."""
    tar = cache / f"debian-{SUITE}-{apt.architecture()}-{VARIANT}.tar"
    if tar.exists():
        return Base(tar, True)
    say(f"making a bare Debian {SUITE} root by debootstrap")
    cache.mkdir(parents=True, exist_ok=True)
    target, home = work / "bootstrap", work / "bootstrap-home"
    _bootstrap(target, home, log, environment)
    partial = tar.with_name(f"{tar.name}.{os.getpid()}")
    try:
        _pack(target, partial)
        os.replace(partial, tar)
    finally:
        partial.unlink(missing_ok=True)
    shutil.rmtree(target)
    return Base(tar, False)


def _bootstrap(target: Path, home: Path, log: Log, environment: dict[str, str]) -> None:
    mirror = apt.find_mirror(SUITE)
    target.mkdir()
    home.mkdir(mode=0o700)
    netrc = home / ".netrc"  # wget looks for it
    netrc.touch(mode=0o600)
    netrc.write_text(mirror.netrc, encoding="utf-8")
    if not KEYRING.exists():
        raise StepFailed(f"{KEYRING} is missing (package debian-archive-keyring)")
    command = [
        "debootstrap", f"--variant={VARIANT}", f"--keyring={KEYRING}", "--merged-usr", SUITE, str(target), mirror.url,
    ]  # fmt: skip
    own = {"PATH": PATH, "HOME": str(home), "LANG": "C.UTF-8", **mirror.environment, **environment}
    try:
        with Contained(Place(), execute(command, own, "/", None), log) as running:
            end = running.wait(time.monotonic() + DEBOOTSTRAP_TIMEOUT_S)
    finally:
        netrc.unlink()
    if end.status != 0:
        raise StepFailed(f"debootstrap ended with status {end.status}")


def _run_tar(arguments: list[str]) -> None:
    done = subprocess.run(
        ["tar", "--numeric-owner", *arguments], capture_output=True, text=True, check=False, timeout=TAR_TIMEOUT_S
    )
    if done.returncode != 0:
        raise StepFailed(f"tar failed: {done.stderr.strip()[-500:]}")


def _pack(root: Path, tar: Path) -> None:
    excluded = [f"--exclude={pattern}" for pattern in NOT_KEPT]
    _run_tar([*excluded, "--one-file-system", "-C", str(root), "-cf", str(tar), "."])


def unpack(base: Base, root: Path) -> None:
    root.mkdir(mode=0o755)
    _run_tar(["-C", str(root), "-xpf", str(base.tar)])
