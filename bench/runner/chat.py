"""`chat`: the whole path, edge and executor, against the model server alone and behind a plain proxy."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import bodies, cpu, load, whole_stack
from .context import Context
from .report import Report
from .stats import paired, spread
from .whole_stack import WholeStack

SIZE = 1024  # bytes of a request


@dataclass(frozen=True)
class Way:
    """One way to the model: the endpoint, the body that names the model there, and whose CPU counts."""

    endpoint: load.Endpoint
    body: Path
    pids: list[int]


@dataclass(frozen=True)
class Round:
    answer: load.Answer
    cpu_s: float


def _rounds(context: Context, ways: dict[str, Way], measure: Callable[[Way], load.Answer]) -> dict[str, list[Round]]:
    """Every way once a round, in alternating order; a first round warms up and does not count."""
    found: dict[str, list[Round]] = {name: [] for name in ways}
    for number in range(context.effort.rounds + 1):
        names = list(ways)
        for name in names if number % 2 else reversed(names):
            way = ways[name]
            before = cpu.seconds(way.pids)
            answer = measure(way)
            if number:
                found[name].append(Round(answer, cpu.seconds(way.pids) - before))
    return found


def _ways(context: Context, stack: WholeStack, model: str, stream: bool, names: tuple[str, ...]) -> dict[str, Way]:
    """`model` is the name on the model server; there is an agent of that name too."""
    kind = "stream" if stream else "whole"

    def request(asked: str) -> Path:
        return whole_stack.body(context, f"{kind}-{asked.replace('/', '-')}", bodies.chat(SIZE, asked, stream))

    every = {
        "direct": Way(stack.direct, request(model), []),
        "plain": Way(stack.plain, request(model), stack.plain_pids),
        "ours": Way(stack.ours, request(f"bench/{model}"), stack.our_pids),
        "agent": Way(stack.ours, request(f"default/{model}"), stack.our_pids),
    }
    return {name: every[name] for name in names}


def _per(rounds: list[Round], count: str) -> list[float]:
    """CPU in µs per request, event, …"""
    return [one.cpu_s / one.answer[count] * 1e6 for one in rounds]


def _at(rounds: list[Round], what: str, point: str) -> list[float]:
    return [one.answer[what][point] for one in rounds]


def _add_cpu(report: Report, key: str, found: dict[str, list[float]], what: str) -> None:
    """Of a plain model and of an agent, beside plain proxy_pass."""
    for name, full_key in (("ours", f"chat.{key}"), ("agent", f"chat.agent_{key}")):
        report.add(full_key, spread(found[name]))
        report.add(f"{full_key}_ratio", paired(found[name], found["plain"]))
    report.add(f"chat.plain_{key}", spread(found["plain"]), f"{what}, plain proxy_pass", "µs")


def _requests(context: Context, stack: WholeStack, report: Report) -> None:
    ways = _ways(context, stack, "whole", False, ("plain", "ours", "agent"))
    total = context.count(6000, 1500)

    def measure(way: Way) -> load.Answer:
        return load.run(context, "requests", way.endpoint, way.body, "--connections", "8", "--requests", str(total))

    found = _rounds(context, ways, measure)
    _add_cpu(report, "request_cpu", {name: _per(found[name], "requests") for name in ways}, "CPU per request")
    for name, what in (("plain", "plain proxy_pass"), ("ours", "a plain model"), ("agent", "an agent")):
        rates = spread(one.answer["requests"] / one.answer["seconds"] for one in found[name])
        report.add(f"chat.rps.{name}", rates, f"requests per second at 8 connections, {what}", "/s")


def _latency(context: Context, stack: WholeStack, report: Report) -> None:
    ways = _ways(context, stack, "whole", False, ("direct", "plain", "ours", "agent"))
    total = context.count(2000, 500)

    def measure(way: Way) -> load.Answer:
        return load.run(
            context, "requests", way.endpoint, way.body, "--connections", "1", "--requests", str(total), "--warmup", "50"
        )

    found = _rounds(context, ways, measure)
    for point in ("p50", "p99"):
        base = _at(found["direct"], "latency_us", point)
        report.add(
            f"chat.added_{point}", paired(_at(found["ours"], "latency_us", point), base, "difference").scaled(1e-3)
        )
        report.add(
            f"chat.agent_added_{point}",
            paired(_at(found["agent"], "latency_us", point), base, "difference").scaled(1e-3),
            f"the same for an agent, {point}",
            "ms",
        )
        report.add(
            f"chat.plain_added_{point}",
            paired(_at(found["plain"], "latency_us", point), base, "difference").scaled(1e-3),
            f"the same for plain proxy_pass, {point}",
            "ms",
        )


def _bursts(context: Context, stack: WholeStack, report: Report) -> None:
    ways = _ways(context, stack, "burst", True, ("plain", "ours", "agent"))
    total = context.count(800, 200)

    def measure(way: Way) -> load.Answer:
        return load.run(context, "streams", way.endpoint, way.body, "--connections", "8", "--requests", str(total))

    found = _rounds(context, ways, measure)
    _add_cpu(report, "event_cpu", {name: _per(found[name], "events") for name in ways}, "CPU per event of a burst")
    rates = spread(one.answer["events"] / one.answer["seconds"] for one in found["ours"])
    report.add("chat.events_per_second", rates, "events per second, bursts at 8 connections", "/s")
    coalesced = spread(one.answer["events"] / one.answer["reads"] for one in found["ours"])
    report.add("chat.events_per_read", coalesced, "events that one read of the client finds, burst", "")


def _first_token(context: Context, stack: WholeStack, report: Report) -> None:
    ways = _ways(context, stack, "first", True, ("direct", "plain", "ours"))
    total = context.count(1500, 400)

    def measure(way: Way) -> load.Answer:
        return load.run(
            context, "streams", way.endpoint, way.body, "--connections", "1", "--requests", str(total), "--warmup", "50"
        )

    found = _rounds(context, ways, measure)
    for point in ("p50", "p99"):
        base = _at(found["direct"], "ttft_us", point)
        report.add(
            f"chat.added_ttft_{point}",
            paired(_at(found["ours"], "ttft_us", point), base, "difference").scaled(1e-3),
            f"added time to first token, {point}",
            "ms",
        )
        report.add(
            f"chat.plain_added_ttft_{point}",
            paired(_at(found["plain"], "ttft_us", point), base, "difference").scaled(1e-3),
            f"the same for plain proxy_pass, {point}",
            "ms",
        )


def _paced(context: Context, stack: WholeStack, report: Report) -> None:
    """100 streams of an event each 20 ms: 5,000 events a second."""
    ways = _ways(context, stack, "paced", True, ("direct", "plain", "ours", "agent"))
    streams = 100

    def measure(way: Way) -> load.Answer:
        # Starts 10.2 ms apart: over the 20 ms of the pace that spreads them evenly, not into two herds.
        options = ("--connections", str(streams), "--requests", str(streams * 2), "--stagger-ms", "1020")
        return load.run(context, "streams", way.endpoint, way.body, *options)

    found = _rounds(context, ways, measure)
    for name, what in (("ours", "a plain model"), ("agent", "an agent"), ("plain", "plain proxy_pass")):
        report.add(
            f"chat.paced_event_cpu.{name}", spread(_per(found[name], "events")), f"CPU per event at 20 ms pace, {what}", "µs"
        )
    for point in ("p50", "p99"):
        base = _at(found["direct"], "delay_us", point)
        for name, what in (("ours", "a plain model"), ("plain", "plain proxy_pass")):
            report.add(
                f"chat.added_event_delay_{point}.{name}",
                paired(_at(found[name], "delay_us", point), base, "difference"),
                f"added delay of an event at 20 ms pace, {what}, {point}",
                "µs",
            )
    lost = spread(float(one.answer["streams"] - one.answer["complete"]) for one in found["ours"])
    report.add("chat.paced_incomplete", lost, "paced streams that did not end as they should", "")


def run(context: Context) -> Report:
    report = Report("chat")
    report.conditions.update(request_bytes=SIZE, rounds=context.effort.rounds, edge_workers=2, executor_threads=2)
    with whole_stack.run(context) as stack:
        # A quick run takes what it judges: CPU, which holds on a busy machine.
        for part in (_requests, _bursts) if context.quick else (_requests, _bursts, _latency, _first_token, _paced):
            part(context, stack, report)
    return report
