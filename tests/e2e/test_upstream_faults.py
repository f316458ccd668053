"""Upstreams that fail: what can be saved is saved, what cannot is a clear error, and nothing is held on to."""

import contextlib
import json
import threading
import time

import pytest

import gateway_stack
from gateway_stack import assert_error, chat, wait_until
from upstream_doubles import BadServer, LlmProcess, StatusServer, closed_port, ending

LANES = 4
SCRIPT = {
    "models": {
        "plain": {"turns": [{"text": "I am {{model}}", "usage": {"prompt_tokens": 3, "completion_tokens": 4}}]},
        "slow": {"turns": [{"text": "at last", "delay_ms": 1500}]},
        "endless": {"turns": [{"text": "tick {{n}} ", "repeat": 1000000, "event_delay_ms": 20}]},
        "*": {"turns": [{"text": "I am {{model}}", "delay_ms": 10}]},
    }
}
CONFIG = """
version: 1
server: {{keep_alive_interval: 1s, drain_timeout: 3s}}
upstreams:
  statuses: {{base_url: "{statuses}/v1", models: [any], retry_backoff: 20ms, breaker_failures: 0}}
  counted: {{base_url: "{statuses}/v1", models: [any], retries: 0, breaker_failures: 2}}
  first:
    base_url: "{first}/v1"
    first_byte_timeout: 2500ms
    retry_backoff: 20ms
    breaker_open_time: 300ms
    breaker_open_time_max: 500ms
    health_interval: 200ms
    health_timeout: 500ms
  second: {{base_url: "{second}/v1", priority: 1, health_interval: 200ms}}
  # The first one again, at which nobody looks meanwhile: only a call can find it dead.
  unwatched: {{base_url: "{first}/v1", retry_backoff: 20ms, health_interval: 1h}}
  narrow: {{base_url: "{second}/v1", models: [slow, endless], max_concurrent: 1, max_queue: 1, queue_timeout: 20s}}
  old:
    base_url: "{second}/v1"
    models: [plain]
    supports_developer_role: false
    supports_stream_usage: false
    supports_parallel_tool_calls: false
    supports_max_completion_tokens: false
    drop_fields: [user, messages.refusal]
  silent: {{base_url: "{silent}/v1", models: [any], first_byte_timeout: 300ms, max_concurrent: 1}}
  slow_to_accept: {{base_url: "{full}/v1", models: [any], connect_timeout: 300ms, retries: 1, max_concurrent: 1}}
  resetting: {{base_url: "{reset}/v1", models: [any], retry_backoff: 20ms, max_concurrent: 1}}
  refusing: {{base_url: "http://127.0.0.1:{closed}/v1", models: [any], retry_backoff: 20ms, max_concurrent: 1}}
  limited: {{base_url: "{second}/v1", models: [slow], timeout: 300ms, max_concurrent: 1}}
agents:
  - name: both
    upstream: [first, {{name: second, model: spare}}]
    model: main
    instructions: You have two upstreams.
  - name: trusting
    upstream: [unwatched, {{name: second, model: spare}}]
    model: main
    instructions: You have two upstreams.
"""


class Upstreams:
    def __init__(self, stack, first: LlmProcess, second: LlmProcess, statuses: StatusServer):
        self.stack, self.first, self.second, self.statuses = stack, first, second, statuses

    def ask(self, model: str, **more):
        with self.stack.client(timeout=60) as client:
            return client.post("/v1/chat/completions", json=chat(model, **more))

    def listed(self, name: str) -> dict:
        with self.stack.admin_client() as admin:
            return next(one for one in admin.get("/upstreams").raise_for_status().json() if one["name"] == name)

    def counted(self, name: str) -> dict:
        """Since the start."""
        with self.stack.admin_client() as admin:
            breakdown = admin.get("/admin/metrics").raise_for_status().json()["upstream_breakdown"]
        return breakdown.get(name, {"requests": 0, "outcomes": {}, "retries": 0, "failovers": 0})

    def events(self, name: str) -> list[dict]:
        return [event for event in self.stack.executor_events(1) if event["event"] == name]

    def wait_until_idle(self, *names: str) -> None:
        for name in names:
            wait_until(lambda name=name: (one := self.listed(name))["in_flight"] == 0 == one["queued"], f"{name} is idle")


@pytest.fixture(scope="module")
def upstreams(tmp_path_factory):
    directory = tmp_path_factory.mktemp("u")
    script = directory / "script.json"
    script.write_text(json.dumps(SCRIPT))
    with contextlib.ExitStack() as doubles:
        enter = lambda double: doubles.enter_context(ending(double))  # noqa: E731
        first, second = (enter(LlmProcess(directory, name, script)) for name in ("first", "second"))
        statuses = enter(StatusServer())
        bad = {kind: enter(BadServer(kind)).url for kind in ("silent", "full", "reset")}
        config = directory / "source"
        config.mkdir()
        (config / "gateway.yaml").write_text(CONFIG.format(
            first=first.url, second=second.url, statuses=statuses.url, closed=closed_port(), **bad))
        try:
            yield Upstreams(gateway_stack.start(directory, config=config), first, second, statuses)
        finally:
            gateway_stack.stop(directory)


@pytest.mark.item("S1-33")
def test_503_twice_then_an_answer(upstreams):
    upstreams.statuses.play((503, {}), (503, {}))
    before = upstreams.counted("statuses")
    answer = upstreams.ask("statuses/any")
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "here again"
    assert len(upstreams.statuses.times) == 3
    after = upstreams.counted("statuses")
    assert after["retries"] - before["retries"] == 2 and after["requests"] - before["requests"] == 3
    retry = [event for event in upstreams.events("upstream_retry") if event["upstream"] == "statuses"][-1]
    assert retry["request_id"] == answer.headers["x-request-id"] and retry["cause"] == "failed" and retry["attempt"] == 3


def test_a_limited_upstream_is_asked_again_when_it_says(upstreams):
    upstreams.statuses.play((429, {"Retry-After": "0.4"}))
    assert upstreams.ask("statuses/any").status_code == 200
    first, second = upstreams.statuses.times
    assert 0.4 <= second - first < 5
    upstreams.statuses.play((429, {"Retry-After": "60"}))
    answer = upstreams.ask("statuses/any")
    assert_error(answer, 429, "upstream_rate_limited")
    assert answer.headers["retry-after"] == "60" and len(upstreams.statuses.times) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_what_would_be_said_again_is_not_asked_for_again(upstreams, status):
    upstreams.statuses.play((status, {}))
    assert upstreams.ask("statuses/any").status_code in (status, 502)
    assert len(upstreams.statuses.times) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_failures_in_a_row_are_those_without_an_answer_between(upstreams, stream):
    upstreams.statuses.play(*[(500, {}), (200, {})] * 4)
    before = upstreams.counted("counted")["outcomes"]
    statuses = [upstreams.ask("counted/any", stream=stream).status_code for _ in range(8)]
    assert statuses == [502, 200] * 4
    after = upstreams.counted("counted")["outcomes"]
    assert {name: count - before.get(name, 0) for name, count in after.items()} == {"ok": 4, "failed": 4}


@pytest.mark.item("S1-34")
def test_another_upstream_answers_for_one_that_is_dead(upstreams):
    for agent in ("both", "trusting"):
        assert upstreams.ask(agent).json()["choices"][0]["message"]["content"] == "I am main"
    before = upstreams.counted("unwatched")["failovers"]
    upstreams.first.kill()
    try:
        assert upstreams.ask("both").json()["choices"][0]["message"]["content"] == "I am spare"
        answers = [upstreams.ask("trusting", stream=stream) for stream in (False, True) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200] * len(answers)
        assert answers[0].json()["choices"][0]["message"]["content"] == "I am spare", "its own name of the model"
        assert upstreams.counted("unwatched")["failovers"] > before
        failover = upstreams.events("upstream_failover")[-1]
        assert (failover["upstream"], failover["to"], failover["cause"]) == ("unwatched", "second", "unreachable")
        assert failover["request_id"] in {answer.headers["x-request-id"] for answer in answers}
        wait_until(lambda: upstreams.listed("first")["healthy"] is False, "the look finds it down")
    finally:
        upstreams.first.start()
    wait_until(lambda: upstreams.listed("first")["healthy"], "the look finds it well")
    asks_first = lambda: "main" in upstreams.ask("both").text  # noqa: E731
    wait_until(asks_first, "the first one is asked again", 20)
    assert upstreams.listed("first")["breaker"] == "closed"
    upstreams.wait_until_idle("first", "second")


class Load:
    """Chats without a pause, streamed on every other lane. What failed though nothing of an answer had come is kept."""

    def __init__(self, stack):
        self.stack, self.done, self.requests, self.failures = stack, threading.Event(), 0, []
        self.threads = [threading.Thread(target=self._run, args=(number % 2 == 0,)) for number in range(LANES)]

    def _run(self, stream: bool) -> None:
        with self.stack.client(timeout=60) as client:
            while not self.done.is_set():
                answer = client.post("/v1/chat/completions", json=chat("both", stream=stream))
                self.requests += 1
                is_whole = "data: [DONE]" in answer.text if stream else True
                could_be_saved = '"choices"' not in answer.text
                if answer.status_code != 200 or (not is_whole and could_be_saved):
                    self.failures.append(f"{answer.status_code}: {answer.text[:300]}")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()


def test_an_upstream_that_comes_and_goes_under_load(upstreams):
    """Killed with requests in flight, and stopped so that it accepts and says nothing: each request has an answer."""
    before = upstreams.counted("first")
    with Load(upstreams.stack) as load:
        for _ in range(3):
            asked = load.requests
            wait_until(lambda: load.requests > asked + 20, "load", 30)
            upstreams.first.kill()
            wait_until(lambda: upstreams.listed("first")["breaker"] != "closed" or
                       upstreams.listed("first")["healthy"] is False, "it is known to be down", 30)
            asked = load.requests
            wait_until(lambda: load.requests > asked + 20, "load", 30)
            upstreams.first.start()
            wait_until(lambda: upstreams.listed("first")["healthy"], "it is known to be well", 30)
        upstreams.first.pause()
        try:
            wait_until(lambda: upstreams.listed("first")["healthy"] is False, "it is known to be silent", 30)
            asked = load.requests
            wait_until(lambda: load.requests > asked + 20, "load", 30)
        finally:
            upstreams.first.resume()
        wait_until(lambda: upstreams.listed("first")["healthy"] and upstreams.listed("first")["breaker"] == "closed",
                   "it serves again", 30)
    assert load.failures == []
    after = upstreams.counted("first")
    assert after["failovers"] > before["failovers"]
    assert after["outcomes"]["ok"] > before["outcomes"].get("ok", 0)
    assert after["outcomes"]["unreachable"] > before["outcomes"].get("unreachable", 0)
    upstreams.wait_until_idle("first", "second")


@pytest.mark.parametrize(("upstream", "status", "code", "limit_s"), [
    ("silent", 504, "upstream_timeout", 5),
    ("slow_to_accept", 504, "upstream_timeout", 5),
    ("resetting", 502, "upstream_unreachable", 5),
    ("refusing", 502, "upstream_unreachable", 5),
])
@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_upstream_is_a_clear_error_in_time(upstreams, upstream, status, code, limit_s, stream):
    began = time.monotonic()
    answer = upstreams.ask(f"{upstream}/any", stream=stream)
    assert time.monotonic() - began < limit_s
    assert_error(answer, status, code)
    upstreams.wait_until_idle(upstream)


def test_a_request_has_a_time_limit(upstreams):
    began = time.monotonic()
    assert_error(upstreams.ask("limited/slow"), 504, "upstream_timeout")
    assert time.monotonic() - began < 5
    upstreams.wait_until_idle("limited")


def test_a_full_upstream_says_so(upstreams):
    """One is answered, one waits for that, the third is told to come back."""
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(upstreams.ask("narrow/slow"))) for _ in range(2)]
    for number, thread in enumerate(threads):
        thread.start()
        wait_until(lambda number=number: (one := upstreams.listed("narrow"))["in_flight"] + one["queued"] == number + 1,
                   "it is there")
    refused = upstreams.ask("narrow/slow")
    assert_error(refused, 503, "upstream_overloaded")
    assert refused.headers["retry-after"] == "1"
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert upstreams.counted("narrow")["outcomes"]["overloaded"] == 1
    upstreams.wait_until_idle("narrow")


def test_a_client_that_leaves_gives_its_slot_to_the_next(upstreams):
    peer = upstreams.stack.socket_with_chat("narrow/endless", stream=True)
    gateway_stack.read_until(peer, b"tick 3 ")
    assert upstreams.listed("narrow")["in_flight"] == 1
    waiting = upstreams.stack.socket_with_chat("narrow/slow")
    wait_until(lambda: upstreams.listed("narrow")["queued"] == 1, "the other one waits")
    peer.close()
    assert b"at last" in gateway_stack.read_until(waiting, b"at last")
    waiting.close()
    upstreams.wait_until_idle("narrow")


def test_an_old_server_gets_what_it_knows(upstreams):
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi", "refusal": None}]
    body = {**chat("old/plain", stream=True), "messages": messages, "max_completion_tokens": 9, "user": "u",
            "parallel_tool_calls": False, "seed": 7}
    with upstreams.stack.client() as client:
        client.post("/v1/chat/completions", json=body).raise_for_status()
    sent = upstreams.second.chats()[-1]["body"]
    assert sent == {"model": "plain", "stream": True, "seed": 7, "max_tokens": 9, "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}
