"""The body on its way: what the edge reads in it, and that it arrives as it was sent."""

import gzip
import hashlib
import json

import pytest

from edge_keys import key_line
from raw_client import build_request

CHAT = '{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}'


@pytest.mark.parametrize(
    "body, model, stream",
    [
        ('{"model":"m"}', "default/m", "false"),
        (' \n{ "stream" : true , "model" : "a/b" } ', "a/b", "true"),
        ('{"mod\\u0065l":"sec\\u0072et"}', "default/secret", "false"),
        ('{"model":"m","stream":null,"max_tokens":5,"user":"u"}', "default/m", "false"),
        ('{"Model":"other","model":"m","model\\u0000":"x"}', "default/m", "false"),
        ('{"messages":[{"model":"inner"}],"model":"m"}', "default/m", "false"),
        ('{"x":' + "[" * 63 + "]" * 63 + ',"model":"m"}', "default/m", "false"),
    ],
)
def test_finds_the_model(edge, executor, body, model, stream):
    with edge.connect() as client:
        response = client.chat(body)
    assert response.status == 200
    assert executor.last().header("X-Agent-Model") == model
    assert executor.last().body == body.encode()
    entry = edge.logged(response.header("X-Request-Id"))
    assert (entry["model"], entry["stream"], entry["body"]) == (model, stream, "ok")


@pytest.mark.parametrize(
    "body, code, param",
    [
        ("", "invalid_json", None),
        ("   ", "invalid_json", None),
        ("[]", "invalid_json", None),
        ("null", "invalid_json", None),
        ('"model"', "invalid_json", None),
        ('\ufeff{"model":"m"}', "invalid_json", None),
        ('{"model":"m"}'.encode("utf-16"), "invalid_json", None),
        ('{"model":"m"', "invalid_json", None),
        ('{"model":"m"} x', "invalid_json", None),
        ('{"model":"m",}', "invalid_json", None),
        ("{'model':'m'}", "invalid_json", None),
        ('{"model":"m"/**/}', "invalid_json", None),
        (b'{"model":"m","x":"\xff"}', "invalid_json", None),
        ('{"model":"m","x":"a\nb"}', "invalid_json", None),
        ('{"x":' + "[" * 64 + "]" * 64 + ',"model":"m"}', "json_too_deep", None),
        ('{"model":"m","model":"m"}', "duplicate_key", "model"),
        ('{"model":"m","mod\\u0065l":"n"}', "duplicate_key", "model"),
        ('{"model":"m","stream":true,"stream":false}', "duplicate_key", "stream"),
        ('{"messages":[]}', "missing_required_parameter", "model"),
        ('{"model":1}', "invalid_type", "model"),
        ('{"model":null}', "invalid_type", "model"),
        ('{"model":{}}', "invalid_type", "model"),
        ('{"model":""}', "invalid_value", "model"),
        ('{"model":"a b"}', "invalid_value", "model"),
        ('{"model":"/x"}', "invalid_value", "model"),
        ('{"model":"' + "x" * 257 + '"}', "invalid_value", "model"),
        ('{"model":"m","stream":"yes"}', "invalid_type", "stream"),
        ('{"model":"m","max_tokens":1e3}', "invalid_type", "max_tokens"),
        ('{"model":"m","user":7}', "invalid_type", "user"),
    ],
)
def test_refuses_a_body_that_parsers_could_read_otherwise(edge, executor, body, code, param):
    with edge.connect() as client:
        response = client.chat(body)
        assert response.status == 400
        assert (response.error["code"], response.error["param"]) == (code, param)
        assert client.chat(CHAT).status == 200, "the connection must go on"
    assert len(executor.requests) == 1
    assert edge.logged(response.header("X-Request-Id"))["body"] == code


def test_no_body_at_all_is_empty(edge):
    with edge.connect() as client:
        response = client.request("POST", "/v1/chat/completions")
        assert (response.status, response.error["code"]) == (400, "invalid_json")
        assert client.chat(CHAT).status == 200


def test_a_body_cut_at_every_byte_arrives_whole(edge, executor):
    request = build_request("POST", "/v1/chat/completions", body=CHAT)
    with edge.connect() as client:
        for cut in range(1, len(request)):
            client.send(request[:cut])
            # A request of another connection in between: the first part was read on its own.
            if cut % 16 == 0:
                with edge.connect() as other:
                    assert other.request("GET", "/health").status == 200
            client.send(request[cut:])
            assert client.response().status == 200
    assert len(executor.requests) == len(request) - 1
    assert all(r.body == CHAT.encode() and r.header("X-Agent-Model") == "default/m" for r in executor.requests)


def test_a_body_byte_by_byte(edge, executor):
    with edge.connect() as client:
        for byte in build_request("POST", "/v1/chat/completions", body=CHAT):
            client.send(bytes([byte]))
        assert client.response().status == 200
    assert executor.last().body == CHAT.encode()


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_chunked_body(edge, executor, size):
    body = json.dumps({"model": "m", "x": "y" * 10_000}).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part)
                      for part in (body[i:i + size] for i in range(0, len(body), size)))
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", [("Transfer-Encoding", "chunked")]) + chunks + b"0\r\n\r\n")
        assert client.response().status == 200
        client.send(build_request("POST", "/v1/chat/completions", [("Transfer-Encoding", "chunked")]) + b"0\r\n\r\n")
        assert client.response().error["code"] == "invalid_json"
        assert client.chat(CHAT).status == 200
    assert executor.requests[0].body == body


def test_a_pipelined_second_request(edge, executor):
    one = build_request("POST", "/v1/chat/completions", body=CHAT)
    with edge.connect() as client:
        client.send(one + one + build_request("GET", "/health"))
        assert [client.response().status for _ in range(3)] == [200, 200, 200]
    assert len(executor.requests) == 2


@pytest.mark.parametrize("size", [600_000, 12 << 20])
def test_a_large_body_arrives_as_sent(edge, executor, size):
    body = json.dumps({"x": "0123456789abcdef" * (size // 16), "model": "m"}).encode()
    with edge.connect() as client:
        assert client.chat(body).status == 200
        assert client.chat(CHAT).status == 200
    assert hashlib.sha256(executor.requests[0].body).digest() == hashlib.sha256(body).digest()
    assert not list(edge.directory.glob("client_body/*"))


def test_a_body_over_the_limit(edge, executor):
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", [("Content-Length", str(20 << 20))]))
        response = client.response()
        assert (response.status, response.error["code"]) == (413, "request_too_large")
        assert response.header("X-Request-Id")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", [("Transfer-Encoding", "chunked")]))
        try:
            for _ in range(20 << 4):
                client.send(chunk)
        except OSError:
            pass  # the edge has answered and closed
        response = client.response()
        assert (response.status, response.error["code"]) == (413, "request_too_large")
    assert executor.requests == []


def test_a_compressed_body_is_refused_unread(edge, executor):
    headers = [("Content-Encoding", "gzip")]
    with edge.connect() as client:
        response = client.chat(gzip.compress(CHAT.encode()), headers)
        assert (response.status, response.error["code"]) == (415, "unsupported_media_type")
        assert client.chat(CHAT, [("Content-Encoding", "identity")]).status == 200
    assert len(executor.requests) == 1


def test_says_continue_only_when_the_body_is_wanted(edge, executor):
    expects = [("Expect", "100-continue"), ("Content-Length", str(len(CHAT)))]
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", expects))
        assert client.line() == b"HTTP/1.1 100 Continue"
        assert client.line() == b""
        client.send(CHAT)
        assert client.response().status == 200
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", expects, key="nobody"))
        assert client.response().status == 401
        assert client.is_closed()
    assert len(executor.requests) == 1


@pytest.mark.parametrize("framing", [("Content-Length", str(1 << 20)), ("Transfer-Encoding", "chunked")])
def test_a_large_refused_body_is_not_read(edge, framing):
    """The answer comes while the body is still to be sent, and the connection ends."""
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", [framing], key="nobody"))
        response = client.response()
        assert (response.status, response.header("Connection")) == (401, "close")
        assert client.is_closed()


def test_a_small_refused_body_may_come_late(edge):
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", [("Content-Length", "1000")], key="nobody"))
        assert client.response().status == 401
        client.send(b"x" * 1000)
        assert client.chat(CHAT).status == 200


def test_only_posts_in_chat_locations_are_scanned(edge, executor):
    with edge.connect() as client:
        assert client.request("PUT", "/v1/chat/completions", body="no json").status == 200
        assert client.request("POST", "/v1/files", body="no json").status == 200
        assert client.request("GET", "/v1/chat/completions").status == 200
    assert all(request.header("X-Agent-Model") is None for request in executor.requests)


def test_clients_that_leave_in_mid_body_leave_nothing_behind(edge, executor):
    request = build_request("POST", "/v1/chat/completions", body=CHAT)
    for cut in range(len(request) - len(CHAT), len(request)):
        with edge.connect() as client:
            client.send(request[:cut])
    with edge.connect() as client:
        assert client.chat(CHAT).status == 200
    assert len(executor.requests) == 1


def test_many_connections_at_once(make_edge, executor):
    edge = make_edge(workers=2, keys=key_line("alice", "allow=a0,a1,a2,a3"))
    clients = [edge.connect() for _ in range(40)]
    for i, client in enumerate(clients):
        client.send(build_request("POST", "/v1/chat/completions", body='{"model":"a%d"}' % (i % 5))[:-4])
    for i, client in enumerate(clients):
        client.send(b'a%d"}' % (i % 5))
    for i, client in enumerate(clients):
        assert client.response().status == (403 if i % 5 == 4 else 200)
        client.sock.close()
