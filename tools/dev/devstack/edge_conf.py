"""conf/nginx.conf made fit for one edge of a local stack.

The sample is what operators read, so it names the paths of an installation. Here each of them is replaced,
literally; one that is not found is an error, which keeps sample and stack from drifting apart.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from .report import StackError

EXECUTOR_SERVER = "server unix:/run/agent-gateway/executor.sock"


@dataclass(frozen=True)
class EdgePaths:
    module: Path
    api_keys: Path
    edge_secret: Path
    certificate: Path
    key: Path
    prefix: Path  # of this edge: pid file and temporary files
    log: Path  # folder of access.log and error.log
    include: Path | None  # DIR/nginx.d
    executor_sockets: tuple[Path, ...]


def _replace(text: str, literal: str, value: str) -> str:
    if literal not in text:
        raise StackError(f"conf/nginx.conf: expected to find `{literal}` and did not")
    return text.replace(literal, value)


def _one_server_each(text: str, sockets: tuple[Path, ...]) -> str:
    """The line with the executor's socket, once per executor, with its parameters."""
    pattern = re.compile(rf"^([ \t]*){re.escape(EXECUTOR_SERVER)}([^\n]*)$", re.MULTILINE)
    if not pattern.search(text):
        raise StackError(f"conf/nginx.conf: expected a line with `{EXECUTOR_SERVER}`")
    return pattern.sub(
        lambda match: "\n".join(f"{match[1]}server unix:{socket}{match[2]}" for socket in sockets), text
    )


@dataclass(frozen=True)
class EdgePorts:
    """Of 127.0.0.1."""

    public: int
    admin: int
    plain: int | None = None  # the public listener's second one, without TLS, for measurements


def render(sample: str, paths: EdgePaths, ports: EdgePorts) -> str:
    text = _one_server_each(sample, paths.executor_sockets)
    include = f"include {paths.include}/*.conf;" if paths.include else ""
    for literal, value in (
        ("/usr/lib/nginx/modules/ngx_http_agent_module.so", str(paths.module)),
        ("/etc/agent-gateway/api_keys", str(paths.api_keys)),
        ("/etc/agent-gateway/edge_secret", str(paths.edge_secret)),
        ("/etc/agent-gateway/tls/server.crt", str(paths.certificate)),
        ("/etc/agent-gateway/tls/server.key", str(paths.key)),
        ("/run/agent-gateway/nginx.pid", str(paths.prefix / "nginx.pid")),
        ("/var/log/agent-gateway/access.log", str(paths.log / "access.log")),
        ("/var/log/agent-gateway/error.log", str(paths.log / "error.log")),
        ("/var/lib/agent-gateway/nginx/", f"{paths.prefix}/tmp/"),
        ("listen [::]:8443 ssl http2;", f"listen 127.0.0.1:{ports.plain};" if ports.plain else ""),
        ("listen 8443 ssl http2;", f"listen 127.0.0.1:{ports.public} ssl http2;"),
        ("listen 127.0.0.1:8444 ssl http2;", f"listen 127.0.0.1:{ports.admin} ssl http2;"),
        # A browser would keep it for everything else on localhost, too.
        ("max-age=31536000", "max-age=0"),
        ("user www-data;", "user root;" if os.geteuid() == 0 else ""),
        ("worker_processes auto;", "worker_processes 2;"),
        ("include /etc/agent-gateway/nginx.d/*.conf;", include),
    ):
        text = _replace(text, literal, value)
    return text
