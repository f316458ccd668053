"""More than the executor may hold: 503 with Retry-After at once, and nothing for those who were there before."""

import json

import pytest

import gateway_stack
from gateway_stack import assert_error, chat, wait_until

CONFIG = """
version: 1
server: {max_open_requests: 2, max_request_memory: 1m}
upstreams:
  scripted: {base_url: "${LLM_BASE_URL}", models: [endless, plain]}
"""
SCRIPT = {
    "models": {
        "plain": {"turns": [{"text": "here"}]},
        "endless": {"turns": [{"text": "tick {{n}} ", "repeat": 1000000, "event_delay_ms": 20}]},
    }
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    directory = tmp_path_factory.mktemp("o")
    source = directory / "source"
    source.mkdir()
    (source / "gateway.yaml").write_text(CONFIG)
    (source / "llm.json").write_text(json.dumps(SCRIPT))
    try:
        yield gateway_stack.start(directory, config=source)
    finally:
        gateway_stack.stop(directory)


def ask(stack, text: str = "Hello"):
    with stack.client() as client:
        return client.post("/v1/chat/completions", json=chat("scripted/plain", text))


def test_one_request_too_many(stack):
    peers = [stack.socket_with_chat("scripted/endless", stream=True) for _ in range(2)]
    for peer in peers:
        gateway_stack.read_until(peer, b"tick 3 ")
    refused = ask(stack)
    assert_error(refused, 503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert "x-should-retry" not in refused.headers, "nothing has run: an SDK may ask again"
    with stack.client() as client:
        assert client.get("/health").status_code == 200
    for peer in peers:
        gateway_stack.read_until(peer, b"tick 9 ")
        peer.close()
    wait_until(lambda: ask(stack).status_code == 200, "there is room again")


def test_prompts_that_do_not_fit(stack):
    refused = ask(stack, "x" * (1 << 20))
    assert_error(refused, 503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    for _ in range(3):  # what was held is given back each time
        assert ask(stack, "x" * 900_000).status_code == 200


def test_a_stream_gives_the_memory_of_its_prompt_back(stack):
    large = "x" * 900_000
    peer = stack.socket_with_chat("scripted/endless", stream=True, text=large)
    gateway_stack.read_until(peer, b"tick 3 ")
    assert ask(stack, large).status_code == 200
    peer.close()
