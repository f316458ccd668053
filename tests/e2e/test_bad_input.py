"""What a client can get wrong: each mistake has its OpenAI error, and the connection stays good."""

import json
import ssl

import pytest

from gateway_stack import assert_error, chat, secret_of

GOOD = json.dumps(chat("allowed")).encode()
NESTED = b'{"model":"allowed","messages":[{"role":"user","content":"x"}],"metadata":%s}'
MESSAGE = b'"messages":[{"role":"user","content":"x"}]'


def with_fields(**fields):
    return json.dumps({**chat("allowed"), **fields}).encode()


def with_messages(*messages):
    return with_fields(messages=list(messages))


def nested(depth):
    """A body whose deepest array is at this depth; the body's own object is depth 1."""
    return NESTED % (b"[" * (depth - 1) + b"]" * (depth - 1))


USER = {"role": "user", "content": "x"}

# name: body, status, code, param
CASES = {
    "no body": (b"", 400, "invalid_json", None),
    "spaces only": (b"  \n", 400, "invalid_json", None),
    "half an object": (GOOD[:-1], 400, "invalid_json", None),
    "a word": (b"hello", 400, "invalid_json", None),
    "an array": (b"[]", 400, "invalid_json", None),
    "a string": (b'"model"', 400, "invalid_json", None),
    "bytes after the object": (GOOD + b"{}", 400, "invalid_json", None),
    "a comma too many": (GOOD[:-1] + b",}", 400, "invalid_json", None),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, 400, "invalid_json", None),
    "UTF-16": (GOOD.decode().encode("utf-16"), 400, "invalid_json", None),
    "broken UTF-8": (GOOD.replace(b"Hello", b"\xff"), 400, "invalid_json", None),
    "a control character": (GOOD.replace(b"Hello", b"a\x01b"), 400, "invalid_json", None),
    "NaN": (with_fields(temperature=float("nan")), 400, "invalid_json", None),
    "depth 65": (nested(65), 400, "json_too_deep", None),
    "no model": (b"{%s}" % MESSAGE, 400, "missing_required_parameter", "model"),
    "model is a number": (with_fields(model=1), 400, "invalid_type", "model"),
    "model is null": (with_fields(model=None), 400, "invalid_type", "model"),
    "model is a list": (with_fields(model=["allowed"]), 400, "invalid_type", "model"),
    "model is empty": (with_fields(model=""), 400, "invalid_value", "model"),
    "model has a space": (with_fields(model="allowed "), 400, "invalid_value", "model"),
    "model is too long": (with_fields(model="m" * 257), 400, "invalid_value", "model"),
    "model twice": (b'{"model":"allowed",%s,"model":"allowed"}' % MESSAGE, 400, "duplicate_key", "model"),
    "model twice, escaped": (
        rb'{"model":"allowed",%s,"mod\u0065l":"forbidden"}' % MESSAGE,
        400,
        "duplicate_key",
        "model",
    ),
    "stream twice": (b'{"model":"allowed",%s,"stream":false,"stream":true}' % MESSAGE, 400, "duplicate_key", "stream"),
    "stream is a string": (with_fields(stream="true"), 400, "invalid_type", "stream"),
    "stream is a number": (with_fields(stream=1), 400, "invalid_type", "stream"),
    "max_tokens is a string": (with_fields(max_tokens="5"), 400, "invalid_type", "max_tokens"),
    "max_tokens is negative": (with_fields(max_tokens=-5), 400, "invalid_type", "max_tokens"),
    "max_completion_tokens has a fraction": (
        with_fields(max_completion_tokens=1.5),
        400,
        "invalid_type",
        "max_completion_tokens",
    ),
    "user is a number": (with_fields(user=1), 400, "invalid_type", "user"),
    "no messages": (b'{"model":"allowed"}', 400, "missing_required_parameter", "messages"),
    "messages is an object": (with_fields(messages={}), 400, "invalid_type", "messages"),
    "messages is empty": (with_fields(messages=[]), 400, "invalid_value", "messages"),
    "a message is a string": (with_messages(USER, "x"), 400, "invalid_type", "messages[1]"),
    "a message without a role": (
        with_messages({"content": "x"}),
        400,
        "missing_required_parameter",
        "messages[0].role",
    ),
    "a role that nobody knows": (
        with_messages(USER, {"role": "robot", "content": "x"}),
        400,
        "invalid_value",
        "messages[1].role",
    ),
    "content is a number": (with_messages(USER, {**USER, "content": 1}), 400, "invalid_type", "messages[1].content"),
    "no content": (with_messages({"role": "user"}), 400, "missing_required_parameter", "messages[0].content"),
    "a tool message without an id": (
        with_messages(USER, {"role": "tool", "content": "x"}),
        400,
        "missing_required_parameter",
        "messages[1].tool_call_id",
    ),
    "temperature is a string": (with_fields(temperature="hot"), 400, "invalid_type", "temperature"),
    "tools is an object": (with_fields(tools={}), 400, "invalid_type", "tools"),
    "n is 2 for an agent": (with_fields(n=2), 400, "unsupported_parameter", "n"),
    "stream_options without stream": (
        with_fields(stream_options={"include_usage": True}),
        400,
        "invalid_value",
        "stream_options",
    ),
    "unknown model": (json.dumps(chat("nobody")).encode(), 404, "model_not_found", "model"),
    "unknown model, streamed": (json.dumps(chat("nobody", stream=True)).encode(), 404, "model_not_found", "model"),
    "unknown namespace": (json.dumps(chat("no/body")).encode(), 404, "model_not_found", "model"),
}
TYPES = {400: "invalid_request_error", 404: "invalid_request_error", 403: "permission_error"}


@pytest.fixture
def connection(stack):
    opened = stack.connection()
    yield opened
    opened.close()


def post(stack, connection, body, key=None, **headers):
    connection.request(
        "POST",
        "/v1/chat/completions",
        body,
        {"Authorization": f"Bearer {key or stack['AGENT_KEY']}", "Content-Type": "application/json", **headers},
    )
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def assert_still_good(stack, connection, local_port):
    status, _, body = post(stack, connection, GOOD)
    assert status == 200, body
    assert connection.sock.getsockname()[1] == local_port, "the connection was closed after the error"


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_gets_its_error_and_the_connection_goes_on(stack, connection, name):
    body, status, code, param = CASES[name]
    connection.connect()
    local_port = connection.sock.getsockname()[1]
    error = assert_error(post(stack, connection, body), status, code, param)
    assert error["type"] == TYPES[status]
    assert_still_good(stack, connection, local_port)


@pytest.mark.parametrize(("key", "model"), [("limited", "forbidden"), ("limited", "nobody"), ("denied", "forbidden")])
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_the_key_may_not_use(stack, connection, key, model, stream):
    """The answer does not tell whether the model exists."""
    connection.connect()
    local_port = connection.sock.getsockname()[1]
    body = json.dumps(chat(model, stream=stream)).encode()
    error = assert_error(post(stack, connection, body, secret_of(key)), 403, "agent_not_allowed")
    assert error["type"] == "permission_error"
    assert_still_good(stack, connection, local_port)


def test_depth_64_is_still_fine(stack, connection):
    assert post(stack, connection, nested(64))[0] == 200


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {"Content-Type": "text/plain"}], ids=str)
def test_other_encodings_are_refused(stack, connection, headers):
    assert_error(post(stack, connection, GOOD, **headers), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("PUT", "/v1/chat/completions", 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/models/nobody", 404, "model_not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("POST", "/v1//chat/completions", 404, "not_found"),
        ("POST", "/v1/chat/completions/", 404, "not_found"),
    ],
)
def test_routes_that_are_not_there(client, method, path, status, code):
    answer = client.request(method, path)
    assert_error(answer, status, code)
    if status == 405:
        assert answer.headers["allow"]


def read_answer(peer, received=b""):
    while b"\r\n\r\n" not in received:
        received += (piece := peer.recv(65536))
        assert piece, received
    head, body = received.split(b"\r\n\r\n", 1)
    fields = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:])
    headers = {name.lower(): value for name, value in fields.items()}
    while len(body) < int(headers["content-length"]):
        body += (piece := peer.recv(65536))
        assert piece, body
    return int(head.split(b" ")[1]), headers, body


def send_until_answered(peer, pieces):
    """Sends piece after piece, but no more once the other side has spoken; returns what it said by then."""
    for piece in pieces:
        peer.settimeout(0)
        try:
            return peer.recv(65536)
        except ssl.SSLWantReadError:
            peer.settimeout(30)
            peer.sendall(piece)
    return b""


TOO_LARGE = 20 * 1024 * 1024


def test_20_mib_are_refused_before_they_are_sent(stack):
    with stack.socket() as peer:
        peer.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + f"Authorization: Bearer {stack['AGENT_KEY']}\r\nContent-Length: {TOO_LARGE}\r\n".encode()
            + b"Expect: 100-continue\r\n\r\n"
        )
        assert_error(read_answer(peer), 413, "request_too_large")


def test_20_mib_without_a_length_are_refused_while_they_are_sent(stack):
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with stack.socket() as peer:
        peer.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + f"Authorization: Bearer {stack['AGENT_KEY']}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        try:
            begun = send_until_answered(peer, (piece for _ in range(TOO_LARGE // 0x10000)))
        except (BrokenPipeError, ConnectionResetError) as error:
            pytest.fail(f"the connection broke before the answer: {error}")
        peer.settimeout(30)
        assert_error(read_answer(peer, begun), 413, "request_too_large")


def test_a_large_good_body_passes(quiet, client):
    text = "word " * 400_000
    answer = client.post("/v1/chat/completions", json=chat("allowed", text))
    assert answer.status_code == 200
    (record,) = quiet.llm_requests()
    assert record["body"]["messages"][-1]["content"] == text
