"""llama.cpp's server for Python as a process of its own, which a test may kill and start again."""

import os
import subprocess
from pathlib import Path

import httpx

from gateway_stack import ROOT, wait_until
from upstream_doubles import closed_port

FOLDER = Path(__file__).resolve().parent
PYTHON = ROOT / ".dev/llm-venv/bin/python"
KEY = "hunter2-of-the-model-server"
CONTEXT = 32768  # tokens; also in make_model.py
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 20


class LlamaServer:
    def __init__(self, directory: Path):
        self.log = directory / "llama.log"
        self.model = directory / "tiny.gguf"
        subprocess.run([PYTHON, "-B", FOLDER / "make_model.py", self.model], check=True, timeout=300)
        self.port = closed_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [
            PYTHON, "-B", "-m", "llama_cpp.server", "--model", self.model, "--model_alias", "tiny",
            "--host", "127.0.0.1", "--port", self.port, "--n_ctx", CONTEXT, "--n_threads", 1,
            # One request at a time; a client that comes does not end the one that is there, only its own client does.
            "--interrupt_requests", False,
        ]  # fmt: skip
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(list(map(str, command)), env={**os.environ, "API_KEY": KEY},
                                            stdout=output, stderr=subprocess.STDOUT)
        wait_until(self._is_ready, "the model server answers", START_TIMEOUT_S)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"it ended:\n{self.log.read_text(errors='replace')[-5000:]}"
        try:
            return httpx.get(self.url + "/v1/models", headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
