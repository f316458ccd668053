"""`peers`: the chat bench's main figures for other gateways too, in the same run and on the same model server.

A peer is a running gateway, given by URL and model; docs/performance.md has recipes. Its upstream is the model server
of this bench, on a port that does not change: http://127.0.0.1:9100/v1.
"""

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import bodies, cpu, load, whole_stack
from .context import Context
from .errors import BenchError, say
from .report import Report
from .stats import paired, spread

BASE_PORT = 9000  # of the stack: the model server is 100 above it
READY_WAIT = 60.0  # seconds that a peer gets to answer for the first time
MIB = 1024 * 1024


@dataclass
class Peer:
    name: str
    url: str  # with /v1
    headers: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    prefix: str = ""  # before the model's name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("peers", "gateways to compare with; each option may be given several times")
    group.add_argument("--peer", action="append", default=[], metavar="NAME=URL", help="its address, with /v1")
    group.add_argument("--peer-header", action="append", default=[], metavar="NAME=HEADER", help="'Header: value'")
    group.add_argument("--peer-model-prefix", action="append", default=[], metavar="NAME=TEXT",
                       help="what its names for the models whole, burst and first begin with")  # fmt: skip
    group.add_argument("--peer-pid", action="append", default=[], metavar="NAME=PID",
                       help="its main process, for CPU and memory")  # fmt: skip


def _pairs(values: list[str], option: str, known: dict[str, Peer] | None = None) -> list[tuple[str, str]]:
    found = []
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals or not name or not rest:
            raise BenchError(f"{option} wants NAME=VALUE, not '{value}'")
        if known is not None and name not in known:
            raise BenchError(f"{option} {value}: there is no --peer {name}=URL")
        found.append((name, rest))
    return found


def parse(options: argparse.Namespace) -> list[Peer]:
    peers = {name: Peer(name, url.rstrip("/")) for name, url in _pairs(options.peer, "--peer")}
    for name, header in _pairs(options.peer_header, "--peer-header", peers):
        peers[name].headers.append(header)
    for name, prefix in _pairs(options.peer_model_prefix, "--peer-model-prefix", peers):
        peers[name].prefix = prefix
    for name, pid in _pairs(options.peer_pid, "--peer-pid", peers):
        if not pid.isdigit() or not Path(f"/proc/{pid}").exists():
            raise BenchError(f"--peer-pid {name}={pid}: there is no such process")
        peers[name].pids.append(int(pid))
    return list(peers.values())


@dataclass(frozen=True)
class Way:
    name: str
    endpoint: load.Endpoint
    prefix: str
    pids: list[int]


def _body(context: Context, way: Way, model: str, stream: bool) -> Path:
    content = bodies.chat(1024, way.prefix + model, stream)
    return whole_stack.body(context, f"{way.name}-{model}", content)


def _wait_ready(context: Context, way: Way) -> None:
    deadline = time.monotonic() + READY_WAIT
    while True:
        try:
            load.run(context, "requests", way.endpoint, _body(context, way, "whole", False), "--connections", "1", "--requests", "1")
            return
        except BenchError as error:
            if time.monotonic() > deadline:
                raise BenchError(f"{way.name} does not answer as it should: {error}") from error
            time.sleep(0.5)


@dataclass
class Found:
    """Of one way, a value a round."""

    request_cpu: list[float] = field(default_factory=list)  # µs
    rate: list[float] = field(default_factory=list)  # requests a second at 8 connections
    p50: list[float] = field(default_factory=list)  # µs, at one connection
    p99: list[float] = field(default_factory=list)
    event_cpu: list[float] = field(default_factory=list)  # µs
    ttft_p50: list[float] = field(default_factory=list)  # µs, at one connection
    ttft_p99: list[float] = field(default_factory=list)


def _round(context: Context, way: Way, found: Found) -> None:
    """Slow gateways get fewer requests: a round of one must not take minutes."""
    slow = bool(found.rate) and found.rate[-1] < 1000
    shrink = 10 if slow or not found.rate else 1

    def counted(mode: str, model: str, connections: int, total: int) -> tuple[load.Answer, float]:
        before = cpu.seconds(way.pids)
        options = ("--connections", str(connections), "--requests", str(max(20, total // shrink)))
        answer = load.run(context, mode, way.endpoint, _body(context, way, model, mode == "streams"), *options)
        return answer, cpu.seconds(way.pids) - before

    answer, used = counted("requests", "whole", 8, context.count(4000))
    found.request_cpu.append(used / answer["requests"] * 1e6)
    found.rate.append(answer["requests"] / answer["seconds"])
    answer, _ = counted("requests", "whole", 1, context.count(2000))
    found.p50.append(answer["latency_us"]["p50"])
    found.p99.append(answer["latency_us"]["p99"])
    answer, used = counted("streams", "burst", 8, context.count(800))
    found.event_cpu.append(used / answer["events"] * 1e6)
    answer, _ = counted("streams", "first", 1, context.count(1000))
    found.ttft_p50.append(answer["ttft_us"]["p50"])
    found.ttft_p99.append(answer["ttft_us"]["p99"])


def run(context: Context, peers: list[Peer]) -> Report:
    report = Report("peers", pivot=True)
    report.conditions.update(rounds=context.effort.rounds, request_bytes=1024, burst_events=100)
    if not peers:
        say("peers: no --peer was given; measuring ours and plain nginx alone (docs/performance.md has recipes)")
    with whole_stack.run(context, BASE_PORT) as stack:
        ways = [
            Way("direct", stack.direct, "", []),
            Way("nginx proxy_pass", stack.plain, "", stack.plain_pids),
            Way("agent gateway", stack.ours, "bench/", stack.our_pids),
        ]
        for peer in peers:
            endpoint = load.Endpoint(f"{peer.url}/chat/completions", tuple(peer.headers))
            ways.append(Way(peer.name, endpoint, peer.prefix, peer.pids))
        found = {way.name: Found() for way in ways}
        for way in ways:
            _wait_ready(context, way)
            _round(context, way, Found())  # warms up
        for number in range(context.effort.rounds):
            for way in ways if number % 2 == 0 else reversed(ways):
                _round(context, way, found[way.name])
        base = found["direct"]
        for way in ways:
            one = found[way.name]

            def add(metric: str, value: object, what: str, unit: str, name: str = way.name) -> None:
                report.add(f"peers.{name}.{metric}", value, what, unit)  # type: ignore[arg-type]

            if way.pids:
                add("request_cpu", spread(one.request_cpu), "CPU per request", "µs")
            add("rate", spread(one.rate), "requests/s, 8 connections", "/s")
            if one is not base:
                add("p50", paired(one.p50, base.p50, "difference").scaled(1e-3), "added p50", "ms")
                add("p99", paired(one.p99, base.p99, "difference").scaled(1e-3), "added p99", "ms")
                ttft = paired(one.ttft_p50, base.ttft_p50, "difference").scaled(1e-3)
                add("ttft_p50", ttft, "added first token p50", "ms")
                ttft = paired(one.ttft_p99, base.ttft_p99, "difference").scaled(1e-3)
                add("ttft_p99", ttft, "added first token p99", "ms")
            if way.pids:
                add("event_cpu", spread(one.event_cpu), "CPU per event, burst", "µs")
                add("rss", spread([cpu.memory(way.pids).rss / MIB]), "RSS after", "MiB")
    return report

