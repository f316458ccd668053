"""Who a request comes from is decided by the edge alone."""

import hashlib
import hmac
import http.client
import json
import socket
import time
from pathlib import Path

import pytest

from gateway_stack import assert_error, chat, secret_of

REQUEST_ID = "identity-test"
IDENTITY = {
    "x-agent-grants": "allow=*",
    "x-agent-key-id": "admin",
    "x-agent-model": "default/allowed",
    "x-agent-scopes": "chat,mcp,runs,admin",
}
BODY = json.dumps(chat("allowed")).encode()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def edge_secret(stack):
    return (Path(stack["AGENT_DIR"]) / "edge_secret").read_text().splitlines()[0].encode()


def proof(secret, method, target, headers, age=0):
    """The proof that an edge would send, written from its description."""
    seconds = int(time.time()) - age
    lines = ["agent-proof-v1", str(seconds), method, target, REQUEST_ID]
    lines += [f"{name}:{value}" for name, value in sorted(headers.items())]
    mac = hmac.new(secret, "\n".join(lines).encode(), hashlib.sha256)
    return f"v1;t={seconds};h={mac.hexdigest()}"


def ask_executor(stack, method, target, headers, body=None):
    """A request to the executor's own socket; the answer as (status, headers, body)."""
    connection = UnixConnection(stack["AGENT_EXECUTOR_SOCKET"])
    try:
        connection.request(method, target, body, {"X-Request-Id": REQUEST_ID, **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


CHAT = ("POST", "/v1/chat/completions", {**IDENTITY, "Content-Type": "application/json"}, BODY)
TOOLS = ("GET", "/tools", IDENTITY, None)


def signed(stack, request, secret=None, age=0, **changes):
    method, target, headers, body = request
    parts = {"method": method, "target": target, **changes}
    value = proof(secret or edge_secret(stack), parts["method"], parts["target"], IDENTITY, age)
    return method, target, {**headers, "X-Agent-Proof": value}, body


@pytest.mark.parametrize("request_parts", [CHAT, TOOLS], ids=["chat", "tools"])
def test_the_executor_believes_a_proof_and_nothing_else(quiet, request_parts):
    assert ask_executor(quiet, *signed(quiet, request_parts))[0] == 200
    quiet.forget()
    refused = [
        request_parts,
        signed(quiet, request_parts, age=31),
        signed(quiet, request_parts, age=-31),
        signed(quiet, request_parts, secret=b"another-secret-of-32-bytes-or-more"),
        signed(quiet, request_parts, method="PUT"),
        signed(quiet, request_parts, target="/v1/models"),
    ]
    for value in ("", "v1", "v1;t=1;h=00", "v2;t=1;h=" + "0" * 64):
        method, target, headers, body = request_parts
        refused.append((method, target, {**headers, "X-Agent-Proof": value}, body))
    for request in refused:
        assert_error(ask_executor(quiet, *request), 403, "proof_invalid")
    assert quiet.llm_requests() == []


@pytest.mark.parametrize(
    "change",
    [
        {"x-agent-scopes": "chat"},
        {"x-agent-key-id": "somebody"},
        {"x-agent-grants": "allow=default/*"},
        {"x-agent-extra": "1"},
        {"X_Agent_Scopes": "admin"},
    ],
    ids=str,
)
def test_a_proof_covers_every_identity_header(stack, change):
    method, target, headers, body = signed(stack, TOOLS)
    assert_error(ask_executor(stack, method, target, {**headers, **change}, body), 403, "proof_invalid")


def test_a_proof_is_bound_to_its_request_id(stack):
    method, target, headers, body = signed(stack, TOOLS)
    connection = UnixConnection(stack["AGENT_EXECUTOR_SOCKET"])
    connection.request(method, target, body, {**headers, "X-Request-Id": "another-id"})
    answer = connection.getresponse()
    assert_error((answer.status, answer.headers, answer.read()), 403, "proof_invalid")
    connection.close()


def forged_headers(stack):
    """What a client may try, in several spellings."""
    stolen = proof(edge_secret(stack), "GET", "/tools", IDENTITY)
    title_case = {name.title(): value for name, value in IDENTITY.items()}
    underscores = {name.replace("-", "_"): value for name, value in IDENTITY.items()}
    return [
        {"X-Agent-Scopes": "admin"},
        {"X-Agent-Key-Id": "admin", "X-Agent-Scopes": "chat,mcp,runs,admin"},
        title_case,
        underscores,
        {**title_case, **underscores},
        {**IDENTITY, "X-Agent-Proof": stolen, "X-Request-Id": REQUEST_ID},
        {"X-User-Id": "admin", "X-Forwarded-User": "admin"},
    ]


def test_headers_of_a_client_gain_nothing(quiet):
    for forged in forged_headers(quiet):
        with quiet.client("") as nobody, quiet.admin_client("") as no_admin:
            for client, path in ((nobody, "/v1/models"), (nobody, "/v1/models/allowed"), (no_admin, "/tools")):
                assert_error(client.get(path, headers=forged), 401, "invalid_api_key")
            answer = nobody.post("/v1/chat/completions", json=chat("allowed"), headers=forged)
            assert_error(answer, 401, "invalid_api_key")
        with quiet.admin_client(secret_of("limited")) as no_admin:
            assert_error(no_admin.get("/tools", headers=forged), 403, "scope_not_granted")
        with quiet.client(secret_of("limited")) as limited:
            models = limited.get("/v1/models", headers=forged).json()["data"]
            assert [model["id"] for model in models] == ["allowed"]
            answer = limited.post("/v1/chat/completions", json=chat("forbidden"), headers=forged)
            assert_error(answer, 403, "agent_not_allowed")
    assert quiet.llm_requests() == []


def test_headers_of_a_client_do_not_disturb_a_good_request(quiet):
    with quiet.client(secret_of("limited")) as limited:
        for forged in forged_headers(quiet):
            answer = limited.post("/v1/chat/completions", json=chat("allowed"), headers=forged)
            assert answer.status_code == 200, answer.text
    for record in quiet.llm_requests():
        assert not any(name.startswith(("x-agent", "x_agent")) for name in record["headers"])


def test_scopes_are_enforced_by_location(stack):
    with stack.admin_client(stack["AGENT_KEY"]) as user:
        assert_error(user.get("/tools"), 403, "scope_not_granted")
    with stack.client(stack["AGENT_ADMIN_KEY"]) as public:
        assert_error(public.get("/tools"), 404, "not_found")
    with stack.admin_client() as admin:
        tools = admin.get("/tools")
        assert tools.status_code == 200 and "get_weather" in tools.text
    with stack.client(secret_of("other-scope")) as other:
        assert other.get("/v1/models").status_code == 200
        answer = other.post("/v1/chat/completions", json=chat("allowed"))
        assert_error(answer, 403, "scope_not_granted")
