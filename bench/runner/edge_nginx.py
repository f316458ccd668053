"""Our edge as it is shipped, conf/nginx.conf, in front of an upstream of the bench."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack import credentials, edge_conf

from .context import REPOSITORY, Context
from .errors import BenchError
from .nginx import Nginx, _wait_listening, free_port


@dataclass(frozen=True)
class Edge:
    nginx: Nginx  # its port speaks plain HTTP
    key: str


def _without_log(conf: str) -> str:
    line = next((line for line in conf.splitlines() if line.strip().startswith("access_log ")), None)
    if line is None:
        raise BenchError("conf/nginx.conf has no access_log line any more")
    return conf.replace(line, "    access_log off;")


@contextlib.contextmanager
def run(context: Context, directory: Path, upstream: Path, log: bool) -> Iterator[Edge]:
    """`upstream`: a unix socket. `log`: with the sample's JSON access log."""
    (directory / "tmp").mkdir(parents=True)
    certificates = credentials.make_certificates(directory / "tls")
    credentials.make_edge_secret(directory / "edge_secret")
    keys = credentials.make_keys(directory / "api_keys", None)
    port = free_port()
    paths = edge_conf.EdgePaths(
        module=context.module,
        api_keys=keys.file,
        edge_secret=directory / "edge_secret",
        certificate=certificates.certificate,
        key=certificates.key,
        prefix=directory,
        log=directory,
        include=None,
        executor_sockets=(upstream,),
    )
    sample = (REPOSITORY / "conf" / "nginx.conf").read_text(encoding="utf-8")
    text = edge_conf.render(sample, paths, free_port(), plain_port=port)
    if not log:
        text = _without_log(text)
    # The defaults of both close a connection after so many requests, a thousand upstream: reconnecting is not what
    # is compared here, and the plain proxy has the same lines.
    text = text.replace("keepalive_requests 10000;", "keepalive_requests 1000000;")
    text = text.replace("keepalive 64;", "keepalive 64; keepalive_requests 1000000;")
    conf = directory / "nginx.conf"
    conf.write_text(text)
    output = directory / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            ["nginx", "-p", f"{directory}/", "-e", f"{directory}/error.log", "-c", str(conf), "-g", "daemon off;"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, "LD_PRELOAD": ""},
        )
    nginx = Nginx(process, port, directory)
    try:
        _wait_listening(nginx, output)
        yield Edge(nginx, keys.user)
    finally:
        nginx.stop()
