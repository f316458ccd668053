"""The two commands, as README.md has them."""

import re
from dataclasses import dataclass
from pathlib import Path

from .report import FreshError

FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXPECTED = ("./dev run", "./dev test")


@dataclass(frozen=True)
class Commands:
    run: str
    test: str


def read(path: Path) -> Commands:
    block = FENCE.search(path.read_text(encoding="utf-8"))
    if block is None:
        raise FreshError(f"{path.name} has no fenced block with commands")
    lines = tuple(line.strip() for line in block[1].splitlines() if line.strip())
    if lines != EXPECTED:
        raise FreshError(
            f"{path.name}: expected the first fenced block to be the lines {' and '.join(map(repr, EXPECTED))}, "
            f"it is {' and '.join(map(repr, lines)) or 'empty'}"
        )
    return Commands(*lines)
