"""What judges the quirk corpus' clients finds every wrong observation, and nothing in a right one."""

import copy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/wire/quirks"))
sys.path.insert(0, str(ROOT / "tests/e2e"))

from corpus import load  # noqa: E402
from quirk_clients.clients import CLIENTS, Client  # noqa: E402
from quirk_clients.judge import Limit, problems  # noqa: E402
from quirk_clients.matrix import Matrix  # noqa: E402

CORPUS = load()
WEATHER = {"id": "call_a", "name": "weather", "arguments": '{"city":"Rome"}'}
TIME = {"id": "call_b", "name": "time", "arguments": "{}"}


def choice(text="", calls=(), reason="stop", reasoning="") -> dict:
    return {"text": text, "reasoning": reasoning, "tool_calls": list(calls), "finish_reason": reason}


def failed(status, code, *choices) -> dict:
    error = {"status": status, "code": code, "message": "x"}
    return {"choices": list(choices), "usage": None, "error": error}


RIGHT = {
    "q00_clean": {"choices": [choice("Hello world")], "usage": {"prompt": 11, "completion": 7}, "error": None},
    "q00_clean_tool_calls": {
        "choices": [choice(calls=[WEATHER, TIME], reason="tool_calls")], "usage": None, "error": None,
    },
    "q20_reasoning": {"choices": [choice("Hello world", reasoning="so it is")], "usage": None, "error": None},
    "q09_cut": failed(None, "upstream_stream_truncated", choice("Hello", reason=None)),
    "q12_error_object": failed(502, "upstream_error"),
    "q22_no_index_no_id": {
        "choices": [choice(calls=[{**WEATHER, "id": "x"}, {**TIME, "id": "y"}], reason="tool_calls")],
        "usage": None,
        "error": None,
    },
    "q28_legacy_function_call": {
        "choices": [choice(calls=[{**WEATHER, "id": "made"}], reason="tool_calls")], "usage": None, "error": None,
    },
    "v03_two_choices": {
        "choices": [choice("Hello world"), choice("Bye", reason="length")], "usage": None, "error": None,
    },
}

# Each is what goes wrong when nobody repairs: the file, where in what is seen, and what stands there.
WRONG = [
    ("q00_clean", ("choices", 0, "text"), "Hello"),
    ("q00_clean", ("choices", 0, "text"), ""),
    ("q00_clean", ("choices", 0, "finish_reason"), None),
    ("q00_clean", ("choices", 0, "finish_reason"), "length"),
    ("q00_clean", ("choices", 0, "reasoning"), "so"),
    ("q00_clean", ("choices", 0, "tool_calls"), [WEATHER]),
    ("q00_clean", ("choices",), []),
    ("q00_clean", ("choices",), [choice("Hello world"), choice("Hello world")]),
    ("q00_clean", ("usage",), None),
    ("q00_clean", ("usage", "completion"), 14),
    ("q00_clean", ("error",), {"status": None, "code": None, "message": "SyntaxError"}),
    ("q00_clean_tool_calls", ("choices", 0, "tool_calls"), []),
    ("q00_clean_tool_calls", ("choices", 0, "tool_calls"), [WEATHER]),
    ("q00_clean_tool_calls", ("choices", 0, "tool_calls"), [TIME, WEATHER]),
    ("q00_clean_tool_calls", ("choices", 0, "tool_calls", 0, "name"), "weatherweather"),
    ("q00_clean_tool_calls", ("choices", 0, "tool_calls", 0, "id"), ""),
    ("q00_clean_tool_calls", ("choices", 0, "tool_calls", 0, "arguments"), '{"city":"Rome"}{}'),
    ("q00_clean_tool_calls", ("choices", 0, "tool_calls", 0, "arguments"), {"city": "Rome"}),
    ("q00_clean_tool_calls", ("usage",), {"prompt": 0, "completion": 0}),
    ("q20_reasoning", ("choices", 0, "reasoning"), ""),
    ("q09_cut", ("error",), None),  # a truncated success
    ("q09_cut", ("error", "code"), None),
    ("q09_cut", ("error", "status"), 200),
    ("q09_cut", ("choices", 0, "text"), ""),
    ("q09_cut", ("choices", 0, "finish_reason"), "stop"),
    ("q12_error_object", ("error",), None),  # a silent empty answer
    ("q12_error_object", ("error", "status"), 200),
    ("q12_error_object", ("error", "code"), "upstream_invalid_response"),
    ("q22_no_index_no_id", ("choices", 0, "tool_calls", 0, "id"), None),
    ("q22_no_index_no_id", ("choices", 0, "tool_calls", 0, "id"), ""),
    ("q22_no_index_no_id", ("choices", 0, "tool_calls", 1, "id"), "x"),  # two calls with one id
    ("q28_legacy_function_call", ("choices", 0, "tool_calls"), []),
    ("q28_legacy_function_call", ("choices", 0, "finish_reason"), "function_call"),
    ("v03_two_choices", ("choices", 1, "text"), ""),
]


def changed(seen: dict, path: tuple, value) -> dict:
    copied = copy.deepcopy(seen)
    *way, last = path
    into = copied
    for step in way:
        into = into[step]
    into[last] = value
    return copied


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_in_what_is_right(name):
    assert problems(CORPUS[name], RIGHT[name]) == []


@pytest.mark.parametrize(("name", "path", "value"), WRONG)
def test_what_is_wrong_is_found(name, path, value):
    assert problems(CORPUS[name], changed(RIGHT[name], path, value)) != []


def test_values_of_arguments_are_compared_as_values():
    seen = changed(RIGHT["q00_clean_tool_calls"], ("choices", 0, "tool_calls", 0, "arguments"), {"city": "Rome"})
    seen = changed(seen, ("choices", 0, "tool_calls", 1, "arguments"), {})
    quirk = CORPUS["q00_clean_tool_calls"]
    assert problems(quirk, seen, parsed_arguments=True) == []
    wrong = changed(seen, ("choices", 0, "tool_calls", 0, "arguments"), {"city": "Oslo"})
    assert problems(quirk, wrong, parsed_arguments=True) != []


@pytest.mark.parametrize(
    ("field", "name", "path", "value"),
    [
        ("text", "q00_clean", ("choices", 0, "text"), "x"),
        ("finish_reason", "q00_clean", ("choices", 0, "finish_reason"), None),
        ("reasoning", "q20_reasoning", ("choices", 0, "reasoning"), ""),
        ("tool_calls", "q00_clean_tool_calls", ("choices", 0, "tool_calls"), []),
        ("arguments", "q00_clean_tool_calls", ("choices", 0, "tool_calls", 0, "arguments"), "x"),
        ("choices", "v03_two_choices", ("choices",), [choice("Hello world")]),
        ("code", "q09_cut", ("error", "code"), None),
        ("error", "q00_clean", ("error",), {"status": None, "code": None, "message": "x"}),
    ],
)
def test_a_limit_hides_its_field_in_its_files_and_nothing_else(field, name, path, value):
    quirk, seen = CORPUS[name], changed(RIGHT[name], path, value)
    assert problems(quirk, seen, [Limit(field, "why")]) == []
    assert problems(quirk, seen, [Limit(field, "why", ("v99_*",))]) != []
    for other, document in RIGHT.items():
        spoiled = changed(document, ("usage",), {"prompt": 1, "completion": 1})
        hidden_by_error = CORPUS[other].expect.get("error")
        assert hidden_by_error or problems(CORPUS[other], spoiled, [Limit(field, "why")]) != []


def test_a_limit_that_hides_nothing_is_told():
    used = Limit("finish_reason", "reports none", ("q00_*",))
    idle = Limit("reasoning", "shows it by now")
    client = Client("a", "a.py", limits=(used, idle))
    seen = {name: RIGHT[name] for name in ("q00_clean", "q20_reasoning")}
    seen["q00_clean"] = changed(seen["q00_clean"], ("choices", 0, "finish_reason"), None)
    assert client.idle_limits(CORPUS, seen) == [idle]


def test_every_limit_names_files_that_there_are():
    for client in CLIENTS:
        for limit in client.limits:
            for pattern in limit.files:
                alone = Limit(limit.field, limit.reason, (pattern,))
                assert any(alone.holds_for(quirk) for quirk in CORPUS.values()), (client.name, pattern)


def test_the_matrix_counts():
    matrix = Matrix()
    matrix.add("vendor", "a", 1, 2)
    matrix.add("Q10", "a", 3, 3)
    matrix.add("Q2", "a", 4, 4)
    matrix.add("Q2", "b", 0, 1)
    assert [line.split() for line in matrix.lines()] == [
        ["a", "b"],
        ["Q2", "4/4", "0/1"],
        ["Q10", "3/3", "-"],
        ["vendor", "1/2", "-"],
        ["all", "8/9", "0/1"],
    ]
