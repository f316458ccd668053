"""Compares the #include lines of the C++ sources with the layer table.

Usage: check_layers.py [ROOT]
Prints one line for each wrong include and exits 1 when there is one.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Folder -> folders it may include directly; it may include what those may as well. ARCHITECTURE.md shows
# the same table (test_layers.py compares the two). A folder that is not here yet is an error.
LAYERS: dict[str, set[str]] = {
    "shared": set(),
    "ngx_module": {"shared"},
    "base": {"shared"},
    "telemetry": {"base"},
    "protocol": {"base"},
    "config": {"telemetry"},
    "io": {"protocol", "config"},
    "policy": {"protocol", "config"},
    "store": {"io", "policy"},
    "upstream": {"io", "policy"},
    "mcp": {"io", "policy"},
    "container": {"io", "policy"},
    "sandbox": {"io", "policy"},
    "sdk": {"sandbox"},
    "tool": {"mcp", "sdk", "policy"},
    "agent": {"tool", "upstream", "store"},
    "factory": {"container", "store", "agent"},
    "mcp_gateway": {"mcp", "store"},
    "code_exec": {"container", "mcp", "store"},
    "api": {"agent", "factory", "mcp_gateway", "code_exec"},
    "cli": {"api"},
    "app": {"cli"},  # executor/app.cpp and main.cpp: everything
}

# Foreign headers that only one place may include: prefix -> files or folders, and why.
CONFINED: list[tuple[str, tuple[str, ...], str]] = [
    ("boost/beast", ("executor/io", "tests", "bench"), "Beast costs seconds a unit; executor/io wraps it"),
    ("yaml-cpp", ("executor/config", "tests"), "YAML ends in executor/config"),
    ("ngx_", ("ngx_module/ngx.h",), "nginx headers enter through ngx_module/ngx.h"),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">\n]+)[">]', re.MULTILINE)
SUFFIXES = {".cpp", ".h"}
SOURCE_ROOTS = ("shared", "ngx_module", "executor", "tests", "bench")
# Doubles and load generators share no code with what they stand beside.
SEPARATE = ("tests/fakes", "bench/load", "tests/unit/bench")
SKIPPED = {"node_modules", "__pycache__"}


@dataclass(frozen=True)
class Violation:
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def closure(folder: str) -> set[str]:
    """All folders that `folder` may include, itself too."""
    reached, todo = set(), [folder]
    while todo:
        current = todo.pop()
        if current not in reached:
            reached.add(current)
            todo += LAYERS[current]
    return reached


def sources(root: Path) -> Iterator[Path]:
    for top in SOURCE_ROOTS:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SUFFIXES and not SKIPPED.intersection(path.parts) and path.is_file():
                yield path


def is_separate(relative: Path) -> bool:
    return any(relative.is_relative_to(place) for place in SEPARATE)


def layer_of(relative: Path) -> str | None:
    """The layer whose rules hold for a file; None for test programs and helpers of no one folder."""
    parts = relative.parts
    if is_separate(relative):
        return None
    if parts[0] in ("shared", "ngx_module"):
        return parts[0]
    if parts[0] == "executor":
        return parts[1] if len(parts) > 2 else "app"
    if parts[:2] == ("tests", "unit") and len(parts) > 3 and parts[2] != "support":
        return parts[2]
    return None


def target_layer(root: Path, including: Path, name: str) -> str | None:
    """The layer of an included file of ours; None for a neighbour by its bare name or a foreign header."""
    first = name.split("/", 1)[0]
    if "/" in name and first in LAYERS:
        return first
    if name.startswith("executor/"):
        return layer_of(Path(name))
    resolved = (including.parent / name).resolve()
    if resolved.is_relative_to(root) and resolved.exists():
        return layer_of(resolved.relative_to(root))
    return None


def check_file(root: Path, path: Path) -> Iterator[Violation]:
    relative = path.relative_to(root)
    text = path.read_text(encoding="utf-8")
    layer = layer_of(relative)
    if layer is not None and layer not in LAYERS:
        yield Violation(str(relative), 1, f"folder '{layer}' is not in the layer table (tests/layering)")
        return
    separate = is_separate(relative)
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        name = match[2]
        for prefix, places, why in CONFINED:
            if (
                name.startswith(prefix)
                and name.split("/")[0] not in LAYERS
                and not any(relative == Path(place) or relative.is_relative_to(place) for place in places)
            ):
                yield Violation(str(relative), line, f"<{name}> does not belong here: {why}")
        target = target_layer(root, path, name) if match[1] == '"' else None
        if target is None:
            continue
        if separate:
            message = f'"{name}": doubles and benches share no code with what they test'
            yield Violation(str(relative), line, message)
        elif layer is not None and target not in closure(layer):
            yield Violation(
                str(relative), line, f'"{name}": {layer} may not include {target} (see ARCHITECTURE.md)'
            )


def check_tree(root: Path) -> list[Violation]:
    root = root.resolve()
    return [violation for path in sources(root) for violation in check_file(root, path)]


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    violations = check_tree(root)
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
