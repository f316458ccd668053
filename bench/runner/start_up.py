"""How long an executor takes from its start until it is ready."""

import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path

from devstack import credentials

from .agent_files import URLS_OF_NOBODY
from .context import Context
from .errors import BenchError

READY_WAIT = 30.0  # seconds
STOP_WAIT = 10.0
PAUSE = 0.0002  # seconds between two tries: the executor needs the processors more
REQUEST = b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def _is_ready(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(READY_WAIT)
        try:
            asked.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        asked.sendall(REQUEST)
        answer = b""
        while b"\r\n" not in answer and (more := asked.recv(4096)):
            answer += more
        return answer.startswith(b"HTTP/1.1 200 ")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WAIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_WAIT)


def _last_words(*files: Path) -> str:
    return "\n".join(file.read_text(errors="replace")[-1000:] for file in files if file.exists())


class Starts:
    """Starts executors one after the other, each until it is ready. Nothing asks them anything else."""

    def __init__(self, context: Context) -> None:
        self._program = context.build / "executor" / "agent-executor"
        self._folder = context.directory / "starts"
        self._folder.mkdir()
        secret = self._folder / "edge_secret"
        credentials.make_edge_secret(secret)
        self._log = self._folder / "executor.log"
        self._environment = {
            **os.environ,
            "AGENT_GATEWAY_EDGE_SECRET_FILE": str(secret),
            "AGENT_GATEWAY_LOG_FILE": str(self._log),
            **URLS_OF_NOBODY,  # an executor starts whether or not its upstreams and servers are there
        }

    def once(self, config: Path) -> float:
        """Seconds from the start of the process to the first 200 of /ready."""
        path, output = self._folder / "executor.sock", self._folder / "output"
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        command = [str(self._program), "serve", "--config", str(config), "--listen", f"unix:{path}"]
        with output.open("wb") as out:
            begin = time.monotonic()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self._environment)
        try:
            while not _is_ready(path):
                if process.poll() is not None or time.monotonic() - begin > READY_WAIT:
                    raise BenchError(f"the executor did not become ready with {config}: {_last_words(output, self._log)}")
                time.sleep(PAUSE)
            return time.monotonic() - begin
        finally:
            _stop(process)
