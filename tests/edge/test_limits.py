"""agent_limit and the limits of keys: who is refused, and in what words."""

import json
import re
import time

import pytest

from edge_keys import key_line
from limited_chats import CHAT, CHAT_TOKENS, chat_location, with_usage
from raw_client import build_request


# What the client is told

@pytest.mark.item("S1-80")
def test_headers_of_a_request_limit(make_edge):
    edge = make_edge(keys=key_line("alice", "allow=* requests=60/m burst=2"))
    with edge.connect() as client:
        for remaining, reset in (("1", r"1s|\d+ms"), ("0", "2s")):
            response = client.request("GET", "/v1/models")
            assert response.status == 200
            assert response.header("x-ratelimit-limit-requests") == "60"
            assert response.header("x-ratelimit-remaining-requests") == remaining
            assert re.fullmatch(reset, response.header("x-ratelimit-reset-requests"))
            assert response.header("x-ratelimit-limit-tokens") is None
            assert response.header("Retry-After") is None
        refused = client.request("GET", "/v1/models")
        assert refused.status == 429
        assert refused.error == {
            "message": "Rate limit reached for this API key: 60 requests per minute, at most 2 at once. "
                       "Try again in 1 s.",
            "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}
        assert refused.header("x-ratelimit-remaining-requests") == "0"
        assert refused.header("Retry-After") == "1"
        wait = int(refused.header("retry-after-ms"))
        assert 0 < wait <= 1000
        time.sleep(wait / 1000)  # as long as the answer says, and no longer
        assert client.request("GET", "/v1/models").status == 200


def test_headers_of_a_token_limit(make_edge, executor):
    executor.respond = with_usage(40)
    edge = make_edge(keys=key_line("alice", "allow=* tokens=1k/d"))
    with edge.connect() as client:
        response = client.chat(CHAT)
        assert response.header("x-ratelimit-limit-tokens") == "1000"
        assert response.header("x-ratelimit-remaining-tokens") == str(1000 - CHAT_TOKENS)
        assert re.fullmatch(r"2h25m\d+s", response.header("x-ratelimit-reset-tokens"))
        assert response.header("x-ratelimit-limit-requests") is None
        assert response.header("X-Agent-Usage") is None
        # 40 were used, so 61 of the reserved ones are back.
        response = client.chat(CHAT)
        assert response.header("x-ratelimit-remaining-tokens") == str(1000 - 40 - CHAT_TOKENS)
        for _ in range(30):
            response = client.chat(CHAT)
        assert response.status == 429
        assert response.error["message"].startswith(
            f"Token limit reached for this API key: 1000 tokens per day; this request may take {CHAT_TOKENS}. "
            "Try again in ")
        assert int(response.header("Retry-After")) > 1


def test_a_full_slot_says_so(make_edge, executor):
    executor.respond = lambda request, connection: connection.wait_for_hangup()
    edge = make_edge(keys=key_line("alice", "allow=* streams=1"))
    with edge.connect() as first, edge.connect() as second:
        first.send(build_request("POST", "/v1/chat/completions", body=CHAT))
        edge.wait_for(lambda: edge.status()["slots"] == 1, "slot")
        refused = second.chat(CHAT)
        assert refused.status == 429
        assert refused.error["message"] == ("Too many requests at once for this API key: 1 may be in flight. "
                                            "Try again when one has ended.")
        assert refused.header("Retry-After") == "1"
        assert refused.header("retry-after-ms") is None
        # Only chat requests hold slots.
        executor.respond = lambda request, connection: connection.answer()
        assert second.request("GET", "/v1/models").status == 200
    edge.wait_for_rest()


def test_the_slot_is_free_when_the_client_has_the_end(make_edge, executor):
    executor.respond = with_usage(10)
    edge = make_edge(workers=4, keys=key_line("alice", "allow=* streams=1"))
    for _ in range(100):
        with edge.connect() as client:
            assert client.chat(CHAT).status == 200


# Whose limit

def test_limits_belong_to_the_id_and_not_to_the_secret(make_edge):
    words = "allow=* requests=2/h"
    keys = key_line("shop", words, secret="agk_one") + key_line("shop", words, secret="agk_two") + key_line("bob", words)
    edge = make_edge(keys=keys)
    with edge.connect() as client:
        found = [client.request("GET", "/v1/models", key=key).status for key in ("one", "two", "one", "two", "bob")]
    assert found == [200, 200, 429, 429, 200]


@pytest.mark.item("S3-31")
def test_a_limit_per_user_of_a_key(make_edge):
    edge = make_edge(keys=key_line("alice") + key_line("bob"),
                     locations=chat_location("agent_limit requests=2/h per=user;"))

    def ask(client, user, key="alice"):
        body = json.dumps({"model": "m", **({"user": user} if user else {})})
        return client.chat(body, [("X-Request-Id", f"{key}-{user}-{time.monotonic_ns()}")], key)

    with edge.connect() as client:
        found = [ask(client, user).status for user in ("ann", "ann", "ann", "ben", None, None, None, "ann")]
        assert found == [200, 200, 429, 200, 200, 200, 429, 429]
        # A user is one of its key: the same name with another key is somebody else.
        assert ask(client, "ann", "bob").status == 200
        refused = ask(client, "ann")
        assert refused.error["message"].startswith("Rate limit reached for this user of the API key: 2 requests per hour.")
        assert edge.logged(refused.header("X-Request-Id"))["user"] == "ann"
    assert edge.status()["limited_total{per=user,limit=requests}"] == 4


def test_a_limit_per_agent_counts_all_keys(make_edge):
    edge = make_edge(keys=key_line("alice") + key_line("bob"),
                     locations=chat_location("agent_limit requests=2/h per=agent;"))
    with edge.connect() as client:
        found = [client.chat('{"model":"%s"}' % model, key=key).status
                 for model, key in (("m", "alice"), ("default/m", "bob"), ("m", "bob"), ("n", "bob"), ("m", "alice"))]
        assert found == [200, 200, 429, 200, 429]
        message = client.chat('{"model":"m"}').error["message"]
        assert message.startswith('Rate limit reached for the agent "default/m": 2 requests per hour.')


def test_all_limits_hold_at_once_and_a_refusal_charges_none_of_them(make_edge, executor):
    executor.respond = with_usage(CHAT_TOKENS)
    edge = make_edge(keys=key_line("alice", "allow=* tokens=10k/d"),
                     locations=chat_location("agent_limit requests=1/h per=user; agent_limit requests=3/h per=agent;"))
    with edge.connect() as client:
        def ask(user):
            return client.chat('{"model":"m","user":"%s","max_tokens":10}' % user)
        assert [ask("a").status, ask("a").status, ask("a").status] == [200, 429, 429]
        # The refused ones took nothing of the agent's.
        assert [ask("b").status, ask("c").status, ask("d").status] == [200, 200, 429]
        status = edge.wait_for_rest()
        assert status["limited_total{per=user,limit=requests}"] == 2
        assert status["limited_total{per=agent,limit=requests}"] == 1
        # The headers show the limit that leaves the least.
        assert ask("e").header("x-ratelimit-limit-requests") == "3"


def test_inheritance_and_places(make_edge):
    edge = make_edge(
        http="agent_limit requests=2/h;",
        keys=key_line("alice") + key_line("own", "allow=* requests=4/h") + key_line("burst", "allow=* burst=1"),
        locations="""
            location = /one { agent_scope chat; proxy_pass http://executors; }
            location = /two { agent_scope chat; proxy_pass http://executors; }
            location /apart { agent_scope chat; agent_limit requests=1/h; proxy_pass http://executors;
                location = /apart/inner { proxy_pass http://executors; } }
            location = /free { agent_scope chat; agent_limit off; proxy_pass http://executors; }
        """)

    def ask(paths, key):
        with edge.connect() as client:
            return [client.request("GET", path, key=key).status for path in paths.split()]
    # One count for all locations that inherit the limit of http {}; a location's own is apart.
    assert ask("/one /two /one /two", "alice") == [200, 200, 429, 429]
    assert ask("/apart /apart/inner /free /free /free", "alice") == [200, 429, 200, 200, 200]
    # The key's own limit counts everywhere, also where the location has none.
    assert ask("/one /two /apart /free /one /apart /free", "own") == [200, 200, 200, 200, 429, 429, 429]
    assert ask("/one /one", "burst") == [200, 429]
