"""A Docker Engine of our own: private data, sockets and cgroup, no bridge, no firewall rules.

It runs inside namespaces (contained.py), in which an empty tmpfs hides `Ground.run`. The machine's own engine, when
there is one, sees nothing of it.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from .report import StepFailed, StepSkipped

ETC = Path("/etc/docker")  # an engine writes a key of its own there
CGROUPS = Path("/sys/fs/cgroup")
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
CLI_TIMEOUT_S = 60
# What a container may ask for at most. The engine cannot raise its own hard limit everywhere.
OPEN_FILES = 65536
PROCESSES = 16384


@dataclass
class Ground:
    """What an engine stands on outside of its namespaces: empty folders for its mounts, and its cgroup's name."""

    run: Path
    cgroup: str
    _created: list[Path] = field(default_factory=list)

    @classmethod
    def new(cls) -> "Ground":
        name = f"agw-fresh-{os.getpid()}"
        return cls(Path("/run") / name, name)

    @property
    def mount_points(self) -> tuple[Path, ...]:
        return (self.run, ETC)

    def __enter__(self) -> Self:
        self._created = [path for path in self.mount_points if not path.exists()]
        for path in self._created:
            path.mkdir(mode=0o700)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in self._created:
            path.rmdir()
        for cgroup in (*CGROUPS.glob(f"*/{self.cgroup}"), CGROUPS / self.cgroup):
            for folder in sorted((path for path in cgroup.rglob("*") if path.is_dir()), reverse=True):
                _remove_cgroup(folder)
            _remove_cgroup(cgroup)


def _remove_cgroup(folder: Path) -> None:
    """Its processes were killed; the kernel may need a moment to count them out."""
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while folder.exists():
        try:
            folder.rmdir()
        except OSError as error:
            if time.monotonic() > deadline:
                raise StepFailed(f"cgroup {folder} cannot be removed: {error.strerror}") from None
            time.sleep(0.05)


def _limit(name: str, kind: int, wanted: int) -> str:
    hard = resource.getrlimit(kind)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    return f"--default-ulimit={name}={value}:{value}"


class Engine:
    """`log`: the engine's own, warnings and worse."""

    def __init__(self, ground: Ground, data: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._ground = ground
        self._data = data
        self._log = log
        socket = f"unix://{ground.run}/docker.sock"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(ground.run),
            "DOCKER_HOST": socket,
            "DOCKER_CONFIG": str(ground.run / "client"),
            "DOCKER_BUILDKIT": "0",  # the engine of Debian 12 has a builder of its own; BuildKit needs a plug-in
            **environment,
        }
        self._command = [
            "dockerd", f"--host={socket}", f"--config-file={ground.run}/daemon.json", f"--data-root={data}",
            f"--exec-root={ground.run}/exec", f"--pidfile={ground.run}/docker.pid",
            "--log-level=warn", "--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false",
            "--exec-opt=native.cgroupdriver=cgroupfs", f"--cgroup-parent=/{ground.cgroup}",
            _limit("nofile", resource.RLIMIT_NOFILE, OPEN_FILES), _limit("nproc", resource.RLIMIT_NPROC, PROCESSES),
        ]  # fmt: skip

    def __enter__(self) -> Self:
        for program in ("dockerd", "docker"):
            if shutil.which(program) is None:
                raise StepSkipped(f"{program} is not installed")
        (self._ground.run / "daemon.json").write_text("{}")
        self._data.mkdir(exist_ok=True)
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._cli("version").returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StepSkipped(f"Docker Engine does not start here: {self._last_words()}")
            time.sleep(0.2)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        bad = [line for line in lines if "level=error" in line or "level=fatal" in line or "failed" in line]
        return (bad or lines or ["it said nothing"])[-1][-300:]

    def _cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *arguments], env=self._environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=CLI_TIMEOUT_S,
        )  # fmt: skip

    def ask(self, *arguments: str) -> str:
        """A quick command; its stdout."""
        done = self._cli(*arguments)
        if done.returncode != 0:
            raise StepFailed(f"docker {arguments[0]} failed: {done.stderr.strip()[-500:]}")
        return done.stdout.strip()

    def do(self, *arguments: str, timeout: float, stdin: Path | None = None) -> None:
        """A long command; its output is ours."""
        sys.stdout.flush()
        with open(stdin or os.devnull, "rb") as file:
            status = subprocess.run(
                ["docker", *arguments], env=self._environment, stdin=file, check=False, timeout=timeout
            ).returncode
        if status != 0:
            raise StepFailed(f"docker {arguments[0]} ended with status {status}")

    def show_logs(self, container: str) -> None:
        done = self._cli("logs", container)
        sys.stdout.write(done.stdout + done.stderr)

    def state(self, container: str) -> dict[str, object]:
        state: dict[str, object] = json.loads(self.ask("inspect", "--format", "{{json .State}}", container))
        return state

    def remove_all(self) -> None:
        names = self.ask("ps", "--all", "--quiet").split()
        if names:
            with suppress(StepFailed):  # it is being removed already
                self.ask("rm", "--force", *names)
