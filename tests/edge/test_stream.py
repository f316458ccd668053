"""Streams through the edge: at once, whole, without the usage comment, and cancelled when the client leaves."""

import gzip
import json
import threading
import zlib

import pytest

from edge_harness import DEADLINE
from fake_executor import broken_stream_of, stream_of
from raw_client import build_request

CHAT = '{"model":"m","stream":true}'
USAGE = ': agent-usage {"prompt_tokens":11,"completion_tokens":22,"total_tokens":33}\n\n'


def open_stream(client):
    client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
    head = client.head()
    assert head.status == 200
    assert head.header("Content-Type") == "text/event-stream"
    return head


def rest_of(client):
    data = b""
    while chunk := client.chunk():
        data += chunk
    return data


@pytest.mark.item("S1-3")
def test_each_event_arrives_before_the_next_is_made(edge, executor):
    """The executor makes an event only after the client has told of the one before: buffering anywhere would hang."""
    seen = [threading.Event() for _ in range(20)]

    def respond(request, connection):
        connection.start_stream()
        for i, arrived in enumerate(seen):
            connection.chunk(f'data: {{"i":{i}}}\n\n')
            assert arrived.wait(DEADLINE)
        connection.end_stream()

    executor.respond = respond
    with edge.connect() as client:
        open_stream(client)
        for i, arrived in enumerate(seen):
            assert client.chunk() == b'data: {"i":%d}\n\n' % i
            arrived.set()
        assert client.chunk() == b""
        assert client.request("GET", "/health").status == 200


@pytest.mark.parametrize("http", [
    "proxy_buffering on;",
    "proxy_buffering on; gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any;",
], ids=["buffering", "gzip"])
def test_no_default_of_nginx_delays_an_event(make_edge, executor, http):
    seen = [threading.Event() for _ in range(10)]

    def respond(request, connection):
        connection.start_stream([("X-Agent-Stream", "openai")])
        for i, arrived in enumerate(seen):
            connection.chunk(f'data: {{"i":{i}}}\n\n')
            assert arrived.wait(DEADLINE)
        connection.chunk(USAGE)
        connection.end_stream()

    executor.respond = respond
    edge = make_edge(http=http, locations="location = /v1/chat/completions { agent_scope chat; proxy_pass http://executors; }")
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", [("Accept-Encoding", "gzip")], CHAT))
        head = client.head()
        is_gzip = head.header("Content-Encoding") == "gzip"
        assert is_gzip == ("gzip" in http)
        unpack = zlib.decompressobj(31).decompress if is_gzip else bytes
        for i, arrived in enumerate(seen):
            event = b""
            while not event.endswith(b"\n\n"):
                event += unpack(client.chunk())
            assert event == b'data: {"i":%d}\n\n' % i
            arrived.set()
        assert b"".join(unpack(chunk) for chunk in iter(client.chunk, b"")) == b""
    assert edge.logged(head.header("X-Request-Id"))["total"] == 33


def pieces(text, size):
    data = text.encode()
    return [data[i:i + size] for i in range(0, len(data), size)]


EVENTS = 'data: {"a":1}\n\n: keep-alive\n\ndata: {"b":"ü"}\n\n'
STREAM = EVENTS + USAGE + "data: [DONE]\n\n"
CLEAN = (EVENTS + "data: [DONE]\n\n").encode()


@pytest.mark.parametrize("buffering", ["off", "on"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 64, 1000])
def test_the_usage_comment_is_taken_out(make_edge, executor, size, buffering):
    edge = make_edge(locations="""location = /v1/chat/completions { agent_scope chat; proxy_buffering %s;
                                  proxy_pass http://executors; }""" % buffering)
    headers = [("X-Agent-Stream", "openai"), ("X-Agent-Run-Id", "run_7")]
    executor.respond = stream_of(*pieces(STREAM, size), headers=headers)
    with edge.connect() as client:
        head = open_stream(client)
        assert head.header("X-Agent-Stream") is None
        assert head.header("X-Agent-Run-Id") == "run_7"
        assert rest_of(client) == CLEAN
        entry = edge.logged(head.header("X-Request-Id"))
        assert (entry["prompt"], entry["completion"], entry["total"]) == ("11", "22", 33)
        assert (entry["stream"], entry["run_id"]) == ("true", "run_7")
        # The same connections, on both sides, serve the next stream.
        assert rest_of_next(client) == CLEAN


def rest_of_next(client):
    open_stream(client)
    return rest_of(client)


def test_events_pass_while_a_usage_comment_is_half_there(edge, executor):
    got_first = threading.Event()
    got_second = threading.Event()

    def respond(request, connection):
        connection.start_stream()
        # One read of the edge: an event, and the beginning of a comment.
        connection.chunk("data: 1\n\n" + USAGE[:20])
        assert got_first.wait(DEADLINE)
        connection.chunk(USAGE[20:] + "data: 2\n\n")
        assert got_second.wait(DEADLINE)
        connection.chunk(": agent")
        connection.end_stream()

    executor.respond = respond
    with edge.connect() as client:
        head = open_stream(client)
        assert client.chunk() == b"data: 1\n\n"
        got_first.set()
        assert client.chunk() == b"data: 2\n\n"
        got_second.set()
        # What looked like a usage comment and was none is not lost at the end.
        assert rest_of(client) == b": agent"
    assert edge.logged(head.header("X-Request-Id"))["total"] == 33


# Below and above what the edge holds of one event, and of many reads of nginx.
@pytest.mark.parametrize("buffering", ["off", "on"])
@pytest.mark.parametrize("size", [5_000, 60_000, 70_000, 300_000])
def test_large_events_arrive_whole(make_edge, executor, size, buffering):
    edge = make_edge(locations="""location = /v1/chat/completions { agent_scope chat; proxy_buffering %s;
                                  proxy_pass http://executors; }""" % buffering)
    events = "".join(f"id: {i}\ndata: {i}{'x' * size}\n\n" for i in range(8))
    executor.respond = stream_of(*pieces(events + USAGE + "data: [DONE]\n\n", 3_001))
    with edge.connect() as client:
        head = open_stream(client)
        assert rest_of(client) == (events + "data: [DONE]\n\n").encode()
    assert edge.logged(head.header("X-Request-Id"))["total"] == 33


def test_a_stream_of_nothing_but_usage(edge, executor):
    executor.respond = stream_of(USAGE)
    with edge.connect() as client:
        head = open_stream(client)
        assert rest_of(client) == b""
        assert client.request("GET", "/health").status == 200
    assert edge.logged(head.header("X-Request-Id"))["total"] == 33


def test_a_large_fast_stream_arrives_whole_at_a_slow_reader(edge, executor):
    count = 20_000

    def respond(request, connection):
        connection.start_stream()
        for start in range(0, count, 100):
            connection.chunk("".join(
                f'data: {{"i":{i},"pad":"{"x" * 150}"}}\n\n: agent-usage-like {i}\n\n{USAGE}' for i in range(start, start + 100)))
        connection.end_stream()

    executor.respond = respond
    with edge.connect() as client:
        open_stream(client)
        data = rest_of(client).decode()
    events = data.split("\n\n")
    assert events.pop() == ""
    assert len(events) == 2 * count
    for i in range(count):
        assert events[2 * i].startswith(f'data: {{"i":{i},')
        assert events[2 * i + 1] == f": agent-usage-like {i}"


def test_a_stream_with_a_length(edge, executor):
    executor.respond = lambda request, connection: connection.answer(
        body=STREAM.encode(), content_type="text/event-stream; charset=utf-8")
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
        assert client.response().body == CLEAN


def test_usage_of_an_answer_without_a_stream(edge, executor):
    usage = json.dumps({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3})
    executor.respond = lambda request, connection: connection.answer(
        body=STREAM.encode(), headers=[("X-Agent-Usage", usage), ("x-agent-stream", "none"), ("X-Other", "1")])
    with edge.connect() as client:
        response = client.chat(CHAT)
    assert response.body == STREAM.encode(), "only event streams are looked at"
    assert response.header("X-Agent-Usage") is None
    assert response.header("X-Agent-Stream") is None
    assert response.header("X-Other") == "1"
    entry = edge.logged(response.header("X-Request-Id"))
    assert (entry["prompt"], entry["completion"], entry["total"]) == ("1", "2", 3)


@pytest.mark.parametrize("in_stream", [True, False])
def test_a_client_that_leaves_reaches_the_executor(edge, executor, in_stream):
    gone = threading.Event()

    def respond(request, connection):
        if in_stream:
            connection.start_stream()
            connection.chunk("data: 1\n\n")
        if connection.wait_for_hangup():
            gone.set()
        return True

    executor.respond = respond
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
        if in_stream:
            client.head()
            assert client.chunk() == b"data: 1\n\n"
        else:
            edge.wait_for(lambda: executor.requests, "request")
    assert gone.wait(DEADLINE)


def test_an_executor_that_dies_in_mid_stream_cuts_the_stream(edge, executor):
    executor.respond = broken_stream_of("data: 1\n\n")
    with edge.connect() as client:
        open_stream(client)
        assert client.chunk() == b"data: 1\n\n"
        assert client.is_closed()


def test_gzip_between_does_not_hide_the_usage(make_edge, executor):
    edge = make_edge(server="gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any;")
    executor.respond = stream_of(*pieces(STREAM, 5))
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", [("Accept-Encoding", "gzip")], CHAT))
        response = client.response()
    assert response.header("Content-Encoding") == "gzip"
    assert gzip.decompress(response.body) == CLEAN
    assert edge.logged(response.header("X-Request-Id"))["total"] == 33
