"""Upstreams that a test can hurt: a process that is killed and comes back, and servers that misbehave."""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from gateway_stack import ROOT, wait_until

PROGRAM = Path(os.environ.get("AGW_BUILD_DIR") or ROOT / "build" / os.environ.get("AGW_PRESET", "asan"))
PROGRAM = PROGRAM / "tests/fakes/scripted_llm"


class LlmProcess:
    """The scripted LLM at a port that stays the same."""

    def __init__(self, directory: Path, name: str, script: Path):
        self.directory, self.name, self.script = directory, name, script
        self.port = 0
        self.process: subprocess.Popen | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        port_file = self.directory / f"{self.name}.port"
        port_file.unlink(missing_ok=True)
        with (self.directory / f"{self.name}.log").open("ab") as output:
            self.process = subprocess.Popen(
                [PROGRAM, "--script", self.script, "--listen", f"127.0.0.1:{self.port}", "--port-file", port_file],
                stdout=output, stderr=subprocess.STDOUT)
        wait_until(lambda: port_file.exists() and port_file.read_text(), f"{self.name} listens", 30)
        self.port = int(port_file.read_text())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def chats(self) -> list[dict]:
        records = httpx.get(self.url + "/_requests", timeout=30).raise_for_status().json()
        return [record for record in records if record["path"] == "/v1/chat/completions"]

    def end(self) -> None:
        if self.process.poll() is None:
            self.resume()
            self.process.terminate()
            self.process.wait(10)


class StatusServer:
    """Answers chats with these statuses, one after the other, then with 200; keeps when it was asked. `headers` go with
    each 200 that is not played."""

    def __init__(self, headers: dict[str, str] | None = None):
        self.lock = threading.Lock()
        self.headers = headers or {}
        self.script: list[tuple[int, dict[str, str]]] = []
        self.times: list[float] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self._send(200, {}, {"data": []})

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = owner._next()
                message = {"role": "assistant", "content": "here again"}
                good = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
                self._send(status, headers, good if status == 200 else {"error": {"message": "scripted"}})

            def _send(self, status, headers, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Type": "application/json"}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _next(self) -> tuple[int, dict[str, str]]:
        with self.lock:
            self.times.append(time.monotonic())
            return self.script.pop(0) if self.script else (200, self.headers)

    def play(self, *script: tuple[int, dict[str, str]]) -> None:
        with self.lock:
            self.script, self.times = list(script), []

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class BadServer:
    """A listening socket whose connections are treated by `kind`: silent, reset, or never accepted (full)."""

    def __init__(self, kind: str):
        self.kind = kind
        self.open: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0 if kind == "full" else 64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        if kind == "full":
            self._fill()
        else:
            threading.Thread(target=self._serve, daemon=True).start()

    def _fill(self) -> None:
        """Connections that nobody accepts, until another one is not even established."""
        for _ in range(64):
            peer = socket.socket()
            self.open.append(peer)
            peer.settimeout(0.3)
            try:
                peer.connect(("127.0.0.1", self.port))
            except TimeoutError:
                return
        raise AssertionError("the backlog is never full")

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                peer, _ = self.listener.accept()
                if self.kind == "reset":
                    peer.recv(1)
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    peer.close()
                else:
                    self.open.append(peer)

    def end(self) -> None:
        for peer in [self.listener, *self.open]:
            peer.close()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def ending(double) -> Iterator:
    try:
        yield double
    finally:
        double.end()
