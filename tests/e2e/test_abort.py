"""A client that leaves takes its run with it, all the way down."""

import time

import pytest

from gateway_stack import read_until, wait_until

CLIENTS = 50


@pytest.mark.parametrize("model", ["endless", "scripted/endless"])
def test_fifty_clients_leave_and_fifty_upstream_streams_close(quiet, model):
    peers = [quiet.socket_with_chat(model, stream=True) for _ in range(CLIENTS)]
    for peer in peers:
        read_until(peer, b"tick 3 ")
    assert quiet.llm_stats()["open"] == CLIENTS
    left = time.time()
    for peer in peers:
        peer.close()
    wait_until(lambda: quiet.llm_stats()["peer_closed"] == CLIENTS, "all upstream streams closed")
    records = [record for record in quiet.llm_requests() if record["path"] == "/v1/chat/completions"]
    assert [record["status"] for record in records] == ["peer_closed"] * CLIENTS
    assert max(record["ended"] for record in records) - left < 2
    assert quiet.llm_stats()["open"] == 0


def test_a_client_that_leaves_cancels_the_running_tool(quiet):
    peer = quiet.socket_with_chat("waiting", stream=True)
    wait_until(lambda: [call for call in quiet.mcp_calls() if call["status"] == "open"], "the tool runs")
    peer.close()
    call = wait_until(
        lambda: next((call for call in quiet.mcp_calls() if call["status"] != "open"), None), "the tool ended"
    )
    assert (call["tool"], call["status"]) == ("slow", "cancelled")
    assert len(quiet.llm_requests()) == 1, "the loop must not go on"


def test_a_client_that_leaves_before_the_first_byte(quiet):
    """The run waits for its tool, and the answer is not streamed: nothing was sent to the client yet."""
    peer = quiet.socket_with_chat("waiting")
    wait_until(lambda: quiet.mcp_calls(), "the tool runs")
    peer.close()
    wait_until(lambda: quiet.mcp_calls()[0]["status"] == "cancelled", "the tool was cancelled")
