"""The sample configuration as it is shipped, over TLS, with HTTP/1.1 and HTTP/2."""

import getpass
import re
import socket
import ssl

import httpx
import pytest

from edge_harness import ROOT, SECRET, Edge, key_line, make_certificate, secret_of, trusting
from proof_check import assert_proof_holds

CHAT = {"model": "m", "messages": []}
KEYS = key_line("alice", "allow=default/* requests=1m/s tokens=100m/s streams=1k") + key_line("bob") + key_line("ops", "allow=* scopes=chat,mcp,runs,admin") + key_line(
    "tools", "scopes=mcp")


def rewrite_sample(edge, executor_address, listen):
    """Literal replacements, each of which must find something: what a local stack does too."""
    text = (ROOT / "conf/nginx.conf").read_text()
    certificate, key = make_certificate(edge.directory)
    extra = edge.directory / "nginx.d"
    extra.mkdir(exist_ok=True)
    for old, new in [
        ("/usr/lib/nginx/modules/ngx_http_agent_module.so", str(edge.module)),
        ("/etc/agent-gateway/api_keys", str(edge.keys_file)),
        ("/etc/agent-gateway/edge_secret", str(edge.secret_file)),
        ("/etc/agent-gateway/tls/server.crt", str(certificate)),
        ("/etc/agent-gateway/tls/server.key", str(key)),
        ("unix:/run/agent-gateway/executor.sock", executor_address),
        ("/run/agent-gateway/nginx.pid", str(edge.directory / "nginx.pid")),
        ("/var/log/agent-gateway/access.log", str(edge.access_log)),
        ("/var/log/agent-gateway/error.log warn", f"{edge.error_log} notice"),
        ("/var/lib/agent-gateway/nginx/", str(edge.directory) + "/"),
        ("listen 8443 ssl http2;", f"listen {listen} ssl http2;"),
        ("listen [::]:8443 ssl http2;", ""),
        ("user www-data;", f"daemon off; user {getpass.getuser()};"),
        ("worker_processes auto;", "worker_processes 1;"),
        ("include /etc/agent-gateway/nginx.d/*.conf;", f"include {extra}/*.conf;"),
    ]:
        assert old in text, f"the sample has no {old!r}"
        text = text.replace(old, new)
    assert "/etc/agent-gateway/" not in re.sub(r"#.*", "", text)
    return text


@pytest.fixture
def edge(tmp_path, executor):
    edge = Edge(tmp_path / "sample", keys=KEYS, tls=True)
    edge.start(lambda listen: rewrite_sample(edge, executor.address, listen))
    yield edge
    edge.stop()


@pytest.fixture(params=[False, True], ids=["http1", "http2"])
def client(request, edge):
    with httpx.Client(base_url=edge.url(), http1=not request.param, http2=request.param,
                      verify=trusting(edge.directory / "server.crt"), timeout=20) as client:
        client.is_http2 = request.param
        yield client


def key(name):
    return {"Authorization": f"Bearer {secret_of(name)}"}


@pytest.mark.item("S1-113")
def test_the_sample_passes_nginx_t(tmp_path):
    edge = Edge(tmp_path / "sample", keys=KEYS)
    succeeded, said = edge.check(rewrite_sample(edge, f"unix:{tmp_path}/executor.sock", f"unix:{tmp_path}/listen.sock"))
    assert succeeded, said


def test_a_chat_request(edge, executor, client):
    response = client.post("/v1/chat/completions", json=CHAT, headers={**key("alice"), "X-Agent-Key-Id": "root"})
    assert response.status_code == 200
    assert response.http_version == ("HTTP/2" if client.is_http2 else "HTTP/1.1")
    request = executor.last()
    assert_proof_holds(request, SECRET)
    assert request.header("X-Agent-Key-Id") == "alice"
    assert request.header("X-Agent-Model") == "default/m"
    entry = edge.logged(response.headers["x-request-id"])
    assert entry["event"] == "request"
    assert entry["path"] == "/v1/chat/completions"
    assert (entry["key_id"], entry["model"], entry["stream"], entry["total_tokens"]) == ("alice", "default/m", False, None)
    assert entry["upstream_status"] == "200" and entry["upstream_addr"] == executor.address
    assert {"ts", "duration", "client_ip", "user_agent", "upstream_time", "error"} <= set(entry)


@pytest.mark.parametrize(
    "method, path, who, status",
    [
        ("GET", "/v1/models", "tools", 200),
        ("GET", "/v1/models/a%2Fb", "tools", 200),
        ("GET", "/v1/models/", "alice", 200),
        ("GET", "/v1/runs/x", "alice", 200),
        ("POST", "/v1/unknown", "alice", 200),
        ("GET", "/v1/models", None, 401),
        ("GET", "/v1/unknown", None, 401),
        ("GET", "/tools", "ops", 200),
        ("GET", "/tools", "alice", 403),
        ("GET", "/", None, 200),
        ("GET", "/ready", None, 200),
        ("GET", "/v1", "alice", 404),
        ("GET", "/tools/", "ops", 404),
        ("GET", "//v1/models", "alice", 404),
        ("GET", "/nothing", None, 404),
        ("POST", "/v1/chat/completions", "tools", 403),
        ("POST", "/health", None, 405),
    ],
)
def test_the_paths(executor, client, method, path, who, status):
    response = client.request(method, path, headers=key(who) if who else {}, content=b"{}" if method == "POST" else None)
    assert response.status_code == status
    assert response.headers["x-request-id"]
    if status == 200:
        # The fake answers everything: what counts is that it was asked, and for the same path.
        assert executor.last().target == path
    else:
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}
        assert executor.requests == []
    assert response.headers.get("allow") == ("GET, HEAD" if status == 405 else None)


@pytest.mark.item("S1-12")
def test_health_needs_no_executor(executor, client):
    executor.close()
    response = client.get("/health")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json()["status"] == "ok" and response.json()["service"] == "agent-gateway"
    response = client.get("/ready")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "no_executor")


@pytest.mark.parametrize("size", [0, 1000, 100_000, 1_000_000])
def test_a_refusal_reaches_the_client_whatever_it_uploads(executor, client, size):
    for _ in range(10):
        response = client.post("/v1/chat/completions", content=b"x" * size, headers=key("nobody"))
        assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")
        if not client.is_http2 and size > 64 * 1024:
            break  # the connection was closed: one is enough
    assert client.post("/v1/chat/completions", json=CHAT, headers=key("alice")).status_code == 200
    assert len(executor.requests) == 1


@pytest.mark.parametrize("size", [100, 700_000, 12 << 20])
def test_bodies_arrive_as_sent(executor, client, size):
    body = b'{"model":"m","x":"' + b"y" * size + b'"}'
    assert client.post("/v1/chat/completions", content=body, headers=key("alice")).status_code == 200
    assert executor.last().body == body

    def in_parts():
        for start in range(0, len(body), 50_000):
            yield body[start:start + 50_000]

    assert client.post("/v1/chat/completions", content=in_parts(), headers=key("alice")).status_code == 200
    assert executor.last().body == body


def test_bad_bodies(executor, client):
    for body, code in [(b"", "invalid_json"), (b"{}", "missing_required_parameter"),
                       (b'{"model":"m","model":"n"}', "duplicate_key"), (b'{"model":"a/b"}', "agent_not_allowed")]:
        response = client.post("/v1/chat/completions", content=body, headers=key("alice"))
        assert response.json()["error"]["code"] == code
    assert executor.requests == []


def test_a_stream(edge, executor, client):
    def respond(request, connection):
        connection.start_stream()
        connection.chunk("data: 1\n\n: agent-usage ")
        connection.chunk('{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}\n\ndata: [DONE]\n\n')
        connection.end_stream()

    executor.respond = respond
    with client.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True}, headers=key("alice")) as response:
        assert response.read() == b"data: 1\n\ndata: [DONE]\n\n"
    entry = edge.logged(response.headers["x-request-id"])
    assert (entry["stream"], entry["prompt_tokens"], entry["completion_tokens"], entry["total_tokens"]) == (True, 1, 2, 3)


def test_plain_http_on_the_tls_port(edge):
    with edge.connect() as client:
        response = client.request("GET", "/health")
    assert (response.status, response.error["code"]) == (400, "bad_request")
    assert "https" in response.error["message"]


def test_old_tls_is_refused(edge):
    context = trusting(edge.directory / "server.crt")
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as sock:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            context.wrap_socket(sock, server_hostname="127.0.0.1")


def test_extra_files_are_included(edge, executor):
    (edge.directory / "nginx.d/extra.conf").write_text("this is wrong;\n")
    succeeded, said = edge.check(edge.config_file.read_text())
    assert not succeeded
    assert "extra.conf:1" in said
    edge.expect_error("extra.conf:1")


@pytest.mark.item("S1-80")
def test_the_default_limits(client):
    statuses = [client.get("/v1/models", headers={"Authorization": f"Bearer {secret_of('bob')}"}).status_code
                for _ in range(25)]
    assert statuses[:20] == [200] * 20
    assert statuses[-1] == 429


def test_metrics_are_for_administrators(client):
    found = [client.get("/metrics", headers={"Authorization": f"Bearer {secret_of(name)}"}) for name in ("alice", "ops")]
    assert [response.status_code for response in found] == [403, 200]
    assert "agent_gateway_edge_keys 4\n" in found[1].text
