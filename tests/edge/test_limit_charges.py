"""Tokens are reserved before a request goes on and settled when it ends, however it does."""

import pytest

from edge_keys import key_line
from fake_executor import stream_of
from limited_chats import CHAT, CHAT_TOKENS, remaining, with_usage
from raw_client import build_request


@pytest.mark.parametrize("used, left", [(0, 1000), (10, 990), (101, 899), (700, 300)])
def test_what_was_used_is_charged(make_edge, executor, used, left):
    executor.respond = with_usage(used, completion=0)
    edge = make_edge(keys=key_line("alice", "allow=* tokens=1k/d"))
    with edge.connect() as client:
        assert remaining(client) == 1000 - CHAT_TOKENS
        assert remaining(client) == left - CHAT_TOKENS
    assert edge.wait_for_rest()["estimated_tokens_total"] == 0


def test_more_than_the_limit_is_a_debt(make_edge, executor):
    executor.respond = with_usage(3000)
    edge = make_edge(keys=key_line("alice", "allow=* tokens=1k/m"))
    with edge.connect() as client:
        assert client.chat(CHAT).status == 200
        refused = client.chat(CHAT)
        assert refused.status == 429
        # 2,000 and the 101 that are asked for must come back, at 1,000 a minute.
        assert 120 <= int(refused.header("Retry-After")) <= 127


def answer_stream(connection, usage=None, events=3, end=True):
    connection.start_stream([("X-Agent-Stream", "openai")])
    for i in range(events):
        connection.chunk(f"data: {i}\n\n")
    if usage is not None:
        connection.chunk(': agent-usage {"prompt_tokens":1,"completion_tokens":%d,"total_tokens":%d}\n\n'
                         % (usage - 1, usage))
    if end:
        connection.chunk("data: [DONE]\n\n")
        connection.end_stream()
    return not end


@pytest.mark.parametrize("script, charged", [
    (lambda r, c: answer_stream(c, usage=25), 25),
    (lambda r, c: answer_stream(c), CHAT_TOKENS),  # no report: what was reserved
    (lambda r, c: answer_stream(c, events=500), 501),  # or the events, when they are more
    (lambda r, c: answer_stream(c, usage=25, end=False), 25),  # cut after the report
    (lambda r, c: answer_stream(c, end=False), CHAT_TOKENS),
    (lambda r, c: c.answer(), CHAT_TOKENS),
    (lambda r, c: c.answer(status=400), 0),  # the executor refused: nothing ran
    (lambda r, c: c.answer(status=424, headers=[("X-Agent-Usage",
     '{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5}')]), 5),
    (lambda r, c: True, CHAT_TOKENS),  # taken and never answered
], ids=["stream", "unreported", "many-events", "cut-after-usage", "cut", "json", "refused", "failed", "lost"])
def test_what_is_charged_for_each_way_to_end(make_edge, executor, script, charged):
    executor.respond = script
    edge = make_edge(keys=key_line("alice", "allow=* tokens=10k/d streams=5"))
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", [("X-Request-Id", "one"), ("Connection", "close")], CHAT))
        while client.sock.recv(65536):
            pass
    assert edge.logged("one")["charged"] == (str(charged) if charged else "")
    status = edge.wait_for_rest()
    is_reported = charged in (5, 25)
    assert status["estimated_tokens_total"] == (0 if is_reported else charged)
    executor.respond = with_usage(1)
    with edge.connect() as client:
        assert remaining(client) == 10_000 - charged - CHAT_TOKENS


def test_a_request_that_reached_nobody_costs_nothing(make_edge, executor):
    edge = make_edge(keys=key_line("alice", "allow=* tokens=10k/d requests=100/d streams=5"))
    executor.close()
    with edge.connect() as client:
        response = client.chat(CHAT)
        assert (response.status, response.error["code"]) == (503, "no_executor")
        assert remaining(client) == 10_000 - CHAT_TOKENS
    edge.wait_for_rest()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_usage_split_at_every_byte_is_charged_once(make_edge, executor, size):
    text = 'data: 1\n\n: agent-usage {"prompt_tokens":30,"completion_tokens":3,"total_tokens":33}\n\ndata: [DONE]\n\n'
    executor.respond = stream_of(*(text[at:at + size] for at in range(0, len(text), size)))
    edge = make_edge(keys=key_line("alice", "allow=* tokens=10k/d"))
    with edge.connect() as client:
        assert b"agent-usage" not in client.chat(CHAT).body
        assert remaining(client) == 10_000 - 33 - CHAT_TOKENS


def test_without_max_tokens_the_average_is_reserved(make_edge, executor):
    executor.respond = with_usage(600, completion=500)
    edge = make_edge(keys=key_line("alice", "allow=* tokens=100k/d"))
    body = '{"model":"m","messages":[]}' + " " * 13  # 40 bytes
    with edge.connect() as client:
        first = int(client.chat(body).header("x-ratelimit-remaining-tokens"))
        assert first == 100_000 - 10 - 256  # nothing is known yet
        second = int(client.chat(body).header("x-ratelimit-remaining-tokens"))
        assert second == 100_000 - 600 - 10 - 500


def test_a_request_larger_than_the_limit_waits_for_an_empty_one(make_edge, executor):
    executor.respond = with_usage(10)
    edge = make_edge(keys=key_line("alice", "allow=* tokens=50/d"))
    with edge.connect() as client:
        response = client.chat('{"model":"m","max_tokens":9000}')
        assert (response.status, response.header("x-ratelimit-remaining-tokens")) == (200, "0")
        assert client.chat('{"model":"m","max_tokens":9000}').status == 429
