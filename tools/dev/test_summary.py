"""Sums up the JUnit files of one ./dev test run: one line a suite, then the total.

Usage: test_summary.py REPORTS_DIR
Exits 1 when a test failed, or when no test ran at all.
"""

import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Counts:
    passed: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)

    def add(self, other: "Counts") -> None:
        self.passed += other.passed
        self.skipped += other.skipped
        self.failed += other.failed


def count_cases(path: Path) -> Counts:
    counts = Counts()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".strip(".")
        status = case.get("status", "")
        if case.find("failure") is not None or case.find("error") is not None or status == "fail":
            counts.failed.append(name)
        elif case.find("skipped") is not None or status in ("notrun", "disabled"):
            counts.skipped += 1
        else:
            counts.passed += 1
    return counts


def count_unit(reports: Path) -> Counts:
    """GoogleTest's files know the cases. A program that died, or whose sanitizer spoke at exit, shows
    no failed case there: only ctest knows of it."""
    counts = Counts()
    blamed = set()
    for path in sorted((reports / "unit").glob("*.xml")):
        cases = count_cases(path)
        counts.add(cases)
        if cases.failed:
            blamed.add(path.stem)
    for program in count_cases(reports / "unit.ctest.xml").failed:
        # ctest calls the program unit_base "unit.base", and names it twice.
        name = program.split(".unit.")[0].replace(".", "_")
        if name not in blamed:
            counts.failed.append(f"{name} (the program failed; see its output above)")
    return counts


def collect(reports: Path) -> dict[str, Counts]:
    suites = {}
    if (reports / "unit.ctest.xml").exists():
        suites["unit"] = count_unit(reports)
    for path in sorted(reports.glob("*.xml")):
        if path.name != "unit.ctest.xml":
            suites[path.stem] = count_cases(path)
    return suites


def main() -> int:
    suites = collect(Path(sys.argv[1]))
    total = Counts()
    for name, counts in suites.items():
        print(f"{name:12} {counts.passed} passed, {len(counts.failed)} failed, {counts.skipped} skipped")
        for case in counts.failed:
            print(f"             FAILED {case}")
        total.add(counts)
    print(f"{total.passed} passed, {len(total.failed)} failed, {total.skipped} skipped")
    if not total.passed and not total.failed:
        print("no test ran", file=sys.stderr)
        return 1
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
