"""Request bodies: chat requests as clients send them, of a wanted size."""

import json
import random
from pathlib import Path

# A conversation is mostly text, with line ends, quotes, code and characters outside ASCII in it.
_SENTENCES = (
    "The deploy finished at 14:02, but two of the pods restarted at once.",
    'She asked: "what does the log say?" and nobody knew.',
    "def handler(event):\n    return {\"status\": 200, \"body\": event[\"body\"]}\n",
    "Grüße aus Zürich, wo die Züge pünktlich sind – meistens.",
    "In the third quarter revenue rose by 4.2 %, mostly from renewals.",
    "| column | value |\n|---|---|\n| latency | 12 ms |\n",
    "Please summarise the paragraph above in three short sentences.",
    "C:\\Users\\dev\\project\\src\\main.cpp:42: error: expected ';'",
)


def chat(size: int, model: str, stream: bool = False, seed: int = 1, user: str = "") -> bytes:
    """A chat request of about `size` bytes: a system message and a conversation of messages of 100 to 2,000 bytes."""
    chooser = random.Random(seed)
    messages: list[dict[str, str]] = [{"role": "system", "content": "You are a helpful assistant."}]
    request = {"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 256, "stream": stream}
    if user:
        request["user"] = user

    def encoded() -> bytes:
        return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()

    used = len(encoded())
    while used < size:
        text = ""
        wanted = min(chooser.randint(100, 2000), size - used)
        while len(text) < wanted:
            text += chooser.choice(_SENTENCES) + " "
        message = {"role": "user" if len(messages) % 2 else "assistant", "content": text[: max(1, wanted - 40)]}
        messages.append(message)
        used += len(json.dumps(message, ensure_ascii=False).encode()) + 1
    if messages[-1]["role"] != "user":
        messages.append({"role": "user", "content": "Go on."})
    return encoded()


def write(path: Path, body: bytes) -> Path:
    path.write_bytes(body)
    return path
