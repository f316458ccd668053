"""Whether a client has seen what a file of the quirk corpus says. Pure.

What a client has seen: {"choices": [{"text", "reasoning", "tool_calls": [{"id", "name", "arguments"}],
"finish_reason"}], "usage": {"prompt", "completion"} or null, "error": {"status", "code", "message"} or null}. Arguments
are the text that came, or the value of a client that gives no text.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch

from compare import same
from corpus import Quirk

FIELDS = {"text", "reasoning", "tool_calls", "arguments", "finish_reason", "choices", "code", "error"}


@dataclass(frozen=True)
class Limit:
    """What a client cannot show by its own design, and why; it is not compared."""

    field: str  # of FIELDS. "choices": those after the first; "error": it fails where others do not
    reason: str
    files: tuple[str, ...] = ("*",)  # names, or patterns of them

    def __post_init__(self) -> None:
        assert self.field in FIELDS, self.field

    def holds_for(self, quirk: Quirk) -> bool:
        return any(fnmatch(quirk.name, pattern) for pattern in self.files)


@dataclass(frozen=True)
class Comparison:
    quirk: Quirk
    seen: dict
    hidden: set[str]
    parsed_arguments: bool = False  # the client gives values instead of text
    found: list[str] = field(default_factory=list)

    def run(self) -> list[str]:
        error = self.quirk.expect.get("error")
        begun = self.quirk.stream and bool(self.quirk.expect["chunks"])
        self._compare_error(error, begun)
        if error is None or begun:
            self._compare_choices()
        if error is None:
            self._compare("usage", self._wanted_usage(), self.seen["usage"])
        return self.found

    def _compare(self, what: str, wanted, seen, made: dict | None = None) -> None:
        if not same(wanted, seen, {} if made is None else made):
            self.found.append(f"{what} {_shown(seen)} instead of {_shown(wanted)}")

    def _compare_error(self, wanted: dict | None, begun: bool) -> None:
        seen = self.seen["error"]
        if wanted is None or seen is None:
            if bool(wanted) != bool(seen) and "error" not in self.hidden:
                self.found.append(f"error {_shown(seen)} instead of {_shown(wanted)}")
            return
        # In a stream that has begun the status is gone.
        self._compare("status", None if begun else wanted["status"], seen["status"])
        if "code" not in self.hidden:
            self._compare("code", wanted["code"], seen["code"])

    def _compare_choices(self) -> None:
        wanted, seen = self.quirk.expect["choices"], self.seen["choices"]
        if "choices" in self.hidden:
            wanted, seen = wanted[:1], seen[:1]
        self._compare("number of choices", len(wanted), len(seen))
        made: dict[str, str] = {}
        for one, other in zip(wanted, seen, strict=False):
            self._compare_choice(_as_seen(one), other, made)

    def _compare_choice(self, wanted: dict, seen: dict, made: dict) -> None:
        for name in {"text", "reasoning", "finish_reason"} - self.hidden:
            self._compare(name, wanted[name], seen[name])
        if "tool_calls" in self.hidden:
            return
        ids = [call["id"] for call in seen["tool_calls"]]
        if len(set(ids)) < len(ids):
            self.found.append(f"two calls have the same id: {_shown(ids)}")
        self._compare(
            "tool calls",
            [self._call(call, self.parsed_arguments) for call in wanted["tool_calls"]],
            [self._call(call, False) for call in seen["tool_calls"]],
            made,
        )

    def _call(self, call: dict, parse: bool) -> dict:
        if "arguments" in self.hidden:
            return {"id": call["id"], "name": call["name"]}
        return {**call, "arguments": _value_of(call["arguments"])} if parse else call

    def _wanted_usage(self) -> dict | None:
        usage = self.quirk.expect["usage"]
        return usage and {"prompt": usage["prompt_tokens"], "completion": usage["completion_tokens"]}


def problems(quirk: Quirk, seen: dict, limits: Iterable[Limit] = (), parsed_arguments: bool = False) -> list[str]:
    hidden = {limit.field for limit in limits if limit.holds_for(quirk)}
    return Comparison(quirk, seen, hidden, parsed_arguments).run()


def _as_seen(choice: dict) -> dict:
    extras = choice.get("extras", {})
    # All questions offer tools, so a legacy call comes as one of a tool.
    finish_reason = "tool_calls" if choice.get("legacy") else choice["finish_reason"]
    return {
        "text": choice["content"],
        "reasoning": extras.get("reasoning_content") or extras.get("reasoning") or "",
        "tool_calls": choice.get("tool_calls", []),
        "finish_reason": finish_reason,
    }


def _value_of(arguments: str):
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments  # what is no JSON stays text in any client


def _shown(value) -> str:
    return json.dumps(value, ensure_ascii=False)
