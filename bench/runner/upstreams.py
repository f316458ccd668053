"""`upstreams`: what it costs to read an upstream's stream, and what upstreams that fail do to the requests of others."""

import contextlib
import json
import time
from collections.abc import Iterator

from . import bodies, cpu, failing_upstreams, hanging_names, load, program, whole_stack
from .context import Context
from .errors import BenchError, say
from .report import Report
from .stats import paired, percentile, spread
from .whole_stack import WholeStack

CHUNKS = {
    "content": "a chunk with a word",
    "content_other_words": "chunks with other words",
    "content_obfuscated": "chunks of which a member has another length each time",
    "content_chinese": "a chunk with a Chinese word",
    "reasoning": "a chunk of reasoning",
    "tool_arguments": "a chunk of a tool call's arguments",
    "role_in_every_chunk": "a chunk to be repaired: the role again",
    "no_finish_reason": "a chunk to be repaired: members are missing",
}
CHUNK_TIMEOUT = 60  # seconds; a run takes about 6
RATE = 200  # requests per second to the upstream that is well
ROUND = 4.0  # seconds of them
FEWEST = 100  # requests of a round that a p99 is taken of
MS = 1000
KINDS = {
    "dead": "one that refuses connections",
    "mute": "one that accepts them and says nothing",
    "nameless": "one whose name server does not answer",
}


def _report_chunks(context: Context, report: Report) -> None:
    chunk_bench = context.build / "bench" / "chunks" / "chunk_bench"
    rounds = []
    for _ in range(context.effort.rounds):
        done = program.run([str(chunk_bench)], chunk_bench.name, CHUNK_TIMEOUT)
        rounds.append({one["name"]: one for one in json.loads(done.stdout)["inputs"]})
    size = int(rounds[0]["content"]["bytes"])
    report.conditions.update(chunk_bytes=size)
    report.add("upstreams.chunk_ns", spread(one["content"]["look_ns"] for one in rounds))
    for name, what in CHUNKS.items():
        report.add(f"upstreams.look_ns.{name}", spread(one[name]["look_ns"] for one in rounds), f"its JSON read and checked: {what}", "ns")
        report.add(f"upstreams.relay_ns.{name}", spread(one[name]["relay_ns"] for one in rounds), f"from its bytes to ours: {what}", "ns")


def _report_events(context: Context, stack: WholeStack, report: Report) -> None:
    """Bursts of 100 events at 8 connections; the executor's CPU alone."""
    total = str(context.count(800, 200))
    found: dict[str, list[float]] = {"bench/burst": [], "default/burst": []}
    for number in range(context.effort.rounds + 1):
        for model, costs in found.items():
            body = whole_stack.body(context, model.replace("/", "-"), bodies.chat(1024, model, True))
            before = cpu.seconds(stack.executor_pids)
            answer = load.run(context, "streams", stack.ours, body, "--connections", "8", "--requests", total)
            if number:  # the first warms up
                costs.append((cpu.seconds(stack.executor_pids) - before) / answer["events"] * 1e6)
    report.add("upstreams.event_cpu", spread(found["bench/burst"]))
    report.add("upstreams.agent_event_cpu", spread(found["default/burst"]))


@contextlib.contextmanager
def _trouble(stack: WholeStack, kind: str | None) -> Iterator[failing_upstreams.Requests | None]:
    if kind is None:
        yield None
        return
    with failing_upstreams.asked(stack.ours, kind) as requests:
        yield requests


def _p99(context: Context, stack: WholeStack, kind: str | None) -> float:
    """In ms, of requests to the upstream that is well."""
    body = whole_stack.body(context, "well", bodies.chat(1024, "bench/whole"))
    with load.paced(context, "well", stack.ours, body, RATE, ROUND + 2) as well:
        with _trouble(stack, kind) as trouble:
            time.sleep(1)
            begin = time.time()
            time.sleep(ROUND)
            end = time.time()
        took = [one.took for one in well.finish() if begin <= one.began < end]
    if trouble is not None and (200 in trouble.statuses or 0 in trouble.statuses or not trouble.statuses):
        raise BenchError(f"requests to the {kind} upstream: {trouble.statuses}")
    if len(took) < FEWEST:
        raise BenchError(f"a round has {len(took)} requests: too few for a p99")
    return percentile(took, 0.99) * MS


def _report_p99s(context: Context, stack: WholeStack, kinds: list[str], report: Report) -> None:
    """`again` is at rest too: what it differs by is the noise."""
    ways: dict[str, str | None] = {"rest": None, **{kind: kind for kind in kinds}, "again": None}
    found: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for number in range(context.effort.rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            took = _p99(context, stack, ways[name])
            if number:
                found[name].append(took)
    rest = [(one + other) / 2 for one, other in zip(found["rest"], found["again"], strict=True)]
    for kind in kinds:
        report.add(f"upstreams.p99_ratio.{kind}", paired(found[kind], rest))
        report.add(f"upstreams.p99.{kind}", spread(found[kind]), f"p99 of others beside requests to {KINDS[kind]}", "ms")
    report.add("upstreams.p99.rest", spread(rest), "p99 of the same at rest", "ms")
    report.add("upstreams.p99_ratio_noise", paired(found["again"], found["rest"]), "p99 at rest ÷ p99 at rest: the noise", "×")


def run(context: Context) -> Report:
    report = Report("upstreams")
    _report_chunks(context, report)
    report.conditions.update(rounds=context.effort.rounds, executor_threads=2, requests_per_second=RATE)
    with contextlib.ExitStack() as exits:
        kinds = list(KINDS)
        if reason := hanging_names.why_not():
            say(f"upstreams: nothing is said of a name server that does not answer: {reason}")
            kinds.remove("nameless")
        else:
            exits.enter_context(hanging_names.run(context.directory))
        config = failing_upstreams.write_config(context.directory / "config", exits.enter_context(failing_upstreams.ports()))
        stack = exits.enter_context(whole_stack.run(context, config=config))
        _report_events(context, stack, report)
        if not context.quick:
            _report_p99s(context, stack, kinds, report)
    return report
