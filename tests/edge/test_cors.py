"""agent_cors: preflights are answered by the edge, and pages may read answers and errors."""

import pytest

from edge_harness import Edge

PAGE = "https://app.example.com"
SERVER = "agent_cors https://app.example.com https://*.internal.example http://localhost:3000;"
ASK = [("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization,content-type,x-stainless-os")]


def allowed(response):
    return response.header("Access-Control-Allow-Origin")


@pytest.mark.parametrize("origin", [PAGE, "https://a.b.internal.example", "http://localhost:3000"])
def test_a_preflight(make_edge, executor, origin):
    edge = make_edge(server=SERVER)
    with edge.connect() as client:
        client.send("OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: edge\r\nOrigin: %s\r\n%s\r\n" % (
            origin, "".join(f"{name}: {value}\r\n" for name, value in ASK)))
        response = client.head()
        assert response.status == 204
        assert allowed(response) == origin
        assert response.header("Access-Control-Allow-Headers") == "authorization,content-type,x-stainless-os"
        assert "POST" in response.header("Access-Control-Allow-Methods")
        assert response.header("Access-Control-Max-Age") == "600"
        assert response.header("Vary") == "Origin"
        assert response.header("Access-Control-Allow-Credentials") is None
        # The connection goes on.
        assert client.request("GET", "/v1/models").status == 200
    assert len(executor.requests) == 1


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.com.evil.example", "http://app.example.com",
                                    "https://internal.example", "null", "http://localhost:3001"])
def test_a_preflight_of_another_page(make_edge, executor, origin):
    edge = make_edge(server=SERVER)
    with edge.connect() as client:
        response = client.request("OPTIONS", "/v1/chat/completions", [("Origin", origin), *ASK], key=None)
        assert (response.status, response.error["code"]) == (403, "forbidden")
        assert allowed(response) is None
    assert executor.requests == []


def test_answers_and_errors_can_be_read(make_edge):
    edge = make_edge(server=SERVER, keys=None)
    with edge.connect() as client:
        for key, status in (("alice", 200), ("nobody", 401), (None, 401)):
            response = client.request("GET", "/v1/models", [("Origin", PAGE)], key=key)
            assert response.status == status
            assert allowed(response) == PAGE
            assert "x-request-id" in response.header("Access-Control-Expose-Headers")
        assert allowed(client.request("GET", "/nowhere", [("Origin", PAGE)])) == PAGE
        assert allowed(client.request("GET", "/v1/models", [("Origin", "https://evil.example")])) is None
        assert allowed(client.request("GET", "/v1/models")) is None
        # Too large: refused before the access phase.
        response = client.request("POST", "/tools", [("Origin", PAGE), ("Content-Length", "99999999")])
        assert (response.status, allowed(response)) == (413, PAGE)


def test_off_and_star(make_edge):
    edge = make_edge(server="agent_cors *;", locations="""
        location = /open { agent_scope chat; proxy_pass http://executors; }
        location = /closed { agent_cors off; agent_scope chat; proxy_pass http://executors; }""")
    with edge.connect() as client:
        assert allowed(client.request("GET", "/open", [("Origin", "https://any.example")])) == "https://any.example"
        response = client.request("GET", "/closed", [("Origin", "https://any.example")])
        assert (response.status, allowed(response), response.header("Vary")) == (200, None, None)
        # Without agent_cors OPTIONS is a method like any other.
        assert client.request("OPTIONS", "/closed", [("Origin", "https://any.example"), *ASK], key=None).status == 401


@pytest.mark.parametrize("words", ["app.example.com", "https://app.example.com/", "https://", "https://a b", "https://x/path"])
def test_a_wrong_origin(tmp_path, words):
    succeeded, said = Edge(tmp_path / "edge", server=f'agent_cors "{words}";').check()
    assert not succeeded
    assert 'in "agent_cors"; write scheme://host[:port] without a path' in said
