"""Time limits, silence, and executors that stop or die while they are used."""

import os
import signal
from pathlib import Path

import pytest

from gateway_stack import assert_error, chat, data_of, has_ended, read_until, wait_until


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_ends_at_its_time_limit(quiet, client, stream):
    answer = client.post("/v1/chat/completions", json=chat("impatient", stream=stream))
    assert_error(answer, 504, "run_timeout")
    wait_until(lambda: quiet.llm_stats()["open"] == 0, "the upstream was let go")


def test_a_silent_stream_is_kept_alive_with_comments(quiet):
    with quiet.client() as client:
        request = client.stream("POST", "/v1/chat/completions", json=chat("waiting", stream=True))
        with request as answer:
            assert answer.status_code == 200
            assert next(answer.iter_raw()) == b": keep-alive\n\n"
    wait_until(lambda: quiet.mcp_calls()[0]["status"] == "cancelled", "the tool was cancelled")


def test_a_draining_executor_finishes_its_streams(own_stack):
    pid = int(own_stack["EXECUTOR_PID"])
    with own_stack.client() as client, own_stack.client() as other:
        request = client.stream("POST", "/v1/chat/completions", json=chat("scripted/paced", stream=True))
        with request as answer:
            pieces = answer.iter_text()
            received = next(pieces)
            os.kill(pid, signal.SIGTERM)
            # Nothing new is taken: the edge finds no executor, and says when to try again.
            socket_path = Path(own_stack["AGENT_EXECUTOR_SOCKET"])
            wait_until(lambda: not socket_path.exists(), "the socket's path is gone")
            received += "".join(pieces)
        *chunks, done = data_of(received)
        assert done == "[DONE]" and len(chunks) >= 20
        wait_until(lambda: has_ended(pid), "the executor ended", 30)
        refused = other.post("/v1/chat/completions", json=chat("assistant"))
        assert_error(refused, 503, "no_executor")
        assert int(refused.headers["retry-after"]) >= 1
    events = [entry["event"] for entry in own_stack.executor_events(1)]
    assert events.index("drain_started") < events.index("stopped") and events[-1] == "stopped"


def test_a_killed_executor_is_a_clear_error_and_the_edge_lives(own_stack):
    pid = int(own_stack["EXECUTOR_PID"])
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: has_ended(pid), "the executor is dead")
    with own_stack.client() as client:
        assert client.get("/health").json()["status"] == "ok"
        assert_error(client.get("/v1/models"), 503, "no_executor")
        assert_error(client.post("/v1/chat/completions", json=chat("assistant", stream=True)), 503, "no_executor")


def test_a_run_that_was_lost_is_not_to_be_repeated(own_stack):
    pid = int(own_stack["EXECUTOR_PID"])
    with own_stack.client() as client:
        peer = own_stack.socket_with_chat("waiting")
        wait_until(own_stack.mcp_calls, "the tool runs")
        os.kill(pid, signal.SIGKILL)
        received = read_until(peer, b"run_lost")
        assert received.startswith(b"HTTP/1.1 424 ") and b"x-should-retry: false" in received.lower()
        peer.close()
        assert client.get("/health").status_code == 200
