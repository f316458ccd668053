"""What the executor is told, and what clients cannot tell it."""

import re

import pytest

from edge_keys import SECRET, key_line
from proof_check import assert_proof_holds
from raw_client import build_request

CHAT = '{"model":"m"}'
FORGED = [
    ("X-Agent-Key-Id", "admin"),
    ("x-agent-scopes", "admin"),
    ("X-AGENT-GRANTS", "allow=*"),
    ("X-Agent-Model", "default/other"),
    ("X-Agent-Proof", "v1;t=1;h=" + "0" * 64),
    ("X-Agent-Anything", "1"),
    ("X-User-Id", "root"),
]
UNDERSCORED = [("X_Agent_Scopes", "admin"), ("x_agent-key_id", "root"), ("X_User_Id", "root")]


@pytest.mark.parametrize(
    "method, path, body, is_open",
    [
        ("POST", "/v1/chat/completions", CHAT, False),
        ("GET", "/v1/models?x=1&y=a%2Fb", None, False),
        ("DELETE", "/v1/runs/1", None, False),
        ("GET", "/ready", None, True),
        ("POST", "/ready", "anything", True),
    ],
)
def test_forged_headers_never_arrive(make_edge, executor, method, path, body, is_open):
    edge = make_edge(server="underscores_in_headers on;")
    # Between them, at the front and at the end stand headers that must stay.
    headers = [("Kept-First", "1"), *FORGED[:3], ("Kept-Middle", "2"), *FORGED[3:], *UNDERSCORED, ("Kept-Last", "3")]
    with edge.connect() as client:
        assert client.request(method, path, headers, body).status == 200
        assert client.request(method, path, FORGED, body).status == 200
    for request in executor.requests:
        assert_proof_holds(request, SECRET)
        names = sorted(name.lower() for name, _ in request.headers if "agent" in name.lower() or "user" in name.lower())
        if is_open:
            assert names == ["x-agent-proof"]
        else:
            expected = ["x-agent-grants", "x-agent-key-id", "x-agent-proof", "x-agent-scopes"]
            assert names == sorted(expected + (["x-agent-model"] if method == "POST" else []))
            assert request.header("X-Agent-Key-Id") == "alice"
            assert request.header("X-Agent-Scopes") == "chat"
            assert request.header("X-Agent-Grants") == "allow=*"
        assert request.header("X-Request-Id")
    kept = [(name, value) for name, value in executor.requests[0].headers if name.startswith("Kept-")]
    assert kept == [("Kept-First", "1"), ("Kept-Middle", "2"), ("Kept-Last", "3")]


@pytest.mark.parametrize("position", range(24))
def test_removes_a_header_wherever_it_stands(edge, executor, position):
    """nginx keeps headers in blocks of 20: every place in and across two of them."""
    headers = [(f"H-{i}", str(i)) for i in range(23)]
    sent = headers[:position] + [("X-Agent-Scopes", "admin")] + headers[position:]
    with edge.connect() as client:
        assert client.request("GET", "/v1/models", sent).status == 200
    request = executor.last()
    assert request.header("X-Agent-Scopes") == "chat"
    assert [(name, value) for name, value in request.headers if name.startswith("H-")] == headers


def test_grants_carry_the_rules_of_the_key(make_edge, executor):
    long_id = "a.key.id-with@64-characters." + "x" * 36
    rules = "allow=default/*,research/* deny=research/secret scopes=chat,runs act_as=researcher"
    edge = make_edge(keys=key_line(long_id, rules))
    with edge.connect() as client:
        assert client.request("GET", "/v1/models", key=long_id).status == 200
    request = executor.last()
    assert request.header("X-Agent-Key-Id") == long_id
    assert request.header("X-Agent-Scopes") == "chat,runs"
    assert request.header("X-Agent-Grants") == "allow=default/*,research/*;deny=research/secret;act_as=researcher"
    assert_proof_holds(request, SECRET)


@pytest.mark.parametrize(
    "sent, is_kept",
    [
        (["req-1"], True),
        (["A.b_c-9" + "x" * 121], True),
        (["x" * 129], False),
        (["has space"], False),
        ([""], False),
        (["quote\"in"], False),
        (["one", "two"], False),
        ([], False),
    ],
)
def test_one_request_id_goes_both_ways(edge, executor, sent, is_kept):
    with edge.connect() as client:
        response = client.request("GET", "/v1/models", [("X-Request-Id", value) for value in sent])
    request_id = response.header("X-Request-Id")
    assert executor.last().header("X-Request-Id") == request_id
    if is_kept:
        assert request_id == sent[0]
    else:
        assert re.fullmatch("[0-9a-f]{32}", request_id)
    assert edge.logged(request_id)["status"] == 200


def test_every_kind_of_answer_has_a_request_id(edge, executor):
    executor.respond = lambda request, connection: connection.answer(headers=[("X-Request-Id", "of-the-executor")])
    with edge.connect() as client:
        for path in ("/v1/models", "/health", "/nothing", "/ready"):
            assert client.request("GET", path, [("X-Request-Id", "mine")]).header("X-Request-Id") == "mine"


def test_signs_what_is_on_the_request_line(edge, executor):
    for target in ("/v1/models/a%2Fb%20c?q=%22x%22", "/v1//models/", "/v1/models/./x", "/v1/models/?"):
        with edge.connect() as client:
            assert client.request("GET", target).status == 200
        assert executor.last().target == target
        assert_proof_holds(executor.last(), SECRET)


def test_signs_with_the_first_secret(edge, executor):
    edge.secret_file.write_text("another-secret-that-is-new-0123456789\n" + SECRET + "\n")
    edge.reload()

    # A new connection may still be taken by the old worker while it goes.
    def is_new():
        with edge.connect() as client:
            client.request("GET", "/ready")
        return _is_signed_by(executor, "another-secret-that-is-new-0123456789")

    edge.wait_for(is_new, "request signed with the new secret")


def _is_signed_by(executor, secret):
    try:
        assert_proof_holds(executor.last(), secret)
    except AssertionError:
        return False
    return True


def test_an_internal_redirect_does_not_sign_twice(make_edge, executor):
    edge = make_edge(locations="""
        location = /v1/outer { agent_scope chat; error_page 418 = @inner; if ($request_method = GET) { return 418; } }
        location @inner { agent_scope chat; proxy_pass http://executors; }
        location = /v1/fallback { agent_scope chat; proxy_intercept_errors on; error_page 404 = @inner;
                                  proxy_pass http://executors; }
        location = /open { error_page 418 = @inner; return 418; }
        location = /admin { error_page 418 = @admin; agent_scope chat; if ($uri) { return 418; } }
        location @admin { agent_scope admin; proxy_pass http://executors; }
    """)
    first = []

    def respond(request, connection):
        first.append(request)
        connection.answer(404 if request.target == "/v1/fallback" and len(first) == 1 else 200)

    executor.respond = respond
    with edge.connect() as client:
        assert client.request("POST", "/v1/fallback", body=CHAT).status == 200
    with edge.connect() as client:
        assert client.request("GET", "/v1/outer").status == 200
    with edge.connect() as client:
        assert client.request("GET", "/open", key=None).status == 401
        assert client.request("GET", "/admin").status == 403
    assert len(executor.requests) == 3
    for request in executor.requests:
        assert request.header("X-Agent-Key-Id") == "alice"
        assert request.header("X-Agent-Proof")
        assert request.header("X-Request-Id")


def test_http_0_9_and_1_0_requests_do_no_harm(edge, executor):
    with edge.connect() as client:
        client.send("GET /ready\r\n")
        assert b"target" in client.sock.recv(1000)
    with edge.connect() as client:
        client.send(build_request("GET", "/ready").replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert client.response().status == 200
    assert all(request.header("X-Agent-Proof") for request in executor.requests)
