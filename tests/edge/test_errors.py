"""Every error that the edge makes is OpenAI's JSON, with the right status."""

import socket
import threading

import pytest

from edge_config import LOCATIONS
from raw_client import build_request

CHAT = '{"model":"m"}'


def raw(edge, data):
    with edge.connect() as client:
        client.send(data)
        return client.response()


@pytest.mark.parametrize(
    "data, status, code",
    [
        (b"nonsense\r\n\r\n", 400, "bad_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400, "bad_request"),
        (b"GET /health HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "bad_request"),
        (b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400, "bad_request"),
        (b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request"),
        (b"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request"),
        (b"GET /health HTTP/3.1\r\nHost: a\r\n\r\n", 505, "bad_request"),
        (b"POST /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "bad_request"),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method_not_allowed"),
        (b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404, "not_found"),
        (b"GET /agent_error HTTP/1.1\r\nHost: a\r\n\r\n", 404, "not_found"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri_too_long"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"x" * 7000 + b"\r\n\r\n", 404, "not_found"),
    ],
)
def test_what_nginx_itself_refuses(edge, data, status, code):
    response = raw(edge, data)
    assert response.status == status
    assert response.error["code"] == code
    assert len(response.header("X-Request-Id")) == 32
    entry = edge.logged(response.header("X-Request-Id"))
    assert (entry["status"], entry["error"]) == (status, code)


def test_many_large_headers(edge):
    lines = b"".join(b"X-%d: %s\r\n" % (i, b"x" * 8000) for i in range(6))
    response = raw(edge, b"GET / HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n")
    assert (response.status, response.error["code"]) == (431, "headers_too_large")


@pytest.mark.parametrize("status, code", [(402, "bad_request"), (403, "forbidden"), (405, "method_not_allowed"),
                                          (415, "unsupported_media_type"), (429, "rate_limit_exceeded"),
                                          (500, "internal_error"), (503, "overloaded")])
def test_statuses_from_other_directives(make_edge, status, code):
    edge = make_edge(locations="location / { error_page 402 /agent_error; error_page 403 405 415 429 500 503 /agent_error;"
                               " return %d; }" % status)
    with edge.connect() as client:
        response = client.request("POST", "/x", body="x" * 100)
        assert (response.status, response.error["code"]) == (status, code)
        assert response.header("Retry-After") == ("1" if status in (429, 503) else None)
        assert client.request("GET", "/x").status == status


def test_head_has_no_body(edge):
    with edge.connect() as client:
        response = client.request("HEAD", "/nothing")
        assert response.status == 404
        assert int(response.header("Content-Length")) > 0
        assert client.request("GET", "/health").status == 200


def test_the_log_has_the_method_and_path_that_were_sent(edge):
    with edge.connect() as client:
        response = client.request("DELETE", "/nothing?key=secret")
    entry = edge.logged(response.header("X-Request-Id"))
    assert (entry["method"], entry["path"]) == ("DELETE", "/nothing")


# The executor

CALLS = [("GET", "/v1/models", None), ("POST", "/v1/chat/completions", CHAT), ("POST", "/ready", "{}")]


@pytest.mark.parametrize("method, path, body", CALLS)
def test_no_executor(make_edge, executor, method, path, body):
    executor.close()
    edge = make_edge()
    with edge.connect() as client:
        response = client.request(method, path, body=body)
        assert (response.status, response.error["code"]) == (503, "no_executor")
        assert response.header("Retry-After") == "1"
        assert response.header("x-should-retry") is None
        assert client.request("GET", "/health").status == 200, "the edge is alive without executors"


def hang_up(request, connection):
    return True


def answer_nonsense(request, connection):
    connection.send("HTTP/1.1 200 OK\r\nA\0B: x\r\n\r\n")
    return True


@pytest.mark.parametrize("respond", [hang_up, answer_nonsense])
@pytest.mark.parametrize("method, path, body", CALLS)
def test_an_executor_lost_before_its_answer(edge, executor, respond, method, path, body):
    executor.respond = respond
    with edge.connect() as client:
        response = client.request(method, path, body=body)
        if method == "POST":
            assert (response.status, response.error["code"]) == (424, "run_lost")
            assert response.header("x-should-retry") == "false"
        else:
            assert (response.status, response.error["code"]) == (502, "upstream_error")
        assert client.request("GET", "/health").status == 200
    # A POST was sent once. A GET may be repeated, but not for ever.
    assert len(executor.requests) == 1 or method == "GET"


@pytest.mark.parametrize("method, path, body", CALLS)
def test_an_executor_that_does_not_answer(make_edge, executor, method, path, body):
    edge = make_edge(server="proxy_read_timeout 300ms;")
    gone = threading.Event()

    def wait(request, connection):
        connection.wait_for_hangup()
        gone.set()
        return True

    executor.respond = wait
    with edge.connect() as client:
        response = client.request(method, path, body=body)
    if method == "POST":
        assert (response.status, response.error["code"]) == (424, "run_lost")
    else:
        assert (response.status, response.error["code"]) == (504, "upstream_timeout")
    assert gone.wait(20)


def test_a_lost_post_is_not_sent_to_the_next_executor(make_edge, executor):
    # Both "servers" are the same fake: what matters is how many requests arrive.
    port = executor.address.split(":")[1]
    edge = make_edge(http=f"upstream two {{ server {executor.address} max_fails=0; server localhost:{port} max_fails=0; }}",
                     locations=LOCATIONS.replace("http://executors", "http://two"))
    executor.respond = hang_up
    with edge.connect() as client:
        assert client.chat(CHAT).status == 424
        assert len(executor.requests) == 1


def test_goes_on_to_an_executor_that_can_be_reached(make_edge, executor):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        refused = unused.getsockname()[1]
    edge = make_edge(http=f"upstream two {{ server 127.0.0.1:{refused} max_fails=0; server {executor.address} max_fails=0; }}",
                     locations=LOCATIONS.replace("http://executors", "http://two"))
    with edge.connect() as client:
        assert [client.chat(CHAT).status for _ in range(6)] == [200] * 6
    assert len(executor.requests) == 6


@pytest.mark.parametrize("status", [400, 401, 404, 405, 424, 429, 500, 502, 503, 504])
def test_the_executors_own_errors_pass_untouched(edge, executor, status):
    body = b'{"error":{"of":"the executor"}}'
    executor.respond = lambda request, connection: connection.answer(
        status, body, [("Allow", "POST"), ("Retry-After", "7"), ("X-Agent-Run-Id", "run_1")])
    with edge.connect() as client:
        response = client.chat(CHAT)
    assert (response.status, response.body) == (status, body)
    assert (response.header("Allow"), response.header("Retry-After")) == ("POST", "7")
    assert response.header("X-Agent-Run-Id") == "run_1"
    assert response.header("X-Request-Id")
    entry = edge.logged(response.header("X-Request-Id"))
    assert (entry["error"], entry["run_id"]) == ("", "run_1")


def test_error_page_with_an_equals_sign_is_noticed(make_edge):
    edge = make_edge(locations="location / { error_page 404 = /agent_error; return 404; }")
    with edge.connect() as client:
        response = client.request("GET", "/x")
    assert (response.status, response.error["code"]) == (500, "internal_error")
    assert 'write error_page without "="' in edge.errors()


def test_a_key_that_is_not_there_beats_an_executor_that_is_not(make_edge, executor):
    executor.close()
    edge = make_edge()
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", body=CHAT, key=None))
        assert client.response().status == 401
