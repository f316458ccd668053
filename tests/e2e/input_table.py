"""The table of good and bad requests, tests/wire/bad_input: its cases, and the bytes of each.

README.md of that folder says what the words of a case mean."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "wire/bad_input"
KNOWN = {"rule", "name", "for", "method", "path", "headers", "without", "transport", "http2", "body", "hex", "pieces",
         "with", "omit", "members", "expect"}  # fmt: skip
EXPECTED = {"status", "code", "param", "connection", "continue", "kept_back", "request_id", "most_bytes"}
PLACEHOLDER = re.compile(r"\{\{([^}]+)\}\}")


@dataclass
class Request:
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes | None


@dataclass
class Case:
    rule: str
    word: dict
    kind: str  # "agent" or "plain"

    @property
    def id(self) -> str:
        return f"{self.rule}-{self.word['name']}-{self.kind}".replace(" ", "_")

    @property
    def expect(self) -> dict:
        return self.word["expect"]

    @property
    def transport(self) -> str:
        return self.word.get("transport", "http/1.1")

    @property
    def goes_by_http2(self) -> bool:
        return self.transport == "http/1.1" and self.word.get("http2", True)

    def request(self, names: dict[str, str]) -> Request:
        """`names` says what the placeholders stand for."""
        writer = _Writer(self.word, names)
        body = writer.body()
        headers = [("Authorization", f"Bearer {names['key user']}"), ("Content-Type", "application/json")]
        own = [(name, writer.fill(value)) for name, value in self.word.get("headers", [])]
        left_out = {*self.word.get("without", []), *(name.lower() for name, _ in own)}
        headers = [(name, value) for name, value in headers if name.lower() not in left_out] + own
        path = writer.fill(self.word.get("path", "/v1/chat/completions"))
        return Request(self.word.get("method", "POST"), path, headers, body)


class _Writer:
    def __init__(self, word, names):
        self.word, self.names = word, names

    def fill(self, text: str) -> str:
        def stands_for(match):
            name = match[1]
            return "x" * int(name) if name.isdigit() else self.names[name]

        return PLACEHOLDER.sub(stands_for, text)

    def good(self) -> str:
        document = {"model": "{{model}}", "messages": [{"role": "user", "content": "Hello"}]}
        document = {key: value for key, value in document.items() if key not in self.word.get("omit", [])}
        document.update(self.word.get("with", {}))
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        if members := self.word.get("members"):
            text = text[:-1] + ("," if document else "") + members + "}"
        return self.fill(text)

    def piece(self, piece) -> bytes:
        if isinstance(piece, str):
            return self.fill(piece).encode()
        if "good" in piece:
            return self.good().encode()
        if "start" in piece:
            return self.good()[:-1].encode()
        if "hex" in piece:
            return bytes.fromhex(piece["hex"])
        if "repeat" in piece:
            return piece["repeat"].encode() * piece["times"]
        return "".join(piece["count"].replace("{{n}}", str(n)) for n in range(1, piece["times"] + 1)).encode()

    def body(self) -> bytes | None:
        if "body" in self.word:
            return None if self.word["body"] is None else self.fill(self.word["body"]).encode()
        if "hex" in self.word:
            return bytes.fromhex(self.word["hex"])
        if "pieces" in self.word:
            return b"".join(self.piece(piece) for piece in self.word["pieces"])
        return self.good().encode()


def cases() -> list[Case]:
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        table = json.loads(path.read_text())
        for word in table["cases"]:
            assert set(word) <= KNOWN and set(word["expect"]) <= EXPECTED, f"{path.name}: {word['name']}"
            for kind in word.get("for", table.get("for", ["agent", "plain"])):
                found.append(Case(word.get("rule", table["rule"]), word, kind))
    return found
