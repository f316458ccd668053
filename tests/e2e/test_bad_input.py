"""What a client can send, good and bad: each row of tests/wire/bad_input has its answer, and what is good arrives
upstream as it was written."""

import httpx
import pytest

import forwarded
import input_table
from gateway_stack import assert_error, data_of, secret_of
from wire_exchange import Connection, by_http2

CASES = input_table.cases()
TYPES = {403: "permission_error"}  # all others are invalid_request_error
KEYS = ("limited", "denied", "expired", "nothing", "other-scope", "nobody")
# What a placeholder stands for, and where requests go, by kind of model.
MODELS = {
    "agent": {"model": "allowed", "escaped model": r"\u0061llowed"},
    "plain": {"model": "scripted/plain", "escaped model": r"scripted\/pl\u0061in"},
}
OTHERS = {
    "other model": "forbidden",
    "model with tool": "assistant",
    "tool": "get_weather",
    "escaped tool": r"\u0067et_weather",
}
INSTRUCTIONS = "Say who you are."


def names_of(stack, kind):
    keys = {f"key {key_id}": secret_of(key_id) for key_id in KEYS}
    return {**OTHERS, **MODELS[kind], **keys, "key user": stack["AGENT_KEY"]}


def upstream_body(kind, body):
    if kind == "plain":
        return forwarded.by_plain_model(body, "plain")
    return forwarded.by_agent(body, "allowed-model", INSTRUCTIONS)


class Upstream:
    """What the scripted LLM was asked. One client for all: making one costs more than a request."""

    def __init__(self, stack):
        self.http = httpx.Client(base_url=stack["LLM_URL"], timeout=60)

    def forget(self):
        self.http.delete("/_requests").raise_for_status()

    def records(self):
        return forwarded.recorded(self.http.get("/_requests").raise_for_status().text)


@pytest.fixture(scope="module")
def one_upstream(stack):
    upstream = Upstream(stack)
    yield upstream
    upstream.http.close()


@pytest.fixture
def upstream(one_upstream):
    one_upstream.forget()
    return one_upstream


@pytest.fixture(scope="module")
def http2(stack):
    with httpx.Client(http2=True, verify=stack.tls(), base_url=stack.url, timeout=30) as client:
        yield client


def assert_refused(upstream, expect, answer):
    status = expect["status"]
    error = assert_error(answer.parts, status, expect["code"], expect["param"])
    assert error["type"] == TYPES.get(status, "invalid_request_error")
    assert len(answer.body) < expect.get("most_bytes", 10_000)
    if status == 405:
        assert answer.headers["allow"]
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
    assert upstream.records() == [], "the upstream was asked"


def assert_forwarded(upstream, case, request, answer):
    assert answer.status == 200, answer.body[:500]
    if answer.headers["content-type"].startswith("text/event-stream"):
        assert data_of(answer.body.decode())[-1] == "[DONE]"
    if request.method != "POST":
        return
    (record,) = upstream.records()
    wanted = upstream_body(case.kind, request.body)
    # Not compared by assert: a difference of megabytes would be printed.
    place = next((at for at, pair in enumerate(zip(record["body"], wanted)) if pair[0] != pair[1]), None)
    got = f"{record['body'][:300]} instead of {wanted[:300]}, differing at {place}"
    same = record["body"] == wanted
    assert same, got
    for name in case.expect.get("kept_back", []):
        assert name not in record["headers"]


def assert_answer(upstream, case, request, answer):
    assert "continue" not in case.expect or answer.said_continue == case.expect["continue"]
    if case.expect["status"] != 200:
        assert_refused(upstream, case.expect, answer)
    else:
        assert_forwarded(upstream, case, request, answer)
    assert (request_id := answer.headers["x-request-id"])
    if wanted := case.expect.get("request_id"):
        asked = dict(request.headers)["X-Request-Id"]
        assert (request_id == asked) == (wanted == asked)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_request_has_its_answer_and_the_connection_goes_on(stack, upstream, case):
    request = case.request(names_of(stack, case.kind))
    with Connection(stack) as connection:
        answer = connection.exchange(request, case.transport)
        assert_answer(upstream, case, request, answer)
        goes_on = case.expect.get("connection", "goes on")
        if goes_on == "closes":
            assert connection.closes()
        elif goes_on == "goes on":
            good = input_table.Case("", {}, case.kind).request(names_of(stack, case.kind))
            assert connection.exchange(good).status == 200


HTTP2_CASES = [case for case in CASES if case.kind == "agent" and case.goes_by_http2]


@pytest.mark.parametrize("case", HTTP2_CASES, ids=lambda case: case.id)
def test_http_2_makes_no_difference(stack, upstream, http2, case):
    request = case.request(names_of(stack, case.kind))
    assert_answer(upstream, case, request, by_http2(http2, request))


def test_every_rule_has_its_rows():
    """Of good requests and of bad ones; a name says one row."""
    for rule in (f"P{number}" for number in (1, 2, *range(4, 19))):
        statuses = {case.expect["status"] for case in CASES if case.rule == rule}
        assert 200 in statuses and len(statuses) > 1, rule
    assert len({case.id for case in CASES}) == len(CASES)
