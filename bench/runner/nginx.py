"""nginx processes of a bench: a plain proxy to compare with, and upstreams that answer at once."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import cpu
from .errors import BenchError

START_WAIT = 10.0  # seconds


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Nginx:
    """One master with its workers."""

    process: subprocess.Popen[bytes]
    port: int
    directory: Path

    @property
    def pids(self) -> list[int]:
        return [self.process.pid]

    @property
    def workers(self) -> list[int]:
        return cpu.children(self.process.pid)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            for pid in self.workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait(10)


def _wait_listening(nginx: Nginx, log: Path) -> None:
    deadline = time.monotonic() + START_WAIT
    while True:
        if nginx.process.poll() is not None:
            raise BenchError(f"nginx did not start:\n{log.read_text(errors='replace')[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", nginx.port), 1):
            return
        if time.monotonic() > deadline:
            raise BenchError(f"nginx does not listen on port {nginx.port}; see {log}")
        time.sleep(0.02)


@contextlib.contextmanager
def started(directory: Path, port: int, environment: dict[str, str] | None = None) -> Iterator[Nginx]:
    """Of the nginx.conf in `directory`; listens when the block begins. `environment` is added to ours."""
    output = directory / "output"
    conf = directory / "nginx.conf"
    with output.open("wb") as log:
        process = subprocess.Popen(
            ["nginx", "-p", f"{directory}/", "-e", f"{directory}/error.log", "-c", str(conf), "-g", "daemon off;"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
        )
    nginx = Nginx(process, port, directory)
    try:
        _wait_listening(nginx, output)
        yield nginx
    finally:
        nginx.stop()


HEAD = """\
worker_processes {workers};
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
"""

HTTP = """\
    access_log off;
    client_body_temp_path {directory}/tmp/body;
    proxy_temp_path {directory}/tmp/proxy;
    fastcgi_temp_path {directory}/tmp/fastcgi;
    uwsgi_temp_path {directory}/tmp/uwsgi;
    scgi_temp_path {directory}/tmp/scgi;
    default_type application/json;
    server_tokens off;
    keepalive_timeout 75s;
    keepalive_requests 1000000;
    client_max_body_size 16m;
    client_body_buffer_size 512k;
"""


@contextlib.contextmanager
def run(directory: Path, http: str, port: int, workers: int = 2) -> Iterator[Nginx]:
    """Debian's nginx with `http` inside its http block. Listens on `port`, which `http` names."""
    (directory / "tmp").mkdir(parents=True)
    conf = directory / "nginx.conf"
    text = HEAD.format(workers=workers, directory=directory)
    conf.write_text(text + "http {\n" + HTTP.format(directory=directory) + http + "}\n")
    if os.geteuid() == 0:
        conf.write_text("user root;\n" + conf.read_text())
    with started(directory, port) as nginx:
        yield nginx


def plain_proxy(upstream: str, port: int) -> str:
    """What conf/nginx.conf says about proxying, and nothing else."""
    return f"""\
    tcp_nodelay on;
    upstream plain {{
        zone plain 64k;
        least_conn;
        server {upstream} max_fails=0;
        keepalive 64;
        keepalive_requests 1000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_buffering off;
            proxy_read_timeout 630s;
            proxy_pass http://plain;
        }}
        location = /unauthorized {{
            return 401 '{{"error":{{"message":"no","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}}}';
        }}
    }}
"""
