"""The quirk corpus as Python sees it: the files, and the bytes that go over the wire. docs/quirks.md has the format."""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Quirk:
    name: str  # of the file, and of the model that answers so
    quirk: str
    stream: bool
    answer: dict
    expect: dict

    @property
    def body(self) -> bytes:
        pieces = self.answer["body"]
        return b"".join(one.encode() if isinstance(one, str) else bytes.fromhex(one["hex"]) for one in pieces)

    @property
    def ends(self) -> str:
        """eof, cut or reset."""
        return self.answer.get("ends", "eof")

    @property
    def http(self) -> bytes:
        """Status line, headers and body as they stand on the wire, up to where the connection breaks."""
        transfer = self.answer.get("transfer", "length")
        headers = dict(self.answer["headers"])
        body = self.body
        if transfer == "chunked":
            headers["Transfer-Encoding"] = "chunked"
            body = self._chunked(body)
        elif transfer == "length":
            headers["Content-Length"] = str(len(body) + (self.ends != "eof"))
        else:
            headers["Connection"] = "close"
        head = "HTTP/1.1 200 OK\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return head.encode() + b"\r\n" + body

    def _chunked(self, body: bytes) -> bytes:
        size = self.answer.get("chunk_bytes") or max(1, len(body))
        extension = self.answer.get("chunk_extension")
        mark = f";{extension}" if extension else ""
        out = b""
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            out += f"{len(piece):x}{mark}\r\n".encode() + piece + b"\r\n"
        if self.ends != "eof":
            return out
        trailers = "".join(f"{name}: {value}\r\n" for name, value in self.answer.get("trailers", {}).items())
        return out + b"0\r\n" + trailers.encode() + b"\r\n"


def load(folder: Path = FOLDER) -> dict[str, Quirk]:
    """By name, in order."""
    quirks = {}
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        quirks[path.stem] = Quirk(
            path.stem, document["quirk"], document["stream"], document["answer"], document["expect"]
        )
    return quirks
