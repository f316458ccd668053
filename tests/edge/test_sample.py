"""The sample configuration as it is shipped, over TLS, with HTTP/1.1 and HTTP/2."""

import getpass
import re
import socket
import ssl

import httpx
import pytest

from certificates import make_certificate, trusting
from edge_harness import Edge
from edge_keys import SECRET, key_line, secret_of
from edge_module import ROOT
from fake_executor import stream_of
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
        ("listen 127.0.0.1:8444 ssl http2;", f"listen unix:{edge.directory}/admin.sock ssl http2;"),
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
    """Of the public listener."""
    with httpx.Client(base_url=edge.url(), http1=not request.param, http2=request.param,
                      verify=trusting(edge.directory / "server.crt"), timeout=20) as client:
        client.is_http2 = request.param
        yield client


@pytest.fixture
def admin(client, edge):
    """Of the listener for administrators, with the same protocol."""
    transport = httpx.HTTPTransport(uds=str(edge.directory / "admin.sock"), http1=not client.is_http2,
                                    http2=client.is_http2, verify=trusting(edge.directory / "server.crt"))
    with httpx.Client(base_url="https://127.0.0.1", transport=transport, timeout=20) as admin:
        yield admin


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
        ("GET", "/", None, 200),
        ("GET", "/ready", None, 200),
        ("GET", "/v1", "alice", 404),
        ("GET", "/tools", "ops", 404),
        ("GET", "/metrics", "ops", 404),
        ("GET", "/metrics", None, 404),
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


@pytest.mark.parametrize(
    "path, who, status",
    [
        ("/tools", "ops", 200),
        ("/tools", "alice", 403),
        ("/tools", None, 401),
        ("/agents/errors", "ops", 200),
        ("/upstreams/refresh", "alice", 403),
        ("/mcp/servers", "ops", 200),
        ("/admin/reload", "ops", 200),
        ("/admin/metrics", None, 401),
        ("/mcp", "ops", 404),
        ("/toolsmith", "ops", 404),
        ("/metrics", "ops", 200),
        ("/metrics", "alice", 403),
        ("/metrics", None, 401),
        ("/v1/models", "ops", 404),
        ("/health", None, 404),
        ("/", "ops", 404),
    ],
)
def test_the_paths_of_administrators(edge, executor, admin, path, who, status):
    response = admin.get(path, headers=key(who) if who else {})
    assert response.status_code == status
    if status != 200:
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    # The edge answers for its own metrics; what executors answer for is theirs to refuse or not.
    asked = [path] if status == 200 and path != "/metrics" else []
    assert [request.target for request in executor.requests] == asked
    if path == "/metrics" and status == 200:
        assert "agent_gateway_edge_keys 4\n" in response.text
    assert edge.logged(response.headers["x-request-id"])["path"] == path


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
    usage = '{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}'
    executor.respond = stream_of("data: 1\n\n: agent-usage ", usage + "\n\ndata: [DONE]\n\n")
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


# Headers of every response

TRANSPORT_SECURITY = "max-age=31536000"


def assert_transport_security(*responses):
    for response in responses:
        assert response.headers.get_list("strict-transport-security") == [TRANSPORT_SECURITY], response.request.url


def test_every_answer_demands_https(edge, executor, client, admin):
    alice = key("alice")
    refused = [(client.post("/health"), 405), (client.get("/nothing"), 404), (client.get("/v1/models"), 401),
               (client.post("/v1/chat/completions", json={}, headers=alice), 400),
               (client.get("/v1/models", headers=[*alice.items(), *[("x", "")] * 5000]), 431),
               (admin.get("/metrics"), 401), (admin.get("/nothing"), 404)]
    assert [response.status_code for response, _ in refused] == [status for _, status in refused]
    assert_transport_security(*(response for response, _ in refused))
    assert_transport_security(client.get("/health"), client.head("/health"), admin.get("/metrics", headers=key("ops")),
                              client.get("/v1/models", headers=alice),
                              client.post("/v1/chat/completions", json=CHAT, headers=alice))
    executor.respond = lambda request, connection: connection.answer(404, b'{"error":{}}')
    assert_transport_security(client.get("/v1/models/x", headers=alice))
    executor.close()
    response = client.get("/ready")
    assert response.status_code == 503
    assert_transport_security(response)


def test_preflights_demand_https(tmp_path, executor):
    edge = Edge(tmp_path / "sample", keys=KEYS, tls=True)

    def with_cors(listen):
        text = rewrite_sample(edge, executor.address, listen)
        (edge.directory / "nginx.d/cors.conf").write_text("agent_cors https://page.example;\n")
        return text

    with (edge.running(with_cors),
          httpx.Client(base_url=edge.url(), verify=trusting(edge.directory / "server.crt")) as client):
        for origin, status in (("https://page.example", 204), ("https://other.example", 403)):
            response = client.options("/v1/models", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
            assert response.status_code == status
            assert_transport_security(response)


# HTTP/2 has no lines, and nginx closes the connection of a client that sends too much text at once.
CALM_DOWN = "error_code:11"


@pytest.mark.parametrize("lines, length, over_http1, over_http2", [
    (1, 7900, 200, 200), (1, 8300, 431, 200), (1, 28_000, 431, CALM_DOWN),
    (22, 1000, 200, 200), (28, 1000, 431, CALM_DOWN), (5000, 5, 431, 431)])
def test_headers_of_the_largest_size(executor, client, lines, length, over_http1, over_http2):
    headers = [(f"x-{number}", "y" * length) for number in range(lines)] + list(key("alice").items())
    expected = over_http2 if client.is_http2 else over_http1
    if expected == CALM_DOWN:
        with pytest.raises(httpx.RemoteProtocolError, match=CALM_DOWN):
            client.get("/v1/models", headers=headers)
    else:
        response = client.get("/v1/models", headers=headers)
        assert response.status_code == expected
    if expected == 200:
        assert executor.last().header("x-0") == "y" * length
    else:
        assert executor.requests == []
    if expected == 431:
        assert response.json()["error"]["code"] == "headers_too_large"
    assert client.get("/health").status_code == 200
