"""What many agents, and reloads, cost those who ask: CPU per request, p99, memory."""

import time
from collections.abc import Callable
from pathlib import Path

from . import bodies, cpu, load, whole_stack
from .agent_files import ASKED, FEW, MANY, AgentFiles
from .context import Context
from .errors import BenchError
from .load import Exchange
from .reload_control import ReloadControl
from .report import Report
from .stats import paired, percentile, spread
from .whole_stack import WholeStack

MIB = 1024 * 1024
MS = 1000
# What is to be found out is a few percent, less than one round is off: hence more rounds than usual.
ROUNDS_FACTOR = 3
REQUESTS = 4000
RATE = 200  # requests per second, to each of ours and the plain proxy
ROUND = 5.0  # seconds of them
EVERY = 0.1  # seconds from one reload to the next
FEWEST = 100  # requests of a round that a p99 is taken of
ENOUGH = 0.8  # of the reloads; when fewer bring a new version into use, the machine is too slow for their rate
RELOADS, FIRST = 200, 10
SETTLE = 7.0  # seconds: the executor looks at its heap every five


def _body(context: Context) -> Path:
    return whole_stack.body(context, "asked", bodies.chat(1024, f"default/{ASKED}"))


def in_turn(names: list[str], number: int) -> list[str]:
    """Each of them comes first in its turn."""
    first = number % len(names)
    return names[first:] + names[:first]


def report_cpu(context: Context, stack: WholeStack, files: AgentFiles, control: ReloadControl, report: Report) -> None:
    """The same request to the same process, which is given many agents, few, and few again in turn: no two processes,
    which differ by more than what is looked for. The few twice say how far the figure is to be trusted."""
    requests, body = str(context.count(REQUESTS)), _body(context)
    use: dict[str, Callable[[], None]] = {"many": files.use_many, "few": files.use_few, "again": files.use_few}

    def measure(name: str) -> float:
        use[name]()
        control.refresh()
        load.run(context, "requests", stack.ours, body, "--connections", "8", "--requests", "300")
        before = cpu.seconds(stack.executor_pids)
        load.run(context, "requests", stack.ours, body, "--connections", "8", "--requests", requests)
        return (cpu.seconds(stack.executor_pids) - before) / int(requests) * 1e6

    found: dict[str, list[float]] = {name: [] for name in use}
    rounds = context.effort.rounds * ROUNDS_FACTOR
    for number in range(rounds + 1):
        for name in in_turn(list(use), number):
            used = measure(name)
            if number:  # the first warms up
                found[name].append(used)
    report.conditions.update(rounds_of_cpu=rounds, requests=int(requests))
    few = [(one + other) / 2 for one, other in zip(found["few"], found["again"], strict=True)]
    report.add("reload.cpu_ratio", paired(found["many"], few))
    noise = paired(found["again"], found["few"])
    report.add("reload.cpu_ratio_noise", noise, f"the same with {FEW} agents ÷ with {FEW} agents: the noise", "×")
    report.add("reload.cpu.many", spread(found["many"]), f"executor CPU per request with {MANY:,} agents", "µs")
    report.add("reload.cpu.few", spread(few), f"executor CPU per request with {FEW} agents", "µs")
    files.use_many()
    control.refresh()


def within(exchanges: list[Exchange], begin: float, end: float) -> list[float]:
    """How long those took that began in that time."""
    return [one.took for one in exchanges if begin <= one.began < end]


def reload_often(files: AgentFiles, control: ReloadControl, seconds: float) -> int:
    """A new version and a signal, again and again, on a timetable; returns when all have been loaded. How many came
    into use."""
    before = control.status()
    count = round(seconds / EVERY)
    begin = time.monotonic()
    for number in range(count):
        files.prepare()
        time.sleep(max(0.0, begin + number * EVERY - time.monotonic()))
        files.change()
        control.signal()
    after = control.wait_for_attempts(before["attempt_count"] + count)
    if after["failure_count"] != before["failure_count"]:
        raise BenchError(f"a version was refused: {after['last_error']}")
    used = int(after["generation"] - before["generation"])
    if used < ENOUGH * count:
        raise BenchError(f"of {count} versions {used} came into use: loads take longer than {EVERY * MS:.0f} ms")
    return used


def report_p99(context: Context, stack: WholeStack, files: AgentFiles, control: ReloadControl, report: Report) -> None:
    body, plain_body = _body(context), whole_stack.body(context, "plain", bodies.chat(1024, ASKED))
    p99s: dict[str, dict[bool, list[float]]] = {"ours": {True: [], False: []}, "plain": {True: [], False: []}}
    used = []

    def measure(is_reloading: bool) -> None:
        seconds = ROUND + 2  # what is measured lies within
        with (
            load.paced(context, "ours", stack.ours, body, RATE, seconds) as ours,
            load.paced(context, "plain", stack.plain, plain_body, RATE, seconds) as plain,
        ):
            time.sleep(1)
            begin = time.time()
            if is_reloading:
                used.append(reload_often(files, control, ROUND) / ROUND)
            end = time.time() if is_reloading else begin + ROUND
            for name, requests in (("ours", ours), ("plain", plain)):
                took = within(requests.finish(), begin, end)
                if len(took) < FEWEST:
                    raise BenchError(f"a round has {len(took)} requests: too few for a p99")
                p99s[name][is_reloading].append(percentile(took, 0.99) * MS)

    for number in range(context.effort.rounds):
        for is_reloading in (True, False) if number % 2 else (False, True):
            measure(is_reloading)
    ratio = paired(p99s["ours"][True], p99s["ours"][False])
    report.add("reload.p99_ratio", ratio, "p99 of requests while 1,000 agents are loaded ten times a second ÷ p99 at rest", "×")
    plain_ratio = paired(p99s["plain"][True], p99s["plain"][False])
    report.add("reload.p99_ratio_plain", plain_ratio, "the same for a plain proxy beside it, which loads nothing", "×")
    report.add("reload.p99_during", spread(p99s["ours"][True]), "p99 of requests while it is reloaded ten times a second", "ms")
    report.add("reload.p99_at_rest", spread(p99s["ours"][False]), "p99 of the same at rest", "ms")
    report.add("reload.used_per_second", spread(used), "versions that came into use meanwhile", "/s")


def report_memory(context: Context, stack: WholeStack, files: AgentFiles, control: ReloadControl, report: Report) -> None:
    reloads = context.count(RELOADS, 2 * FIRST)

    def reload(count: int) -> None:
        for _ in range(count):
            files.prepare()
            files.change()
            attempts = control.status()["attempt_count"]
            control.signal()
            control.wait_for_attempts(attempts + 1)

    def rss() -> float:
        time.sleep(SETTLE)
        return cpu.memory(stack.executor_pids).rss / MIB

    reload(FIRST)
    early, descriptors = rss(), cpu.descriptors(stack.executor_pids)
    before, generation = cpu.seconds(stack.executor_pids), control.status()["generation"]
    reload(reloads - FIRST)
    used = cpu.seconds(stack.executor_pids) - before
    if (came := control.status()["generation"] - generation) != reloads - FIRST:
        raise BenchError(f"of {reloads - FIRST} versions {came} came into use")
    late = rss()
    report.conditions.update(reloads=reloads)
    report.add("reload.memory_ratio", spread([late / early]))
    report.add("reload.memory.early", spread([early]), f"executor's RSS after {FIRST} reloads", "MiB")
    report.add("reload.memory.late", spread([late]), f"executor's RSS after {reloads} reloads", "MiB")
    left = cpu.descriptors(stack.executor_pids) - descriptors
    report.add("reload.descriptors", spread([float(max(0, left))]), "descriptors that they left open", "")
    report.add("reload.cpu_of_one", spread([used / (reloads - FIRST) * MS]), "CPU of one reload, with the looks at it", "ms")
