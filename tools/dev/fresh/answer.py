"""What the gateway must answer, read the way a client does."""

import json
from dataclasses import dataclass

from .report import StepFailed

# The tool's own words (tests/fakes, get_weather): nobody else in the stack says this.
TOOL_RESULT = "Sunny, 21 °C in Paris"
SHOWN = 300  # characters of a bad answer that go into a message


@dataclass(frozen=True)
class Streamed:
    text: str
    pieces: int  # events with content


def read_stream(body: str) -> Streamed:
    """A stream of chat completion chunks that ended well."""
    data = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    if not data or data[-1] != "[DONE]":
        raise StepFailed(f"the answer is no stream that ends in [DONE]: {body[-SHOWN:]!r}")
    text, pieces, finish = "", 0, None
    for event in data[:-1]:
        try:
            chunk = json.loads(event)
            choices = chunk["choices"]
        except (ValueError, KeyError, TypeError):
            raise StepFailed(f"not a chat completion chunk: {event[:SHOWN]!r}") from None
        for choice in choices:
            content = choice["delta"].get("content") or ""
            text += content
            pieces += bool(content)
            finish = choice["finish_reason"] or finish
    if finish != "stop":
        raise StepFailed(f"the stream's finish_reason is {finish!r}, not 'stop'")
    return Streamed(text, pieces)


def require_tool_answer(body: str) -> Streamed:
    """The answer to README's question, which takes a tool to answer."""
    streamed = read_stream(body)
    if TOOL_RESULT not in streamed.text:
        raise StepFailed(
            f"the answer does not hold what the tool said ({TOOL_RESULT!r}): {streamed.text[:SHOWN]!r}"
        )
    if streamed.pieces < 2:
        raise StepFailed("the answer came in one piece, it was not streamed")
    return streamed
