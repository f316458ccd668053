"""The whole stack of a bench: edge, executor, model server, tools, and a plain proxy to compare with."""

import contextlib
import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack import process, stack

from . import cpu, nginx
from .context import REPOSITORY, Context
from .errors import BenchError
from .load import Endpoint

CHAT = "/v1/chat/completions"
CONFIG = REPOSITORY / "bench" / "config"


@dataclass(frozen=True)
class Admin:
    """The edge's listener for administrators."""

    port: int
    key: str
    ca: Path


@dataclass(frozen=True)
class WholeStack:
    ours: Endpoint  # plain HTTP
    ours_tls: Endpoint
    direct: Endpoint  # the model server itself
    plain: Endpoint  # the model server behind a plain proxy
    edge_pids: list[int]
    executor_pids: list[int]
    plain_pids: list[int]
    urls: dict[str, str]  # of the doubles
    tool_url: str  # answers at once
    admin: Admin

    @property
    def our_pids(self) -> list[int]:
        return self.edge_pids + self.executor_pids

    def llm(self, path: str, method: str = "GET") -> dict[str, object]:
        request = urllib.request.Request(self.urls["LLM_URL"] + path, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return json.loads(text) if text.strip() else {}

    def memory(self) -> tuple[cpu.Memory, cpu.Memory]:
        """Of the edge and of the executor."""
        return cpu.memory(self.edge_pids), cpu.memory(self.executor_pids)


def _tune(text: str) -> str:
    """More connections than the sample allows, for the benches that hold thousands of streams open. One worker may
    get nearly all of them, with two descriptors a stream."""
    changed, count = re.subn(r"worker_connections \d+;", "worker_connections 18000;", text)
    if count != 1:
        raise BenchError("conf/nginx.conf: expected one worker_connections line")
    return changed.replace("keepalive_requests 10000;", "keepalive_requests 1000000;")


TOOL = """\
    server {{
        listen 127.0.0.1:{port};
        location = /quick {{ return 200 '{{"answer":"quick"}}'; }}
    }}
"""


@contextlib.contextmanager
def run(
    context: Context, base_port: int | None = None, config: Path = CONFIG, environment: dict[str, str] | None = None
) -> Iterator[WholeStack]:
    """With `base_port` the model server is 100 above it, for gateways that are configured beforehand. `environment` is
    the executor's."""
    with contextlib.ExitStack() as exits:
        tool_port, plain_port = nginx.free_port(), nginx.free_port()
        tool = exits.enter_context(nginx.run(context.directory / "tool", TOOL.format(port=tool_port), tool_port, 1))
        options = stack.Options(
            config=config,
            environment={"BENCH_TOOL_URL": f"http://127.0.0.1:{tool.port}", **(environment or {})},
            plain=True,
            base_port=base_port,
            tune=_tune,
        )
        started, lock = stack.start(context.directory / "stack", REPOSITORY, context.preset, options)
        exits.callback(lock.release)
        exits.callback(stack.finish, started.record, keep_logs=True)
        llm = started.urls["LLM_URL"]
        proxy = nginx.plain_proxy(llm.removeprefix("http://"), plain_port)
        plain = exits.enter_context(nginx.run(context.directory / "plain", proxy, plain_port))
        key = (f"Authorization: Bearer {started.keys.user}",)
        yield WholeStack(
            ours=Endpoint(f"http://127.0.0.1:{started.edges[0].plain}{CHAT}", key),
            ours_tls=Endpoint(f"https://localhost:{started.edges[0].public}{CHAT}", key, started.certificates.ca),
            direct=Endpoint(llm + CHAT),
            plain=Endpoint(f"http://127.0.0.1:{plain.port}{CHAT}"),
            edge_pids=[child.pid for child in started.record.children if child.kind == "edge"],
            executor_pids=[child.pid for child in started.record.children if child.kind == "executor"],
            plain_pids=plain.pids,
            urls=started.urls,
            tool_url=f"http://127.0.0.1:{tool.port}/quick",
            admin=Admin(started.edges[0].admin, started.keys.admin, started.certificates.ca),
        )
        for child in started.record.children:
            if (end := process.poll(child)) is not None:
                raise BenchError(f"{child.name} {end} during the bench")


def body(context: Context, name: str, content: bytes) -> Path:
    path = context.directory / f"{name}.json"
    path.write_bytes(content)
    return path
