"""Makes a script of the scripted LLM from the quirk corpus, with one model a quirk.

    quirk_script.py DIRECTORY

Writes DIRECTORY/quirks.json, and beside it the bytes of each answer.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "wire/quirks"))

from corpus import Quirk, load  # noqa: E402

PIECES = 7  # an answer is sent in so many writes


def turn(quirk: Quirk, file: str) -> dict:
    size = max(1, -(-len(quirk.http) // PIECES))
    out = {"raw_file": file, "raw_http": True, "chunk_bytes": size}
    pieces = -(-len(quirk.http) // size)
    if quirk.ends == "reset":
        out["reset_after_events"] = pieces
    elif quirk.ends == "cut" or quirk.answer.get("transfer") == "close":
        out["close_after_events"] = pieces
    return out


def write(directory: Path) -> Path:
    """The script's path."""
    directory.mkdir(parents=True, exist_ok=True)
    models = {}
    for name, quirk in load().items():
        file = f"{name}.http"
        (directory / file).write_bytes(quirk.http)
        models[name] = {"strict": False, "turns": [turn(quirk, file)]}
    script = directory / "quirks.json"
    script.write_text(json.dumps({"description": "The quirk corpus.", "models": models}, indent=1))
    return script


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(write(Path(sys.argv[1])))
