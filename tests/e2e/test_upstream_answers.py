"""Answers that break, never come or never end: a clear error in time, bounded memory, and the slot is free again."""

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import gateway_stack
from admin_gateway import AdminGateway
from answer_doubles import KINDS, LARGE, WORD, AnswerServer
from config_edits import ConfigFile
from gateway_stack import assert_error, chat, data_of, wait_until
from upstream_doubles import ending

SECRET = "hunter2"
IDLE_TIMEOUT_S = 0.5
TIMEOUT_S = 2.0
LARGE_TIMEOUT_S = 120
MIB = 1 << 20
# At most so much is kept of a JSON answer. Its buffer grows by doubling, so that the peak is some times that.
MOST_JSON = 32 * MIB
LITTLE = 16 * MIB
CONFIG = """
version: 1
server: {threads: 1, metrics_listen: "127.0.0.1:0", drain_timeout: 3s, keep_alive_interval: 300ms}
upstreams:
"""
UPSTREAM = """\
  {name}:
    base_url: "{url}/v1"
    api_key: hunter2-of-answers
    models: [{name}, good]
    idle_timeout: {idle}s
    timeout: {timeout}s
    max_concurrent: 1
    queue_timeout: 5s
    retries: 0
    breaker_failures: 0
    health_interval: 1h
"""
TIMEOUT = (504, "upstream_timeout")
INVALID = (502, "upstream_invalid_response")
CUT = (502, "upstream_stream_truncated")
# Kind of answer, streamed or not: status and code, words of the stream before it, and outcome.
BROKEN = {
    ("silent_after_headers", False): (*TIMEOUT, 0, "timeout"),
    ("silent_after_headers", True): (*TIMEOUT, 0, "timeout"),
    ("silent_in_the_middle", False): (*TIMEOUT, 0, "timeout"),
    ("silent_in_the_middle", True): (*TIMEOUT, 3, "timeout"),
    ("cut", False): (*CUT, 0, "truncated"),
    ("cut", True): (*CUT, 3, "truncated"),
    ("reset", False): (*CUT, 0, "truncated"),
    ("reset", True): (*CUT, 3, "truncated"),
    ("page", False): (*INVALID, 0, "invalid"),
    ("page", True): (*INVALID, 0, "invalid"),
    ("picture", False): (*INVALID, 0, "invalid"),
    ("picture", True): (*INVALID, 0, "invalid"),
    ("compressed", False): (*INVALID, 0, "invalid"),
    ("compressed", True): (*INVALID, 0, "invalid"),
    ("endless", False): (*TIMEOUT, 0, "timeout"),
    ("endless", True): (*TIMEOUT, None, "timeout"),
    ("endless_comments", False): (*TIMEOUT, 0, "timeout"),
    ("endless_comments", True): (*TIMEOUT, 0, "timeout"),
    ("endless_header", False): (*INVALID, 0, "invalid"),
    ("endless_header", True): (*INVALID, 0, "invalid"),
    ("large_line", False): (*INVALID, 0, "invalid"),
    ("large_line", True): (*INVALID, 0, "invalid"),
    ("large_words", False): (*INVALID, 0, "invalid"),
    ("large_events_for_json", False): (*INVALID, 0, "invalid"),
}


@dataclass
class Upstreams:
    gateway: AdminGateway
    server: AnswerServer

    def outcomes(self, name: str) -> dict:
        return self.gateway.get("/admin/metrics")["upstream_breakdown"].get(name, {"outcomes": {}})["outcomes"]

    def assert_serves(self, name: str) -> None:
        """Its one slot is free, and what it answers is whole."""
        shown = self.gateway.entry("/upstreams", name)
        assert (shown["in_flight"], shown["queued"]) == (0, 0)
        answer = self.gateway.client.post("/v1/chat/completions", json=chat(f"{name}/good"))
        assert answer.status_code == 200 and answer.json()["choices"][0]["message"]["content"] == WORD, answer.text


@pytest.fixture(scope="module")
def upstreams(tmp_path_factory):
    directory = tmp_path_factory.mktemp("a")
    with contextlib.ExitStack() as doubles:
        server = doubles.enter_context(ending(AnswerServer()))
        config = directory / "source"
        config.mkdir()
        (config / "gateway.yaml").write_text(CONFIG + "".join(
            UPSTREAM.format(name=name, url=server.url, idle=IDLE_TIMEOUT_S,
                            timeout=LARGE_TIMEOUT_S if name.startswith("large") else TIMEOUT_S)
            for name in KINDS if name != "good"))
        # What was freed is to be free, or memory says nothing.
        environment = {"ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}
        try:
            stack = gateway_stack.start(directory, config=config, environment=environment)
            with stack.admin_client() as admin, stack.client(timeout=LARGE_TIMEOUT_S) as client:
                gateway = AdminGateway(stack, admin, client, ConfigFile(stack.config_file))
                yield Upstreams(gateway, server)
                assert [answer for answer in gateway.answers if SECRET in answer] == []
        finally:
            gateway_stack.stop(directory, secrets=(SECRET,))


class Memory:
    """What the executor takes at most, from now on; in bytes."""

    def __init__(self, stack):
        self.folder = Path("/proc") / stack["EXECUTOR_PID"]
        (self.folder / "clear_refs").write_text("5")  # the peak begins anew
        self.before = self._field("VmRSS")

    def growth(self) -> int:
        return self._field("VmHWM") - self.before

    def _field(self, name: str) -> int:
        (line,) = [line for line in (self.folder / "status").read_text().splitlines() if line.startswith(name + ":")]
        return int(line.split()[1]) << 10


def words_then_error(text: str) -> tuple[list[str], str]:
    """What a stream that has begun holds: texts of the deltas, and the code of the error at its end."""
    *chunks, last = [json.loads(data) for data in data_of(text)]
    texts = [choice["delta"].get("content") for one in chunks for choice in one["choices"]]
    return [text for text in texts if text], last["error"]["code"]


@pytest.mark.parametrize(("kind", "stream"), BROKEN)
def test_a_clear_error_in_time(upstreams, kind, stream):
    status, code, words, outcome = BROKEN[kind, stream]
    before = upstreams.outcomes(kind).get(outcome, 0)
    left_before = upstreams.server.left.get(kind, 0)
    memory = Memory(upstreams.gateway.stack)
    began = time.monotonic()
    answer = upstreams.gateway.client.post("/v1/chat/completions", json=chat(f"{kind}/{kind}", stream=stream))
    took = time.monotonic() - began
    assert took < (30 if kind.startswith("large") else TIMEOUT_S + 1)
    assert SECRET not in answer.text
    if words == 0 and answer.status_code != 200:
        assert_error(answer, status, code)
    else:
        texts, said = words_then_error(answer.text)
        assert said == code and "[DONE]" not in answer.text
        assert texts == [WORD] * (len(texts) if words is None else words)
    line = upstreams.gateway.stack.request_line(answer)
    assert (line["error_code"], line["upstream"]) == (code, kind)
    assert memory.growth() < (3 * MOST_JSON if kind.startswith("large") else LITTLE)
    wait_until(lambda: upstreams.outcomes(kind).get(outcome, 0) == before + 1, "it is counted")
    if kind.startswith(("silent", "endless", "large")):
        wait_until(lambda: upstreams.server.left.get(kind, 0) == left_before + 1, "its connection is closed")
    upstreams.assert_serves(kind)


@pytest.mark.parametrize("stream", [False, True])
def test_bytes_one_by_one_are_an_answer(upstreams, stream):
    model = "bytes_one_by_one/bytes_one_by_one"
    answer = upstreams.gateway.client.post("/v1/chat/completions", json=chat(model, stream=stream))
    assert answer.status_code == 200, answer.text
    if stream:
        *chunks, last = data_of(answer.text)
        texts = [json.loads(data)["choices"][0]["delta"].get("content") for data in chunks]
        assert [text for text in texts if text] == [WORD] * 3 and last == "[DONE]"
    else:
        assert answer.json()["choices"][0]["message"]["content"] == WORD
    upstreams.assert_serves("bytes_one_by_one")


def test_a_large_stream_passes_in_little_memory(upstreams):
    memory = Memory(upstreams.gateway.stack)
    size, end = 0, b""
    with upstreams.gateway.client.stream(
            "POST", "/v1/chat/completions", json=chat("large_words/large_words", stream=True)) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_raw():
            size += len(piece)
            end = (end + piece)[-100:]
    assert size > LARGE and end.endswith(b"data: [DONE]\n\n")
    assert memory.growth() < LITTLE
    upstreams.assert_serves("large_words")


def test_a_large_stream_waits_for_a_client_that_does_not_read(upstreams):
    """It is the server that is held up, and nothing is put by."""
    memory = Memory(upstreams.gateway.stack)
    sent = upstreams.server.sent.get("large_words", 0)
    peer = upstreams.gateway.stack.socket_with_chat("large_words/large_words", stream=True)
    with peer:
        gateway_stack.read_until(peer, b"data: ")
        amounts = [-1, 0]
        while amounts[-1] > amounts[-2]:
            time.sleep(0.5)
            amounts.append(upstreams.server.sent["large_words"] - sent)
        assert 0 < amounts[-1] < LARGE / 2, "the server could not send all of it"
        assert memory.growth() < LITTLE
    wait_until(lambda: upstreams.gateway.entry("/upstreams", "large_words")["in_flight"] == 0, "the slot is free")
    assert upstreams.server.left.get("large_words"), "and the server was left"
    upstreams.assert_serves("large_words")
