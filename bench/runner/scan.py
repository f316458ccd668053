"""`scan`: what it costs to find a request's model and limits in its body, without nginx around it."""

import json
from pathlib import Path

from . import bodies, program
from .context import Context
from .errors import BenchError
from .report import Report
from .stats import spread

CHAT = {"chat_1k": 1024, "chat_16k": 16 * 1024, "chat_400k": 400_000}
# What scan_bench makes by itself: bodies of one kind of text or structure, 400 KB each.
MADE = {
    "plain_400k": "ASCII text without escapes",
    "cjk_400k": "Chinese text",
    "cyrillic_400k": "Cyrillic text",
    "escapes_400k": 'code, a \\n or \\" every 20 bytes',
    "unicode_escapes_400k": "text of \\uXXXX alone",
    "empty_strings_400k": "a list of empty strings",
    "deep_400k": "lists 64 levels deep",
    "numbers_400k": "a list of numbers",
}
TIMEOUT = 60  # seconds; a run takes about 3


def _run(scan_bench: Path, files: dict[str, Path]) -> dict[str, dict[str, float]]:
    """Input -> what scan_bench says of it."""
    command = [str(scan_bench), *(f"{name}={path}" for name, path in files.items())]
    done = program.run(command, scan_bench.name, TIMEOUT)
    found = {one["name"]: one for one in json.loads(done.stdout)["inputs"]}
    missing = [name for name in (*CHAT, *MADE) if name not in found]
    if missing:
        raise BenchError(f"{scan_bench.name} says nothing about {', '.join(missing)}")
    return found


def _ns_per_kb(one: dict[str, float]) -> float:
    return one["ns"] / (one["bytes"] / 1024)


def run(context: Context) -> Report:
    report = Report("scan")
    report.conditions.update(rounds=context.effort.rounds)
    program = context.build / "bench" / "scan" / "scan_bench"
    files = {
        name: bodies.write(context.directory / f"{name}.json", bodies.chat(size, "demo/demo"))
        for name, size in CHAT.items()
    }
    rounds = [_run(program, files) for _ in range(context.effort.rounds)]
    for name in CHAT:
        size = name.removeprefix("chat_")
        times = spread(one[name]["ns"] / 1000 for one in rounds)
        report.add(f"scan.{name}_us", times, f"scan of a chat body, {size}", "µs")
    for name, what in MADE.items():
        kind = name.removesuffix("_400k")
        times = spread(_ns_per_kb(one[name]) for one in rounds)
        report.add(f"scan.{kind}_ns_per_kb", times, f"scan per KB, {what}", "ns")
    return report
