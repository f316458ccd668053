"""Which quirks which client sees as it should: a row a quirk, a column a client, in each cell how many of how many."""

import re
from dataclasses import dataclass, field

NOT_ASKED = "-"


def row_order(quirk: str) -> tuple:
    """clean, Q1 to Q30, and then the rest."""
    number = re.fullmatch(r"Q(\d+)", quirk)
    return (1, int(number[1]), "") if number else (0 if quirk == "clean" else 2, 0, quirk)


@dataclass
class Matrix:
    cells: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # (quirk, client): good, all

    def add(self, quirk: str, client: str, good: int, total: int) -> None:
        self.cells[quirk, client] = (good, total)

    def lines(self) -> list[str]:
        quirks = sorted({quirk for quirk, _ in self.cells}, key=row_order)
        clients = list(dict.fromkeys(client for _, client in self.cells))
        table = [["", *clients]]
        table += [[quirk, *(self._cell([quirk], client) for client in clients)] for quirk in quirks]
        table.append(["all", *(self._cell(quirks, client) for client in clients)])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return ["  ".join(map(str.rjust, row, widths)) for row in table]

    def _cell(self, quirks: list[str], client: str) -> str:
        counts = [self.cells[quirk, client] for quirk in quirks if (quirk, client) in self.cells]
        total = sum(one for _, one in counts)
        return f"{sum(good for good, _ in counts)}/{total}" if total else NOT_ASKED
