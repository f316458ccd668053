"""Who is let in, and what a refusal looks like."""

import pytest

from edge_keys import key_line, secret_of

KEYS = (
    key_line("alice", "allow=* scopes=chat")
    + key_line("root", "allow=* scopes=chat,admin")
    + key_line("tools", "scopes=mcp")
    + key_line("plain", "allow=*")
    + key_line("old", "allow=* expires=2020-01-01T00:00:00Z")
    + key_line("young", "allow=* expires=2099-01-01T00:00:00Z")
)
CHAT = '{"model":"m","messages":[]}'


@pytest.fixture
def edge(make_edge):
    return make_edge(keys=KEYS)


def bearer(name, scheme="Bearer"):
    return ("Authorization", f"{scheme} {secret_of(name)}")


def api_key(name):
    return ("x-api-key", secret_of(name))


@pytest.mark.parametrize(
    "headers",
    [
        [bearer("alice")],
        [bearer("alice", "bearer")],
        [bearer("alice", "BEARER")],
        [("authorization", f"Bearer   {secret_of('alice')}")],
        [api_key("alice")],
        [("X-API-KEY", secret_of("alice"))],
        [bearer("alice"), api_key("alice")],
        [bearer("plain")],
        [bearer("young")],
    ],
)
def test_accepts_a_good_key(edge, executor, headers):
    with edge.connect() as client:
        assert client.chat(CHAT, headers, key=None).status == 200
    request = executor.last()
    assert request.header("Authorization") is None
    assert request.header("x-api-key") is None
    assert request.header("X-Agent-Key-Id") in ("alice", "plain", "young")


@pytest.mark.parametrize(
    "headers, code",
    [
        ([], "invalid_api_key"),
        ([bearer("nobody")], "invalid_api_key"),
        ([api_key("nobody")], "invalid_api_key"),
        ([("Authorization", "Bearer")], "invalid_api_key"),
        ([("Authorization", "Bearer ")], "invalid_api_key"),
        ([("Authorization", secret_of("alice"))], "invalid_api_key"),
        ([("Authorization", "Basic YWxpY2U6eA==")], "invalid_api_key"),
        ([("Authorization", "Basic YWxpY2U6eA=="), api_key("alice")], "invalid_api_key"),
        ([bearer("alice"), api_key("root")], "invalid_api_key"),
        ([api_key("alice"), api_key("alice")], "invalid_api_key"),
        ([("x-api-key", "")], "invalid_api_key"),
        ([("Authorization", "Bearer " + "x" * 600)], "invalid_api_key"),
        ([bearer("old")], "key_expired"),
    ],
)
def test_refuses_a_bad_key(edge, executor, headers, code):
    with edge.connect() as client:
        response = client.chat(CHAT, headers, key=None)
        assert response.status == 401
        assert response.error["code"] == code
        assert response.error["type"] == "invalid_request_error"
        assert response.header("WWW-Authenticate") == "Bearer"
        assert response.header("X-Request-Id")
        # The refused body was read: the same connection serves the next request.
        assert client.chat(CHAT).status == 200
    assert len(executor.requests) == 1


@pytest.mark.parametrize("second", ["alice", "nobody"])
def test_refuses_two_authorization_headers(edge, executor, second):
    """nginx itself calls such a request malformed; the client is told what is wrong all the same."""
    with edge.connect() as client:
        response = client.chat(CHAT, [bearer("alice"), bearer(second)], key=None)
        assert (response.status, response.error["code"]) == (401, "invalid_api_key")
        assert response.header("WWW-Authenticate") == "Bearer"
    assert executor.requests == []


@pytest.mark.parametrize(
    "key, path, status",
    [
        ("alice", "/tools", 403),
        ("root", "/tools", 200),
        ("tools", "/v1/models", 200),
        ("tools", "/v1/chat/completions", 403),
        ("root", "/v1/chat/completions", 200),
    ],
)
def test_asks_for_one_of_the_scopes(edge, key, path, status):
    with edge.connect() as client:
        response = client.request("GET", path, key=key)
    assert response.status == status
    if status == 403:
        assert response.error["code"] == "scope_not_granted"
        assert response.error["type"] == "permission_error"


def test_says_nothing_of_the_key_in_answers_and_logs(edge):
    secret = "agk_very-secret-thing"
    with edge.connect() as client:
        response = client.chat(CHAT, [("Authorization", f"Bearer {secret}")], key=None)
        assert client.chat(CHAT).status == 200
    entry = edge.logged(response.header("X-Request-Id"))
    assert (entry["status"], entry["error"], entry["key_id"]) == (401, "invalid_api_key", "")
    written = response.body.decode() + edge.errors() + edge.access_log.read_text()
    assert secret not in written
    assert secret_of("alice") not in written


@pytest.mark.parametrize(
    "allow, model, allowed",
    [
        ("allow=default/*", "m", True),
        ("allow=default/*", "default/m", True),
        ("allow=default/*", "research/m", False),
        ("allow=m", "default/m", True),
        ("allow=*", "research/m", True),
        ("allow=*  deny=research/secret", "research/secret", False),
        ("allow=*  deny=research/secret", "research/public", True),
        ("allow=m* deny=m", "m", False),
        ("deny=other", "m", False),
        ("", "m", False),
    ],
)
def test_lets_a_key_use_only_its_agents(make_edge, executor, allow, model, allowed):
    edge = make_edge(keys=key_line("alice", allow))
    with edge.connect() as client:
        response = client.chat('{"model":"%s"}' % model)
        if allowed:
            assert response.status == 200
            assert executor.last().header("X-Agent-Model") == (model if "/" in model else "default/" + model)
        else:
            assert response.status == 403
            assert response.error["code"] == "agent_not_allowed"
            assert response.error["param"] == "model"
            assert model in response.error["message"]
            assert executor.requests == []
        # The body was read, so the connection goes on.
        assert client.request("GET", "/health").status == 200


def test_refuses_when_satisfy_any_would_let_an_address_in(make_edge, executor):
    edge = make_edge(server="satisfy any; allow 127.0.0.1;", keys=KEYS)
    with edge.connect() as client:
        assert client.chat(CHAT, key=None).status == 401
        assert client.chat(CHAT).status == 200
    assert len(executor.requests) == 1
