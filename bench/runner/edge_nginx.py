"""Our edge as it is shipped, conf/nginx.conf, in front of an upstream of the bench."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack import credentials, edge_conf

from .context import REPOSITORY, Context
from .edge_status import PATH as STATUS_PATH
from .errors import BenchError
from .nginx import Nginx, free_port, started

# So high that none is ever reached: what is measured is their cost.
_HIGH = "requests=100m/m tokens=900m/s streams=100k"
LIMITED = ("key", "user", "agent")
SPARE = 32  # MiB of a zone beyond what its keys need at least


@dataclass(frozen=True)
class Setup:
    """In what it differs from the sample."""

    log: bool = False  # with the sample's JSON access log
    limits: bool = True  # of requests, tokens and streams, per key, user and agent; none is ever reached
    auth_limit: bool = True  # the sample's agent_auth_limit
    keys: Path | None = None  # a file of keys beside the edge's own two
    capacity: int | None = None  # keys= of agent_zone


@dataclass(frozen=True)
class Edge:
    nginx: Nginx  # its port speaks plain HTTP
    key: str
    keys_file: Path  # the live one
    own_lines: str  # of the edge's own two keys: a file that replaces the live one needs them too


def _replace_line(conf: str, pattern: str, by: str) -> str:
    changed, count = re.subn(rf"^[ \t]*{pattern}[^;\n]*;", by, conf, flags=re.MULTILINE)
    if count != 1:
        raise BenchError(f"conf/nginx.conf: expected one line {pattern!r}, found {count}")
    return changed


def _with_limits(conf: str, limits: bool) -> str:
    """Whatever the sample limits is taken out: a bench has limits of its own, or none."""
    conf = re.sub(r"^[ \t]*agent_limit\b[^;\n]*;", "", conf, flags=re.MULTILINE)
    if not limits:
        return conf
    scope = "agent_scope chat;"
    if conf.count(scope) != 1:
        raise BenchError(f"conf/nginx.conf: expected one line `{scope}`, found {conf.count(scope)}")
    # The key's own stand in its line.
    return conf.replace(scope, f"{scope} agent_limit per=user {_HIGH}; agent_limit per=agent {_HIGH};")


def _with_status(conf: str) -> str:
    place = "location = /health {"
    if conf.count(place) != 1:
        raise BenchError(f"conf/nginx.conf: expected one `{place}`")
    return conf.replace(place, f"location = {STATUS_PATH} {{ agent_status json; access_log off; }}\n        {place}")


def zone_line(name_and_size: str, capacity: int) -> str:
    return f"    agent_zone {name_and_size} keys={capacity};"


def _smallest_zone(directory: Path, conf: str, capacity: int) -> int:
    """KiB that so many keys take at least, as nginx says itself."""
    trial = directory / "trial.conf"
    trial.write_text(_replace_line(conf, "agent_zone ", zone_line("agents:1m", capacity)))
    command = ["nginx", "-t", "-p", f"{directory}/", "-e", f"{directory}/error.log", "-c", str(trial)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"it takes at least (\d+)k", done.stderr)
    if not found:
        raise BenchError(f"nginx -t does not say how large a zone for {capacity:,} keys must be:\n{done.stderr[-1000:]}")
    return int(found[1])


def _with_own_limits(line: str, limits: bool) -> str:
    """A key line with the bench's limits in the place of its own."""
    words = [word for word in line.split() if not word.startswith(("requests=", "burst=", "tokens=", "streams="))]
    return " ".join([*words, _HIGH] if limits else words)


def _write_keys(directory: Path, setup: Setup) -> tuple[credentials.Keys, str]:
    """The key file, and the lines of the edge's own keys in it."""
    own = credentials.make_keys(directory / "own_keys", None)
    lines = "".join(_with_own_limits(line, setup.limits) + "\n" for line in own.file.read_text().splitlines())
    keys = credentials.Keys(directory / "api_keys", own.user, own.admin)
    replace_keys(keys.file, setup.keys, lines)
    return keys, lines


def replace_keys(live: Path, others: Path | None, own_lines: str) -> None:
    """By renaming a complete file over it, as docs/edge.md asks."""
    new = live.with_name(f"{live.name}.new")
    with new.open("wb") as out:
        if others:
            out.write(others.read_bytes())
        out.write(own_lines.encode())
    new.chmod(0o600)
    new.replace(live)


def _conf(context: Context, directory: Path, upstream: Path, setup: Setup, keys: Path, port: int) -> str:
    certificates = credentials.make_certificates(directory / "tls")
    credentials.make_edge_secret(directory / "edge_secret")
    paths = edge_conf.EdgePaths(
        module=context.module,
        api_keys=keys,
        edge_secret=directory / "edge_secret",
        certificate=certificates.certificate,
        key=certificates.key,
        prefix=directory,
        log=directory,
        include=None,
        executor_sockets=(upstream,),
    )
    sample = (REPOSITORY / "conf" / "nginx.conf").read_text(encoding="utf-8")
    text = edge_conf.render(sample, paths, edge_conf.EdgePorts(free_port(), free_port(), port))
    if not setup.log:
        text = _replace_line(text, "access_log ", "    access_log off;")
    if not setup.auth_limit:
        text = _replace_line(text, "agent_auth_limit ", "    agent_auth_limit off;")
    text = _with_status(_with_limits(text, setup.limits))
    if setup.capacity:
        size = _smallest_zone(directory, text, setup.capacity) + SPARE * 1024
        text = _replace_line(text, "agent_zone ", zone_line(f"agents:{size}k", setup.capacity))
    # The defaults of both close a connection after so many requests, a thousand upstream: reconnecting is not what
    # is compared here, and the plain proxy has the same lines.
    text = text.replace("keepalive_requests 10000;", "keepalive_requests 1000000;")
    return text.replace("keepalive 64;", "keepalive 64; keepalive_requests 1000000;")


@contextlib.contextmanager
def run(context: Context, directory: Path, upstream: Path, setup: Setup) -> Iterator[Edge]:
    """`upstream`: a unix socket."""
    (directory / "tmp").mkdir(parents=True)
    keys, own_lines = _write_keys(directory, setup)
    port = free_port()
    (directory / "nginx.conf").write_text(_conf(context, directory, upstream, setup, keys.file, port))
    with started(directory, port, {"LD_PRELOAD": ""}) as nginx:
        yield Edge(nginx, keys.user, keys.file, own_lines)
