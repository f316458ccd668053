"""Streams that break end with an error event and a proper end, whatever broke them and over every protocol."""

import array
import fcntl
import json
import socket
import struct
import subprocess
import termios
import threading

import httpx
import pytest

from certificates import make_certificate, trusting
from edge_keys import key_line
from fake_executor import broken_stream_of, stream_of
from raw_client import build_request

CHAT = '{"model":"m","stream":true}'
OPENAI = [("X-Agent-Stream", "openai")]


def chat_event(text):
    """An event of a chat stream as official clients take it."""
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
             "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    return f"data: {json.dumps(chunk)}\n\n"


EVENTS = chat_event("one ") + chat_event("two ")


def locations(more=""):
    return """
        location = /v1/chat/completions { agent_scope chat; proxy_pass http://executors; proxy_read_timeout 1s; %s }
        location = /v1/models { agent_scope chat; proxy_pass http://executors; }
        location = /status { access_log off; agent_status json; }
    """ % more


def reset(connection):
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return True


# How an executor can die once its answer has begun: (script, what the client has got before the error, code).
def fin_in_a_chunk(request, connection):
    connection.start_stream(OPENAI)
    connection.chunk(EVENTS)
    connection.send(b"100\r\ndata: ")
    return True


def fin_with_the_header(request, connection):
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nX-Agent-Stream: openai\r\n\r\n"
    connection.send(head.encode() + b"%x\r\n%s\r\n" % (len(EVENTS), EVENTS.encode()))
    return True


def rst(request, connection):
    connection.start_stream(OPENAI)
    connection.chunk(EVENTS)
    connection.wait_until_read()
    return reset(connection)


def silence(request, connection):
    connection.start_stream(OPENAI)
    connection.chunk(EVENTS)
    connection.wait_for_hangup()
    return True


DEATHS = {
    "fin": (broken_stream_of(EVENTS, headers=OPENAI), EVENTS, "run_lost"),
    "fin-in-event": (broken_stream_of(EVENTS, 'data: {"i"', headers=OPENAI), EVENTS, "run_lost"),
    "fin-in-line-end": (broken_stream_of(EVENTS + 'data: {"i":2}\n', headers=OPENAI), EVENTS, "run_lost"),
    "fin-in-chunk": (fin_in_a_chunk, EVENTS, "run_lost"),
    "fin-with-header": (fin_with_the_header, EVENTS, "run_lost"),
    "rst": (rst, EVENTS, "run_lost"),
    "silence": (silence, EVENTS, "upstream_timeout"),
    "fin-in-usage": (broken_stream_of(EVENTS + ': agent-usage {"prompt_to', headers=OPENAI), EVENTS, "run_lost"),
}


def error_of(data):
    assert data.startswith("data: ") and data.endswith("\n\n")
    document = json.loads(data.removeprefix("data: "))
    assert list(document) == ["error"]
    assert set(document["error"]) == {"message", "type", "param", "code"}
    assert document["error"]["type"] == "api_error"
    return document["error"]["code"]


def assert_clean(text, before, code):
    assert text.startswith(before), text
    assert error_of(text.removeprefix(before)) == code
    assert "[DONE]" not in text


READ_AHEAD = 64 * 1024  # bytes that the kernel keeps for a slow reader; it takes somewhat more


def readable_bytes(client):
    count = array.array("i", [0])
    fcntl.ioctl(client.sock, termios.FIONREAD, count)
    return count[0]


def read_stream(client):
    data = b""
    while chunk := client.chunk():
        data += chunk
    return data.decode()


@pytest.mark.parametrize("buffering", ["off", "on"])
@pytest.mark.parametrize("death", DEATHS)
def test_http1(make_edge, executor, death, buffering):
    executor.respond, before, code = DEATHS[death]
    edge = make_edge(locations=locations(f"proxy_buffering {buffering};"))
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", [("X-Request-Id", "one")], CHAT))
        assert client.head().status == 200
        assert_clean(read_stream(client), before, code)
        if buffering == "off" and code == "run_lost":
            # The connection is as good as after any other answer.
            executor.respond = lambda request, connection: connection.answer()
            assert client.request("GET", "/v1/models").status == 200
    assert edge.logged("one")["error"] == code
    reason = "silent" if code == "upstream_timeout" else "lost"
    assert edge.status()[f"streams_broken_total{{reason={reason}}}"] == 1
    edge.expected.append("upstream prematurely closed")


@pytest.mark.parametrize("death", DEATHS)
def test_http2_over_tls(make_edge, tmp_path, executor, death):
    executor.respond, before, code = DEATHS[death]
    certificate, key = make_certificate(tmp_path)
    edge = make_edge(tls=True, locations=locations(), listen_options="ssl http2",
                     http=f"ssl_certificate {certificate}; ssl_certificate_key {key};")
    with httpx.Client(base_url=edge.url(), http1=False, http2=True, verify=trusting(certificate), timeout=20) as client:
        response = client.post("/v1/chat/completions", content=CHAT, headers={"x-api-key": "agk_alice"})
        assert (response.status_code, response.http_version) == (200, "HTTP/2")
        assert_clean(response.text, before, code)
        executor.respond = lambda request, connection: connection.answer()
        assert client.get("/v1/models", headers={"x-api-key": "agk_alice"}).status_code == 200


@pytest.mark.parametrize("death", DEATHS)
def test_http2_in_clear_with_curl(make_edge, executor, death):
    executor.respond, before, code = DEATHS[death]
    edge = make_edge(locations=locations(), listen_options="http2")
    result = subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "-H", "x-api-key: agk_alice", "-d", CHAT, "--max-time", "20",
         f"http://127.0.0.1:{edge.port}/v1/chat/completions"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert_clean(result.stdout, before, code)


def test_a_normal_end_stays_as_it_is(make_edge, executor):
    executor.respond = stream_of(EVENTS, "data: [DONE]\n\n", headers=OPENAI)
    edge = make_edge(locations=locations())
    with edge.connect() as client:
        for _ in range(3):
            client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
            client.head()
            assert read_stream(client) == EVENTS + "data: [DONE]\n\n"
    assert edge.status()["streams_broken_total{reason=lost}"] == 0


def test_the_dialect_of_messages(make_edge, executor):
    executor.respond = broken_stream_of("event: ping\ndata: {}\n\n", headers=[("X-Agent-Stream", "anthropic")])
    edge = make_edge(locations=locations())
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
        client.head()
        text = read_stream(client).removeprefix("event: ping\ndata: {}\n\n")
    assert text.startswith("event: error\ndata: ")
    document = json.loads(text.removeprefix("event: error\ndata: "))
    assert document["type"] == "error"
    assert set(document["error"]) == {"type", "message"} and document["error"]["type"] == "api_error"


@pytest.mark.parametrize("headers", [[], [("X-Agent-Stream", "none")]])
def test_a_stream_without_a_dialect_stays_cut(make_edge, executor, headers):
    executor.respond = broken_stream_of(EVENTS, headers=headers)
    edge = make_edge(locations=locations())
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
        client.head()
        assert client.chunk() == EVENTS.encode()
        assert client.is_closed()


def test_cut_json_stays_cut(make_edge, executor):
    def respond(request, connection):
        connection.send(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Agent-Stream: openai\r\nContent-Length: 100\r\n\r\n{"a":')
        return True

    executor.respond = respond
    edge = make_edge(locations=locations())
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
        client.head()
        assert client.take(5) == b'{"a":'
        assert client.is_closed()


@pytest.mark.parametrize("listen_options", ["", "sndbuf=32k"], ids=["held-by-the-kernel", "held-by-the-edge"])
def test_a_slow_reader_gets_all_of_it(make_edge, executor, listen_options):
    event = 'data: {"text":"' + "x" * 2000 + '"}\n\n'
    count = 700
    is_sent = threading.Event()

    def respond(request, connection):
        connection.start_stream(OPENAI)
        for _ in range(count):
            connection.chunk(event)
        is_sent.set()
        return True

    executor.respond = respond
    edge = make_edge(locations=locations("proxy_read_timeout 30s;").replace("proxy_read_timeout 1s;", ""),
                     listen_options=listen_options)
    with edge.connect() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_AHEAD)
        client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
        client.head()
        # The executor has gone before the reader begins, and no more goes into the reader's buffer.
        assert is_sent.wait(20)
        edge.wait_for(lambda: readable_bytes(client) >= READ_AHEAD, "full buffer")
        assert_clean(read_stream(client), event * count, "run_lost")
        executor.respond = lambda request, connection: connection.answer()
        assert client.request("GET", "/v1/models").status == 200


# agent_max_run

def respond_forever(seen):
    def respond(request, connection):
        seen.append(request.header("X-Agent-Deadline-Ms"))
        connection.start_stream(OPENAI)
        connection.chunk(EVENTS)
        connection.wait_for_hangup()
        seen.append("closed")
        return True
    return respond


@pytest.mark.parametrize("protocol", ["http1", "http2"])
@pytest.mark.parametrize("location, key, expected", [("500ms", "", 500), ("60s", "max_run=1s", 1000), ("0", "max_run=1s", 1000)])
def test_the_longest_run(make_edge, executor, protocol, location, key, expected):
    seen = []
    executor.respond = respond_forever(seen)
    edge = make_edge(keys=key_line("alice", f"allow=* streams=5 tokens=1m/h {key}"), listen_options="http2" if protocol == "http2" else "",
                     locations=locations(f"agent_max_run {location};").replace("proxy_read_timeout 1s;", ""))
    if protocol == "http2":
        result = subprocess.run(
            ["curl", "-sS", "--http2-prior-knowledge", "-H", "x-api-key: agk_alice", "-d", CHAT, "--max-time", "20",
             f"http://127.0.0.1:{edge.port}/v1/chat/completions"], capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, "")
        text = result.stdout
    else:
        with edge.connect() as client:
            client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
            client.head()
            text = read_stream(client)
            executor.respond = lambda request, connection: connection.answer()
            assert client.request("GET", "/v1/models").status == 200
        status = edge.wait_for_rest()
        assert status["streams_broken_total{reason=max_run}"] == 1
    assert_clean(text, EVENTS, "run_timeout")
    edge.wait_for(lambda: "closed" in seen, "hang-up at the executor")
    assert expected - 200 <= int(seen[0]) <= expected


def test_without_a_longest_run_there_is_no_deadline(edge, executor):
    with edge.connect() as client:
        client.chat(CHAT, [("X-Agent-Deadline-Ms", "5")])
    assert executor.last().header("X-Agent-Deadline-Ms") is None


def test_a_worker_can_leave_while_a_guarded_stream_ends(make_edge, executor):
    ready, go = threading.Event(), threading.Event()

    def respond(request, connection):
        connection.start_stream(OPENAI)
        connection.chunk(EVENTS)
        ready.set()
        go.wait(20)
        return True

    executor.respond = respond
    edge = make_edge(locations=locations("agent_max_run 60s;").replace("proxy_read_timeout 1s;", ""))
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
        client.head()
        ready.wait(20)
        edge.reload()
        go.set()
        assert_clean(read_stream(client), EVENTS, "run_lost")
    edge.wait_for(lambda: edge.status()["workers"] == 1, "old worker to leave")
