"""What counts, and what is held, of requests that are refused or whose small body is late."""

import pytest

from edge_keys import key_line
from limited_chats import CHAT, chat_location
from raw_client import build_request


@pytest.mark.parametrize("body, status", [("{", 400), ('{"model":"secret"}', 403), ('{"model":"m","stream":1}', 400)])
def test_a_refused_request_counts_and_holds_nothing(make_edge, body, status):
    edge = make_edge(keys=key_line("alice", "allow=* deny=secret requests=3/h streams=1 tokens=1k/h"))
    with edge.connect() as client:
        assert [client.chat(body).status for _ in range(4)] == [status, status, status, 429]
    edge.wait_for_rest()


def test_an_internal_redirect_counts_once(make_edge, executor):
    def respond(request, connection):
        if request.target == "/v1/chat/completions":
            connection.answer(headers=[("X-Accel-Redirect", "/other")])
        else:
            connection.answer()

    executor.respond = respond
    edge = make_edge(keys=key_line("alice", "allow=* requests=2/h streams=1 tokens=10k/d"),
                     locations=chat_location() + "location = /other { agent_scope chat; proxy_pass http://executors; }")
    with edge.connect() as client:
        assert [client.chat(CHAT).status for _ in range(3)] == [200, 200, 429]
    status = edge.wait_for_rest()
    assert status["estimated_runs_total"] == 2


@pytest.mark.parametrize("body, status", [("{", 400), ('{"model":"other"}', 403)])
def test_a_body_that_is_refused_has_counted_as_a_request(make_edge, body, status):
    edge = make_edge(keys=key_line("alice", "allow=m requests=2/d streams=1"))
    with edge.connect() as client:
        assert [client.chat(body).status for _ in range(3)] == [status, status, 429]
    assert edge.wait_for_rest()["slots"] == 0


def test_a_request_that_its_tokens_refuse_has_counted(make_edge):
    edge = make_edge(keys=key_line("alice", "allow=* requests=2/d tokens=10/d streams=1"))
    with edge.connect() as client:
        body = '{"model":"m","max_tokens":100}'
        limits = []
        for _ in range(4):
            response = client.chat(body)
            limits.append((response.status, response.error["message"].split(" ")[0] if response.status == 429 else ""))
    assert limits == [(200, ""), (429, "Token"), (429, "Rate"), (429, "Rate")]
    assert edge.wait_for_rest()["slots"] == 0


def test_an_authentication_failure_is_no_use_of_a_limit(make_edge):
    edge = make_edge(keys=key_line("alice", "allow=* requests=1/h scopes=mcp") + key_line("old", "allow=* expires=2001-01-01T00:00:00Z"),
                     locations=chat_location())
    with edge.connect() as client:
        assert client.request("GET", "/v1/models", key=None).status == 401
        assert client.request("GET", "/v1/models", key="nobody").status == 401
        assert client.request("GET", "/v1/models", key="old").status == 401
        assert client.request("GET", "/v1/models", [("x-api-key", "agk_other")]).status == 401
        assert client.chat(CHAT).status == 403
        assert client.request("GET", "/v1/models").status == 200
    status = edge.status()
    assert [status[f"auth_failures_total{{reason={reason}}}"]
            for reason in ("missing", "unknown", "expired", "malformed")] == [1, 1, 1, 1]
    assert status["denied_total{reason=scope}"] == 1


# A small body is read before anything is judged, if it is there; if it is late, the request is judged while it comes.

def half_sent(edge, headers=()):
    client = edge.connect()
    request = build_request("POST", "/v1/chat/completions", headers, CHAT)
    client.send(request[:-5])
    return client, request[-5:]


def test_a_late_small_body_holds_a_slot_meanwhile(make_edge):
    edge = make_edge(keys=key_line("alice", "allow=* streams=1"))
    first, rest = half_sent(edge)
    edge.wait_for(lambda: edge.status()["slots"] == 1, "the slot")
    with edge.connect() as other:
        assert other.chat(CHAT).status == 429
    first.send(rest)
    assert first.response().status == 200
    assert edge.wait_for_rest()["limited_total{per=key,limit=streams}"] == 1


def test_a_late_small_body_that_is_over_a_limit_is_refused_when_it_is_there(make_edge, executor):
    edge = make_edge(keys=key_line("alice", "allow=* requests=1/d"))
    with edge.connect() as client:
        assert client.chat(CHAT).status == 200
    late, rest = half_sent(edge)
    edge.wait_for(lambda: edge.status()["limited_total{per=key,limit=requests}"] == 1, "the refusal")
    late.send(rest)
    assert late.response().status == 429
    assert late.chat(CHAT).status == 429, "the connection goes on"
    waiting, _ = half_sent(edge, [("Expect", "100-continue")])
    assert waiting.response().status == 429, "at once, and no 100 Continue before it"
    assert len(executor.requests) == 1
