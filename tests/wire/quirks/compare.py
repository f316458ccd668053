"""What a gateway gave back, put together as a client would, and what is wrong with it."""

import json
from dataclasses import dataclass, field

FINISH_REASONS = {"stop", "length", "tool_calls", "content_filter", "function_call"}
ERROR_KEYS = {"message", "type", "param", "code"}
NOT_EXTRAS = {"role", "content", "tool_calls", "function_call"}


@dataclass
class Given:
    """An answer of the gateway."""

    status: int
    choices: dict[int, dict] = field(default_factory=dict)
    chunks: list[list] = field(default_factory=list)  # of a stream: "choices" of each chunk
    answer: dict | None = None  # what was not streamed
    usage: dict | None = None
    error: dict | str | None = None
    done: bool = False
    faults: list[str] = field(default_factory=list)

    def choice(self, index: int) -> dict:
        return self.choices.setdefault(index, {"index": index, "content": "", "finish_reason": None})


def _add_message(into: dict, message: dict) -> None:
    into["content"] += message.get("content") or ""
    for key, value in message.items():
        if key in NOT_EXTRAS or value is None:
            continue
        extras = into.setdefault("extras", {})
        both = isinstance(value, str) and isinstance(extras.get(key), str)
        extras[key] = extras[key] + value if both else value
    if function := message.get("function_call"):
        calls = into.setdefault("tool_calls", [{"name": "", "arguments": ""}])
        into["legacy"] = True
        calls[0]["name"] += function.get("name") or ""
        calls[0]["arguments"] += function.get("arguments") or ""


def _note_id(given: Given, calls: list[dict], identity: str) -> None:
    if any(call["id"] == identity for call in calls):
        given.faults.append("two calls have the same id")


def take_whole(given: Given, document: dict) -> None:
    given.answer = document
    given.usage = document.get("usage")
    for choice in document["choices"]:
        into = given.choice(choice["index"])
        message = choice["message"]
        _add_message(into, message)
        into["finish_reason"] = choice["finish_reason"]
        missing = {"role", "content", "refusal"} - set(message) | {"logprobs"} - set(choice)
        if missing:
            given.faults.append(f"the answer lacks {', '.join(sorted(missing))}")
        for call in message.get("tool_calls") or []:
            calls = into.setdefault("tool_calls", [])
            _note_id(given, calls, call["id"])
            calls.append({"id": call["id"], **call["function"]})


def take_chunk(given: Given, document: dict) -> None:
    if usage := document.get("usage"):
        if given.usage is not None:
            given.faults.append("usage came twice")
        given.usage = usage
    if document["choices"]:
        given.chunks.append(document["choices"])
    if bool(document["choices"]) == bool(usage):
        given.faults.append("usage does not stand in a chunk of its own")
    for choice in document["choices"]:
        into = given.choice(choice["index"])
        delta = choice["delta"]
        first = not into.pop("_begun", False)
        into["_begun"] = True
        if first != (delta.get("role") == "assistant") or (not first and "role" in delta):
            given.faults.append("the role does not stand in the first delta alone")
        _add_message(into, delta)
        for call in delta.get("tool_calls") or []:
            calls = into.setdefault("tool_calls", [])
            function = call.get("function") or {}
            if call["index"] == len(calls):
                _note_id(given, calls, call["id"])
                calls.append({"id": call["id"], "name": function.get("name"), "arguments": ""})
            elif "id" in call or "name" in function:
                given.faults.append("id or name of a call came twice")
            calls[call["index"]]["arguments"] += function.get("arguments") or ""
        reason = choice["finish_reason"]
        if reason is not None and (reason not in FINISH_REASONS or into["finish_reason"] is not None):
            given.faults.append(f"a finish_reason too much, or wrong: {reason}")
        into["finish_reason"] = reason or into["finish_reason"]


def same(expected, given, made: dict) -> bool:
    """Equal, when "<made-N>" stands for an id that the gateway made, the same one everywhere."""
    if isinstance(expected, str) and expected.startswith("<made-"):
        return isinstance(given, str) and given != "" and made.setdefault(expected, given) == given
    if isinstance(expected, dict) and isinstance(given, dict):
        return set(expected) == set(given) and all(same(expected[key], given[key], made) for key in expected)
    if isinstance(expected, list) and isinstance(given, list):
        return len(expected) == len(given) and all(map(lambda one, other: same(one, other, made), expected, given))
    return type(expected) is type(given) and expected == given


def _shown(value) -> str:
    return json.dumps(value, ensure_ascii=False)


def _wanted_choices(expect: dict) -> list[dict]:
    """As a client puts them together: a legacy call has no id."""
    wanted = []
    for choice in expect["choices"]:
        calls = choice.get("tool_calls")
        if calls and choice.get("legacy"):
            calls = [{key: value for key, value in call.items() if key != "id"} for call in calls]
        wanted.append({**choice, "tool_calls": calls} if calls else choice)
    return wanted


def _end_problems(expect: dict, stream: bool, given: Given, exact: bool) -> list[str]:
    error = expect.get("error")
    found = []
    if given.error and not (isinstance(given.error, dict) and ERROR_KEYS <= set(given.error)):
        return [f"an error that is not OpenAI's object: {_shown(given.error)}"]
    if bool(error) != bool(given.error):
        found.append(f"error {_shown(given.error)} instead of {_shown(error)}")
    elif error and exact:
        begun = stream and bool(expect["chunks"])
        status = 200 if begun else error["status"]
        if (given.error.get("code"), given.status) != (error["code"], status):
            found.append(f"{given.status} {given.error.get('code')} instead of {status} {error['code']}")
    if stream and given.done == bool(error):
        found.append("[DONE] after an error" if error else "no [DONE]")
    return found


def _exact_problems(expect: dict, stream: bool, given: Given, made: dict) -> list[str]:
    if stream:
        if same(expect["chunks"], given.chunks, made):
            return []
        return [f"chunks: {_shown(given.chunks)} instead of {_shown(expect['chunks'])}"]
    ours = {"id", "object", "created", "model"}
    answer = given.answer and {key: value for key, value in given.answer.items() if key not in ours}
    if same(expect["answer"], answer, made):
        return []
    return [f"answer: {_shown(answer)} instead of {_shown(expect['answer'])}"]


def problems(expect: dict, stream: bool, given: Given, exact: bool) -> list[str]:
    """`exact`: also each chunk, the members of a whole answer, and codes of errors."""
    found = given.faults + _end_problems(expect, stream, given, exact)
    if expect.get("error") and not stream:
        return found
    made: dict[str, str] = {}
    wanted = _wanted_choices(expect)
    choices = []
    for choice in sorted(given.choices.values(), key=lambda one: one["index"]):
        choices.append({key: value for key, value in choice.items() if key != "_begun"})
    if not same(wanted, choices, made):
        found.append(f"put together: {_shown(choices)} instead of {_shown(wanted)}")
    usage = expect["usage"]
    counts = given.usage and {key: given.usage.get(key) for key in usage or given.usage}
    if counts != usage:
        found.append(f"usage {_shown(given.usage)} instead of {_shown(usage)}")
    if exact:
        found += _exact_problems(expect, stream, given, made)
    return found
