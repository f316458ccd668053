"""agent_limit and the limits of keys: who is refused, in what words, and that nothing stays behind."""

import json
import re
import threading
import time

import pytest

from edge_harness import build_request, key_line

CHAT = '{"model":"m","max_tokens":90,"stream":false}'  # 44 bytes: 11 tokens, and 90
CHAT_TOKENS = 101


def chat_location(words="", more=""):
    return """
        location = /v1/chat/completions { agent_scope chat; proxy_pass http://executors; %s %s }
        location = /v1/models { agent_scope chat mcp; proxy_pass http://executors; }
        location = /status { access_log off; agent_status json; }
    """ % (words, more)


def with_usage(total, completion=5):
    usage = json.dumps({"prompt_tokens": total - completion, "completion_tokens": completion, "total_tokens": total})
    return lambda request, connection: connection.answer(headers=[("X-Agent-Usage", usage)])


def statuses(edge, count, send, lanes=50):
    """`count` requests at once: pipelined on `lanes` connections. How often each status came."""
    found = {}
    lock = threading.Lock()
    ready = threading.Barrier(lanes)

    def lane():
        with edge.connect() as client:
            ready.wait()
            client.send(send * (count // lanes))
            for _ in range(count // lanes):
                status = client.response().status
                with lock:
                    found[status] = found.get(status, 0) + 1

    threads = [threading.Thread(target=lane) for _ in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


# Exact counts over several workers

@pytest.mark.item("S1-80")
def test_ten_thousand_requests_at_once_over_four_workers_admit_the_burst(make_edge, executor):
    edge = make_edge(workers=4, keys=key_line("alice", "allow=* requests=60/h burst=20"))
    found = statuses(edge, 10_000, build_request("GET", "/v1/models"))
    assert found == {200: 20, 429: 9_980}
    assert len(executor.requests) == 20
    assert edge.status()["limited_total{per=key,limit=requests}"] == 9_980


def test_ten_thousand_token_reservations_at_once_admit_what_the_limit_holds(make_edge, executor):
    executor.respond = with_usage(CHAT_TOKENS)
    edge = make_edge(workers=4, keys=key_line("alice", f"allow=* tokens={CHAT_TOKENS * 20}/h"))
    found = statuses(edge, 10_000, build_request("POST", "/v1/chat/completions", body=CHAT))
    assert found == {200: 20, 429: 9_980}
    status = edge.wait_for_rest()
    assert status["limited_total{per=key,limit=tokens}"] == 9_980
    assert status["tokens_total{kind=total}"] == CHAT_TOKENS * 20


def test_streams_at_once_over_four_workers_are_admitted_up_to_the_limit(make_edge, executor):
    gone = threading.Event()

    def respond(request, connection):
        connection.start_stream()
        connection.chunk("data: 1\n\n")
        gone.wait(20)
        return True

    executor.respond = respond
    edge = make_edge(workers=4, keys=key_line("alice", "allow=* streams=20"))
    clients = [edge.connect() for _ in range(200)]
    for client in clients:
        client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
    found = [client.head().status for client in clients]
    assert (found.count(200), found.count(429)) == (20, 180)
    status = edge.status()
    assert (status["slots"], status["open_chats"], status["ledger_entries"]) == (20, 20, 20)
    for client in clients:
        client.sock.close()
    edge.wait_for_rest()
    gone.set()


def test_two_clients_fighting_for_the_last_token(make_edge, executor):
    executor.respond = with_usage(CHAT_TOKENS)
    for attempt in range(10):
        edge = make_edge(workers=2, keys=key_line("alice", f"allow=* tokens={CHAT_TOKENS}/h"))
        found = statuses(edge, 2, build_request("POST", "/v1/chat/completions", body=CHAT), lanes=2)
        assert found == {200: 1, 429: 1}, attempt


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
        time.sleep(wait / 1000)
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


# Reserve and settle

def remaining(client):
    return int(client.chat(CHAT).header("x-ratelimit-remaining-tokens"))


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

    def respond(request, connection):
        connection.start_stream()
        for at in range(0, len(text), size):
            connection.chunk(text[at:at + size])
        connection.end_stream()

    executor.respond = respond
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


def test_a_dry_run_counts_and_lets_pass(make_edge, executor):
    executor.respond = with_usage(CHAT_TOKENS)
    edge = make_edge(keys=key_line("alice"),
                     locations=chat_location(f"agent_limit requests=2/h tokens={CHAT_TOKENS}/h streams=1 dry_run;"))
    with edge.connect() as client:
        for number in range(4):
            response = client.chat(CHAT, [("X-Request-Id", f"n{number}")])
            assert response.status == 200
            assert response.header("x-ratelimit-limit-requests") is None
    found = [(edge.logged(f"n{n}")["limit"], edge.logged(f"n{n}")["limited_by"]) for n in range(4)]
    assert found == [("passed", ""), ("limited_dry_run", "key_tokens"), ("limited_dry_run", "key_tokens"),
                     ("limited_dry_run", "key_tokens")]
    status = edge.wait_for_rest()
    assert status["limited_dry_run_total{per=key,limit=requests}"] == 2
    assert status["limited_dry_run_total{per=key,limit=tokens}"] == 3
    assert status["limited_total{per=key,limit=requests}"] == 0


def test_a_dry_run_of_the_keys_own_limits(make_edge):
    edge = make_edge(http="agent_limit dry_run;", keys=key_line("alice", "allow=* requests=1/h"))
    with edge.connect() as client:
        assert [client.request("GET", "/v1/models").status for _ in range(3)] == [200, 200, 200]
    assert edge.status()["limited_dry_run_total{per=key,limit=requests}"] == 2


# A request that is refused for another reason

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


@pytest.mark.parametrize("what", ["upload", "wait", "stream"])
def test_a_client_that_leaves_gives_back_its_slot(make_edge, executor, what):
    def respond(request, connection):
        if what == "stream":
            connection.start_stream()
            connection.chunk("data: 1\n\n")
        connection.wait_for_hangup()
        return True

    executor.respond = respond
    edge = make_edge(workers=2, keys=key_line("alice", "allow=* streams=1000 tokens=100m/d"))
    request = build_request("POST", "/v1/chat/completions", body=CHAT)
    for _ in range(50):
        with edge.connect() as client:
            client.send(request[:-5] if what == "upload" else request)
            if what == "stream":
                client.head()
                client.chunk()
            elif what == "wait":
                edge.wait_for(lambda: executor.requests, "request")
    edge.wait_for_rest()


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
