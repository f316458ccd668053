"""Figures of one bench: table, JSON, and the verdict against the budgets."""

import json
import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .budgets import BY_KEY, Budget
from .stats import Spread


@dataclass(frozen=True)
class Figure:
    key: str  # of budgets.py where there is one
    what: str
    unit: str
    value: Spread

    @property
    def budget(self) -> Budget | None:
        return BY_KEY.get(self.key)


@dataclass
class Report:
    """What one bench found. Figures are in the order in which they were added."""

    bench: str
    conditions: dict[str, str | int | float] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    pivot: bool = False  # keys are BENCH.ROW.COLUMN: one row a gateway

    def add(self, key: str, value: Spread, what: str = "", unit: str = "") -> None:
        """`what` and `unit` may be left out for a figure that has a budget."""
        budget = BY_KEY.get(key)
        self.figures.append(Figure(key, what or (budget.what if budget else key), unit or (budget.unit if budget else ""), value))


@dataclass(frozen=True)
class Miss:
    figure: Figure
    bound: float

    def __str__(self) -> str:
        value = self.figure.value.median
        over = f", {100 * (value / self.bound - 1):.0f} % over" if self.bound else ""
        return f"{self.figure.key}: {number(value)} {self.figure.unit} is above {number(self.bound)}{over}"


def number(value: float) -> str:
    """Three significant digits, and no exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - len(str(int(abs(value)))) + 1) if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def misses(report: Report, column: str) -> list[Miss]:
    found = []
    for figure in report.figures:
        bound = figure.budget.bound(column) if figure.budget else None
        if bound is not None and figure.value.median > bound:
            found.append(Miss(figure, bound))
    return found


def table(report: Report) -> str:
    """Markdown, as docs/performance.md shows it."""
    if report.pivot:
        return _pivot(report)
    lines = [f"### {report.bench}", ""]
    lines += ["| Figure | Median | Min – max | Ship | Aim |", "|---|--:|--:|--:|--:|"]
    for figure in report.figures:
        budget, value = figure.budget, figure.value
        unit = f" {figure.unit}" if figure.unit else ""
        ship, aim = (f"≤ {number(budget.ship)}", f"≤ {number(budget.aim)}") if budget else ("", "")
        lines.append(
            f"| {figure.what} | {number(value.median)}{unit} | {number(value.low)} – {number(value.high)} | {ship} | {aim} |"
        )
    return "\n".join(lines) + "\n"


def _pivot(report: Report) -> str:
    columns: dict[str, str] = {}
    rows: dict[str, dict[str, str]] = {}
    for figure in report.figures:
        _, row, column = figure.key.split(".")
        columns[column] = f"{figure.what}, {figure.unit}"
        rows.setdefault(row, {})[column] = number(figure.value.median)
    order = sorted(columns, key=list(max(rows.values(), key=len)).index)
    lines = [f"### {report.bench}", "", "| |" + "".join(f" {columns[column]} |" for column in order)]
    lines.append("|---|" + "--:|" * len(order))
    for row, values in rows.items():
        lines.append(f"| {row} |" + "".join(f" {values.get(column, '')} |" for column in order))
    return "\n".join(lines) + "\n"


def machine() -> dict[str, str | int]:
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    return {"cpu": model, "cores": os.cpu_count() or 0, "memory_mib": memory, "kernel": platform.release()}


def read_json(path: Path) -> tuple[Report, dict[str, Any]]:
    """The report that write_json wrote, and all that stands beside it."""
    content = json.loads(path.read_text())
    found = Report(content["bench"], content["conditions"], pivot=content["bench"] == "peers")
    for one in content["figures"]:
        value = Spread(one["median"], one["min"], one["max"], one["rounds"])
        found.add(one["key"], value, one["what"], one["unit"])
    return found, content


def write_json(report: Report, folder: Path, commit: str, quick: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report.bench}.json"
    content = {
        "bench": report.bench,
        "commit": commit,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": quick,
        "machine": machine(),
        "conditions": report.conditions,
        "figures": [
            {
                "key": figure.key,
                "what": figure.what,
                "unit": figure.unit,
                **figure.value.to_json(),
                **({"ship": figure.budget.ship, "aim": figure.budget.aim} if figure.budget else {}),
            }
            for figure in report.figures
        ],
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return path
