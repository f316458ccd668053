"""An executor that is told to stop does not wait for ever: what still runs ends as if the executor had died."""

import json
import os
import signal

import pytest

from gateway_stack import assert_error, chat, data_of, has_ended, wait_until


def events_of(stack):
    return [entry["event"] for entry in stack.executor_events(1)]


@pytest.mark.parametrize("signals, last_event", [(1, "stopped"), (2, "killed_in_drain")])
def test_a_run_that_outlasts_the_drain(own_stack, signals, last_event):
    pid = int(own_stack["EXECUTOR_PID"])
    with own_stack.client() as client:
        request = client.stream("POST", "/v1/chat/completions", json=chat("scripted/endless", stream=True))
        with request as answer:
            pieces = answer.iter_text()
            received = next(pieces)
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: "drain_started" in events_of(own_stack), "the drain")
            if signals == 2:
                os.kill(pid, signal.SIGTERM)
            received += "".join(pieces)
        *chunks, last = data_of(received)
        assert chunks and json.loads(last)["error"]["code"] == "run_lost"
        wait_until(lambda: has_ended(pid), "the executor ended", 30)
        assert_error(client.get("/v1/models"), 503, "no_executor")
    wait_until(lambda: own_stack.llm_stats()["open"] == 0, "the upstream was let go")
    assert events_of(own_stack)[-1] == last_event
