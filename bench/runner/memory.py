"""`memory`: 20 rounds of 1,000 requests of 150 KB, 100 at a time: what RSS and descriptors do."""

import time

from . import bodies, cpu, load, whole_stack
from .context import Context
from .report import Report
from .stats import spread

MIB = 1024 * 1024
ROUNDS, REQUESTS, CONNECTIONS, SIZE = 20, 1000, 100, 150 * 1024
LEAVE_WAIT = 60.0  # seconds: nginx keeps an idle connection for 10, the executor for 30


def _until_idle(pids: list[int], idle: int) -> int:
    """Descriptors once every connection of the load is gone."""
    deadline = time.monotonic() + LEAVE_WAIT
    while (count := cpu.descriptors(pids)) > idle and time.monotonic() < deadline:
        time.sleep(0.2)
    return count


def run(context: Context) -> Report:
    report = Report("memory")
    rounds = context.count(ROUNDS, 5)
    report.conditions.update(rounds=rounds, requests=REQUESTS, connections=CONNECTIONS, request_bytes=SIZE)
    with whole_stack.run(context) as stack:
        large = whole_stack.body(context, "large", bodies.chat(SIZE, "bench/whole"))
        descriptors = cpu.descriptors(stack.our_pids)
        idle = [part.rss for part in stack.memory()]
        peak = [0, 0]
        for _ in range(rounds):
            options = ("--connections", str(CONNECTIONS), "--requests", str(REQUESTS))
            load.run(context, "requests", stack.ours, large, *options)
            peak = [max(a, b.rss) for a, b in zip(peak, stack.memory(), strict=True)]
        left = _until_idle(stack.our_pids, descriptors)
        after = [part.rss for part in stack.memory()]
    for name, index in (("edge", 0), ("executor", 1)):
        report.add(f"memory.{name}.idle", spread([idle[index] / MIB]), f"{name}, RSS idle", "MiB")
        report.add(f"memory.{name}.peak", spread([peak[index] / MIB]), f"{name}, RSS after the largest round", "MiB")
        report.add(f"memory.{name}.after", spread([after[index] / MIB]), f"{name}, RSS after all", "MiB")
    report.add("memory.after_ratio", spread([sum(after) / sum(idle)]))
    report.add("memory.descriptors", spread([float(max(0, left - descriptors))]))
    return report
