"""Keeps the documentation in step with the tree.

Usage: docs.py [--check]
Writes the generated parts of pages (--check: only compares them), then checks in every page that relative
links and their anchors lead somewhere and that `folder/file` names in code quotes exist.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tools" / "dev")]  # bench.runner and what it uses
PAGES = (
    "*.md",
    "docs/**/*.md",
    "docker/*.md",
    "config/*.md",
    "conf/*.md",
    "tests/**/*.md",
    "examples/**/*.md",
)
# Paths in code quotes are checked below these folders; a page of history may name what is gone.
CHECKED_FOLDERS = "shared|ngx_module|executor|config|conf|docker|docs|examples|tests|tools|cmake|bench"
HISTORY = ("CHANGELOG.md", "docs/adr/")


@dataclass(frozen=True)
class ErrorEntry:
    code: str
    status: int
    type: str
    meaning: str


def error_table(source: str) -> list[ErrorEntry]:
    """The rows of kTable in shared/openai_error.cpp."""
    names = dict(re.findall(r'constexpr std::string_view (k\w+) = "([^"]*)"', source))
    body = source[source.index("kTable") :]
    body = body[: body.index("});")]
    row = re.compile(r'\{\w+,\s*"(\w+)",\s*(\d+),\s*(k\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\}')
    entries = [
        ErrorEntry(code, int(status), names[kind], "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)))
        for code, status, kind, text in row.findall(body)
    ]
    if len(entries) != len(re.findall(r"^    \{", body, re.MULTILINE)):
        raise SystemExit("docs: shared/openai_error.cpp has table rows of a form that docs.py cannot read")
    return entries


def render_errors(root: Path) -> str:
    source = (root / "shared" / "openai_error.cpp").read_text(encoding="utf-8")
    lines = ["| `code` | Status | `type` | Meaning |", "|---|---|---|---|"]
    lines += [f"| `{e.code}` | {e.status} | `{e.type}` | {e.meaning} |" for e in error_table(source)]
    return "\n".join(lines)


def render_budgets(_root: Path) -> str:
    from bench.runner import budgets, report

    lines = ["| Key | What | Ship | Aim | `--quick` |", "|---|---|--:|--:|--:|"]
    for budget in budgets.BUDGETS:
        unit = f" {budget.unit}" if budget.unit else ""
        guard = f"≤ {report.number(budget.guard)}{unit}" if budget.guard is not None else ""
        ship, aim = (f"≤ {report.number(bound)}{unit}" for bound in (budget.ship, budget.aim))
        lines.append(f"| `{budget.key}` | {budget.what} | {ship} | {aim} | {guard} |")
    return "\n".join(lines)


def render_results(root: Path) -> str:
    """The tables of bench/published, each with where and how it was taken."""
    from bench.runner import cli, report

    parts = []
    for name in cli.BENCHES:
        path = root / "bench" / "published" / f"{name}.json"
        if not path.exists():
            continue
        found, content = report.read_json(path)
        machine = content["machine"]
        conditions = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in content["conditions"].items())
        parts.append(
            f"{report.table(found)}\nTaken {content['time'][:10]} at `{content['commit']}` on {machine['cores']} cores of "
            f"{machine['cpu']}, {machine['memory_mib'] // 1024} GiB, Linux {machine['kernel'].split('-')[0]}; {conditions}."
        )
    return "\n\n".join(parts)


# (page, name of the block between the markers, what it must hold).
GENERATED = (
    ("docs/errors.md", "errors", render_errors),
    ("docs/performance.md", "budgets", render_budgets),
    ("docs/performance.md", "results", render_results),
)


def with_block(text: str, name: str, content: str) -> str:
    begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    return f"{before}{begin}\n{content}\n{end}{after}"


def generate(root: Path, check: bool) -> list[str]:
    stale = []
    for page, name, render in GENERATED:
        path = root / page
        old = path.read_text(encoding="utf-8")
        new = with_block(old, name, render(root))
        if old == new:
            continue
        if check:
            stale.append(f"{page}: the table is out of date: ./dev docs")
        else:
            path.write_text(new, encoding="utf-8")
            print(f"wrote {page}")
    return stale


def pages(root: Path) -> list[Path]:
    found = {path for pattern in PAGES for path in root.glob(pattern)}
    return sorted(path for path in found if "node_modules" not in path.parts)


def without_code_blocks(text: str) -> str:
    """Code blocks become empty lines, so that line numbers stay."""
    return re.sub(r"^```.*?^```", lambda match: "\n" * match[0].count("\n"), text, flags=re.M | re.S)


def anchors(text: str) -> set[str]:
    found = set()
    for title in re.findall(r"^#+ +(.+?)\s*$", without_code_blocks(text), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", title.lower().replace("`", "")).replace(" ", "-")
        found.add(slug)
    return found


def broken_references(root: Path, page: Path) -> Iterator[str]:
    relative = page.relative_to(root).as_posix()
    text = without_code_blocks(page.read_text(encoding="utf-8"))
    for number, line in enumerate(text.splitlines(), start=1):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            path = (page.parent / file).resolve() if file else page
            if not path.exists():
                yield f"{relative}:{number}: link to {target}, which does not exist"
            elif anchor and path.suffix == ".md" and anchor not in anchors(path.read_text(encoding="utf-8")):
                yield f"{relative}:{number}: link to {target}, but that page has no such heading"
        if relative.startswith(HISTORY):
            continue
        for name in re.findall(rf"`((?:{CHECKED_FOLDERS})/[\w./*-]*)`", line):
            if not any(root.glob(name.rstrip("/"))):
                yield f"{relative}:{number}: names `{name}`, which does not exist"


def main() -> int:
    arguments = sys.argv[1:]
    if arguments not in ([], ["--check"]):
        raise SystemExit(__doc__)
    problems = generate(REPOSITORY, check=bool(arguments))
    for page in pages(REPOSITORY):
        problems += broken_references(REPOSITORY, page)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
