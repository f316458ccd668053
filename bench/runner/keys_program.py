"""Keys and limits without nginx: what bench/keys measures by itself."""

import json
import subprocess
from pathlib import Path
from typing import Any

from . import program
from .context import Context
from .report import Report
from .stats import paired, spread

SIZES = (1_000, 10_000, 100_000, 1_000_000)  # keys
LARGEST = SIZES[-1]
FLAT = 10_000  # with what the lookup in the largest table is compared
TIMEOUT = 120  # seconds; the largest table takes about 5


def _program(context: Context) -> Path:
    return context.build / "bench" / "keys" / "keys_bench"


def _run(context: Context, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return program.run([str(_program(context)), *words], f"keys_bench {words[0]}", TIMEOUT, **options)


def write_lines(context: Context, path: Path, count: int, seed: int) -> Path:
    """A file of so many made keys; another seed, other keys."""
    with path.open("wb") as out:
        _run(context, "lines", str(count), str(seed), stdout=out)
    return path


def _measure(context: Context, *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(_run(context, *words).stdout)
    return answer


def report_tables(context: Context, report: Report) -> None:
    words = [str(size) for size in SIZES]
    rounds = [_measure(context, "tables", *words)["tables"] for _ in range(context.effort.rounds)]
    of: dict[int, list[dict[str, float]]] = {size: [] for size in SIZES}
    for found in rounds:
        for table in found:
            of[table["keys"]].append(table)
    report.add("keys.bytes_per_key", spread(one["bytes_per_key"] for one in of[LARGEST]))
    for size in SIZES:
        hits = spread(one["hit_ns"] for one in of[size])
        if size == LARGEST:
            report.add("keys.lookup_1m", hits)
        else:
            report.add(f"keys.lookup.{size}", hits, f"lookup of a key, {size:,} keys", "ns")
        misses = spread(one["miss_ns"] for one in of[size])
        report.add(f"keys.miss.{size}", misses, f"lookup of an unknown key, {size:,} keys", "ns")
        parsed = spread(one["build_ms"] + one["fill_ms"] for one in of[size])
        report.add(f"keys.parse.{size}", parsed, f"a file's text → table, {size:,} keys, nothing else at work", "ms")
    flat = paired([one["hit_ns"] for one in of[LARGEST]], [one["hit_ns"] for one in of[FLAT]])
    report.add("keys.lookup_flat", flat, f"lookup among {LARGEST:,} keys ÷ among {FLAT:,}", "×")


def report_decisions(context: Context, report: Report) -> None:
    rounds = [_measure(context, "decisions") for _ in range(context.effort.rounds)]
    report.add("keys.decision", spread(one["alone_ns"] / 1000 for one in rounds))
    together = f"{rounds[0]['processes']} processes at once"
    cpu = spread(one["contended_cpu_ns"] / 1000 for one in rounds)
    report.add("keys.decision_contended", cpu, f"the same by {together}, CPU of each", "µs")
    rates = spread(one["contended_per_second"] for one in rounds)
    report.add("keys.decisions_per_second", rates, f"the same by {together}, all in all", "/s")
