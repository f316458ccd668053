"""The programs that the sample agents ask: a scripted model, an MCP server, an HTTP tool (tests/fakes).

They run from a tree in which ./dev run has been prepared: the one in the fresh root, or this repository.
"""

import os
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from . import mounts
from .report import StepFailed

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 10


@dataclass(frozen=True)
class Tree:
    root: Path | None  # the root to change into first
    clone: str  # inside it
    preset: str

    def path(self, name: str) -> str:
        return f"{self.clone}/{name}"

    def programs(self) -> dict[str, list[str]]:
        python = [self.path(".venv/bin/python"), "-B"]
        script = self.path("tests/fakes/scripts/demo.json")
        return {
            "LLM_BASE_URL": [self.path(f"build/{self.preset}/tests/fakes/scripted_llm"), "--script", script],
            "MCP_URL": [*python, self.path("tests/fakes/mcp_python/server.py")],
            "HTTP_URL": [*python, self.path("tests/fakes/http_tool.py")],
        }


class Doubles:
    """`urls`: what the executor's environment needs, by variable."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._processes: list[subprocess.Popen[str]] = []
        self.urls: dict[str, str] = {}

    def __enter__(self) -> Self:
        before = []
        if self._tree.root is not None:
            mounts.fill_root(self._tree.root)
            before = ["chroot", str(self._tree.root)]
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        for variable, command in self._tree.programs().items():
            process = subprocess.Popen(
                [*before, *command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
            )
            self._processes.append(process)
            self.urls[variable] = _first_line(process, Path(command[-1]).name)
        self.urls["LLM_BASE_URL"] = self.urls["LLM_BASE_URL"].rstrip("/").removesuffix("/v1") + "/v1"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                rest, _ = process.communicate(timeout=STOP_TIMEOUT_S)
                sys.stdout.write(rest)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _first_line(process: subprocess.Popen[str], name: str) -> str:
    """The URL, which each of them prints once it listens."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], START_TIMEOUT_S)[0]:
        raise StepFailed(f"{name} did not start within {START_TIMEOUT_S} s")
    line = process.stdout.readline().strip()
    if not line.startswith("http://"):
        raise StepFailed(f"{name} said {line!r} instead of its URL")
    return line
