"""Random JSON text in the spellings that a reader and a writer in between could change."""

import random

WORDS = ["plain words ", r"\n", r"\"", r"\\", r"\/", "/", r"\u0041", r"\u0000", r"\ud83d\ude00", r"\uFFFF", "ä", "中",
         "😀", "\x7f", r"\b\f\r\t", "},{", r"\"model\":", "data: ", "\u2028"]  # fmt: skip
NUMBERS = ["0", "-0", "-0.0", "1", "-7", "0.1", "0.10", "1.50", "-1.25e3", "1e5", "1E-5", "2e+2", "9007199254740993",
           "-9223372036854775809", "18446744073709551616", "123456789012345678901234567890", "5e-324",
           "1e-999"]  # fmt: skip
HUGE = ["1E400", "-1e999"]  # which no double holds
ODD = ["", "", "", "é", r"\u00e9", r"\u0000", r"\/", r"\"", "😀", " "]


class JsonTexts:
    def __init__(self, rng: random.Random, breaks: bool, huge: bool):
        self.rng = rng
        self.spaces = ["", "", "", " ", "\t"] + (["\n", "\r\n"] if breaks else [])
        self.numbers = NUMBERS + (HUGE if huge else [])
        self.names = 0

    def space(self) -> str:
        return self.rng.choice(self.spaces)

    def once_in(self, times: int) -> bool:
        return self.rng.randrange(times) == 0

    def name(self) -> str:
        """No two are alike."""
        self.names += 1
        return f'"x{self.names}{self.rng.choice(ODD)}"'

    def string(self) -> str:
        return '"' + "".join(self.rng.choice(WORDS) for _ in range(self.rng.randrange(4))) + '"'

    def value(self, depth: int = 0) -> str:
        kind = self.rng.randrange(5 if depth > 3 else 7)
        if kind < 2:
            return self.rng.choice(self.numbers)
        if kind == 2:
            return self.rng.choice(["true", "false"])
        if kind < 5:
            return self.string()
        values = [self.value(depth + 1) for _ in range(self.rng.randrange(4))]
        return self.array(values) if kind == 5 else self.object([(self.string(), value) for value in values])

    def unknown(self, most: int) -> list[tuple[str, str]]:
        return [(self.name(), self.value()) for _ in range(self.rng.randrange(most + 1))]

    def array(self, elements: list[str]) -> str:
        return "[" + ",".join(f"{self.space()}{element}{self.space()}" for element in elements) + "]"

    def object(self, members: list[tuple[str, str]]) -> str:
        texts = (f"{self.space()}{name}{self.space()}:{self.space()}{value}{self.space()}" for name, value in members)
        return "{" + ",".join(texts) + "}"

    def mixed(self, members: list[tuple[str, str]], most: int) -> str:
        """With others that nobody knows, in any order."""
        members = [*members, *self.unknown(most)]
        self.rng.shuffle(members)
        return self.object(members)
