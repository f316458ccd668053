"""`idle`: what an open stream costs in memory while nothing happens on it, and what stays when all have left."""

import time

from . import bodies, whole_stack
from .context import Context
from .load import Endpoint, hold
from .report import Report
from .stats import spread
from .whole_stack import WholeStack

KIB, MIB = 1024, 1024 * 1024
COUNTS = (2000, 8000)
LOOK = 7.0  # seconds
SETTLE = 30.0  # seconds at most, until nothing changes any more


def _settled(stack: WholeStack, open_streams: int) -> None:
    """Until the model server has exactly so many exchanges open: all have arrived, or all have gone."""
    deadline = time.monotonic() + SETTLE
    while stack.llm("/_stats")["open"] != open_streams:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the model server never had {open_streams} open exchanges: {stack.llm('/_stats')}")
        time.sleep(0.1)


def _held(context: Context, stack: WholeStack, report: Report, endpoint: Endpoint, count: int, kind: str) -> None:
    body = whole_stack.body(context, f"held-{kind}", bodies.chat(1024, "bench/held", True))
    edge_before, executor_before = stack.memory()
    with hold(context, endpoint, body, count) as opened:
        _settled(stack, count)
        edge, executor = stack.memory()
    _settled(stack, 0)
    name = f"{count}.{kind}"
    edge_each = (edge.private - edge_before.private) / count / KIB
    executor_each = (executor.private - executor_before.private) / count / KIB
    both = f"{count:,} streams, {kind}"
    report.add(f"idle.edge.{name}", spread([edge_each]), f"edge, per stream of {both}", "KiB")
    report.add(f"idle.executor.{name}", spread([executor_each]), f"executor, per stream of {both}", "KiB")
    report.add(f"idle.stream.{name}", spread([edge_each + executor_each]), f"edge + executor, per stream of {both}", "KiB")
    report.add(f"idle.opened_in.{name}", spread([opened["seconds"]]), f"time to open {both}", "s")
    edge_after, executor_after = stack.memory()
    after = (edge_after.rss + executor_after.rss) / MIB
    report.add(f"idle.rss_after.{name}", spread([after]), f"RSS of edge and executor after {both} have left", "MiB")


def _large_prompts(context: Context, report: Report) -> None:
    """The same with prompts of 300 KB: a request's memory must not stay as long as its answer streams."""
    count = context.count(1000, 200)
    inner = Context(context.directory / "large", context.preset, context.effort, context.quick)
    inner.directory.mkdir()
    with whole_stack.run(inner) as stack:
        body = whole_stack.body(inner, "large", bodies.chat(300 * KIB, "bench/held", True))
        before = stack.memory()
        with hold(inner, stack.ours, body, count):
            _settled(stack, count)
            # Both look at their heaps every five seconds; the prompts of a thousand streams came at once.
            time.sleep(LOOK)
            edge, executor = (
                (after.private - was.private) / count / KIB for after, was in zip(stack.memory(), before, strict=True)
            )
    report.add("idle.large_prompt.edge", spread([edge]), "edge, per stream whose prompt was 300 KB", "KiB")
    report.add("idle.large_prompt.executor", spread([executor]), "executor, per stream whose prompt was 300 KB", "KiB")
    report.add("idle.large_prompt_memory", spread([edge + executor]))


def worst(report: Report, part: str, kind: str) -> float:
    """Of all counts of streams: KiB per stream of `edge`, or of `stream`, which is edge and executor."""
    return max(f.value.median for f in report.figures if f.key.startswith(f"idle.{part}.") and f.key.endswith(f".{kind}"))


def run(context: Context) -> Report:
    report = Report("idle")
    counts = tuple(context.count(count) for count in COUNTS)
    report.conditions.update(streams=", ".join(map(str, counts)), request_bytes=1024)
    for kind in ("plain", "tls"):
        for count in counts:
            # A new stack each: memory that an earlier round left in the pools would be counted for nothing.
            inner = Context(context.directory / f"{kind}-{count}", context.preset, context.effort, context.quick)
            inner.directory.mkdir()
            with whole_stack.run(inner) as stack:
                edge, executor = stack.memory()
                if kind == "plain" and count == counts[0]:
                    report.add("idle.executor_rss", spread([executor.rss / MIB]))
                    report.add("idle.edge_rss", spread([edge.rss / MIB]), "edge's RSS, idle, master and 2 workers", "MiB")
                _held(inner, stack, report, stack.ours if kind == "plain" else stack.ours_tls, count, kind)
    report.add("idle.stream_memory", spread([worst(report, "stream", "plain")]))
    report.add("idle.edge_memory", spread([worst(report, "edge", "plain")]))
    report.add("idle.edge_memory_tls", spread([worst(report, "edge", "tls")]), "the same with TLS", "KiB")
    _large_prompts(context, report)
    return report


