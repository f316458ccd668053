"""A configuration without a server: what bench/snapshot measures by itself."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from .agent_files import URLS_OF_NOBODY
from .context import Context
from .errors import BenchError
from .report import Report
from .stats import spread

TIMEOUT = 120  # seconds; a run takes about 3


def _program(context: Context) -> Path:
    return context.build / "bench" / "snapshot" / "snapshot_bench"


def _measure(context: Context, files: list[Path]) -> list[dict[str, Any]]:
    command = [str(_program(context)), *map(str, files)]
    try:
        done = subprocess.run(
            command, env={**os.environ, **URLS_OF_NOBODY}, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except OSError as error:
        raise BenchError(f"cannot start {command[0]}: {error.strerror}; was it built?") from error
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"snapshot_bench did not end within {TIMEOUT} s") from error
    if done.returncode != 0:
        raise BenchError(f"snapshot_bench exited with {done.returncode}: {done.stderr.strip()}")
    found: list[dict[str, Any]] = json.loads(done.stdout)["configurations"]
    return found


def report_snapshot(context: Context, report: Report, files: list[Path]) -> None:
    """One row a configuration; each must have a different number of agents."""
    rounds = [_measure(context, files) for _ in range(context.effort.rounds)]
    for index in range(len(files)):
        of = [found[index] for found in rounds]
        agents = of[0]["agents"]
        alone = spread(one["load_ms"] for one in of)
        report.add(f"reload.load_alone.{agents}", alone, f"load and check, nothing else at work, {agents:,} agents", "ms")
        taken = spread(one["take_ns"] for one in of)
        report.add(f"reload.take.{agents}", taken, f"a request takes the configuration in use and gives it back, {agents:,} agents", "ns")
        sought = spread(one["find_ns"] for one in of)
        report.add(f"reload.find.{agents}", sought, f"it finds its model in it, {agents:,} agents", "ns")
