"""The gateway in front of a real model server, asked by the official client. What the model says is random, and always the same."""

import contextlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import gateway_stack  # noqa: E402
from admin_gateway import AdminGateway  # noqa: E402
from config_edits import ConfigFile  # noqa: E402
from gateway_stack import wait_until  # noqa: E402
from llama_server import CONTEXT, KEY, LlamaServer  # noqa: E402
from upstream_doubles import ending  # noqa: E402

pytestmark = pytest.mark.timeout(300)

MODEL = "llama/tiny"
QUICK_S = 10
TOO_LONG = "0123456789" * (CONTEXT // 10)  # a token each, and those of the template
CONFIG = """
version: 1
server: {{metrics_listen: "127.0.0.1:0", drain_timeout: 3s}}
upstreams:
  llama:
    base_url: "{url}/v1"
    api_key: {key}
    models: [tiny]
    retry_backoff: 100ms
    breaker_failures: 0  # it is made to fail
    health_interval: 1s
agents:
  - name: assistant
    upstream: llama
    model: tiny
    instructions: You say words that nobody knows.
"""


@dataclass
class Setting:
    gateway: AdminGateway
    server: LlamaServer
    client: openai.OpenAI

    def ask(self, model: str = MODEL, text: str = "Say something.", **more):
        messages = [{"role": "user", "content": text}]
        return self.client.chat.completions.create(model=model, messages=messages, **{"temperature": 0, **more})


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    directory = tmp_path_factory.mktemp("l")
    source = directory / "source"
    source.mkdir()
    with ending(LlamaServer(directory)) as server, contextlib.ExitStack() as clients:
        (source / "gateway.yaml").write_text(CONFIG.format(url=server.url, key=KEY))
        try:
            stack = gateway_stack.start(directory, config=source)
            admin = clients.enter_context(stack.admin_client())
            client = clients.enter_context(stack.client())
            http = clients.enter_context(httpx.Client(verify=stack.tls(), timeout=120))
            gateway = AdminGateway(stack, admin, client, ConfigFile(stack.config_file))
            official = openai.OpenAI(base_url=stack.url + "/v1", api_key=stack["AGENT_KEY"], http_client=http,
                                     max_retries=0)
            yield Setting(gateway, server, official)
            assert [answer for answer in gateway.answers if KEY in answer] == []
        finally:
            gateway_stack.stop(directory, secrets=(KEY,))


def put_together(stream) -> tuple[str, str | None, object, int]:
    """Text, finish_reason and usage of a stream, and how many of its chunks had text."""
    text, finish, usage, count = "", None, None, 0
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            count += bool(choice.delta.content)
            finish = choice.finish_reason or finish
    return text, finish, usage, count


@pytest.mark.parametrize("model", [MODEL, "assistant"])
def test_the_same_answer_streamed_and_not(setting, model):
    whole = setting.ask(model, max_tokens=24)
    (choice,) = whole.choices
    assert choice.message.role == "assistant" and len(choice.message.content.split()) == 24
    assert choice.finish_reason == "length"
    assert whole.usage.completion_tokens == 24
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + 24 and whole.usage.prompt_tokens > 10
    text, finish, usage, count = put_together(setting.ask(model, max_tokens=24, stream=True))
    assert (text, finish) == (choice.message.content, "length")
    assert count > 10, "it came piece by piece"
    assert usage is None, "nobody asked for it"


def test_a_stream_has_no_usage_that_the_server_did_not_report(setting):
    """This one does not know stream_options: nothing is made up, and what was asked for is answered."""
    asked = setting.ask(max_tokens=8, stream=True, stream_options={"include_usage": True})
    text, finish, usage, _ = put_together(asked)
    assert (len(text.split()), finish, usage) == (8, "length", None)


def test_an_agent_puts_its_instructions_in_front(setting):
    plain, agent = (setting.ask(model, max_tokens=1).usage for model in (MODEL, "assistant"))
    assert agent.prompt_tokens >= plain.prompt_tokens + len("You say words that nobody knows.")


@pytest.mark.parametrize("stream", [False, True])
def test_it_stops_where_it_is_told(setting, stream):
    words = setting.ask(max_tokens=24).choices[0].message.content.split()
    stop = next(word for word in words[3:] if word not in words[:3])
    answer = setting.ask(max_tokens=24, stop=[f" {stop}"], stream=stream)
    if stream:
        text, finish, _, _ = put_together(answer)
    else:
        text, finish = answer.choices[0].message.content, answer.choices[0].finish_reason
    assert (text.split(), finish) == (words[: words.index(stop)], "stop")


def test_a_client_that_leaves_frees_the_server(setting):
    began = time.monotonic()
    assert put_together(setting.ask(max_tokens=500, stream=True))[1] == "length"
    of_500 = time.monotonic() - began
    for _ in range(3):
        stream = setting.ask(max_tokens=CONTEXT - 1000, stream=True)
        for _ in zip(range(20), stream, strict=False):
            pass
        stream.close()
        began = time.monotonic()
        assert setting.ask(max_tokens=4).choices[0].finish_reason == "length"
        assert time.monotonic() - began < of_500 + 1, "the end of the other, at 60 times that, was not waited for"
    wait_until(lambda: setting.gateway.entry("/upstreams", "llama")["in_flight"] == 0, "nothing runs")


def test_a_context_that_is_too_long(setting):
    with pytest.raises(openai.BadRequestError) as caught:
        setting.ask(text=TOO_LONG, max_tokens=4)
    assert (caught.value.status_code, caught.value.code) == (400, "upstream_rejected")
    assert "context" in caught.value.message and str(CONTEXT) in caught.value.message
    assert setting.ask(max_tokens=1).choices[0].finish_reason == "length"


def test_a_context_that_is_too_long_for_a_stream(setting):
    """This server has sent 200 by the time it finds out; then it says nothing more and closes."""
    with pytest.raises(openai.APIStatusError) as caught:
        setting.ask(text=TOO_LONG, max_tokens=4, stream=True)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_stream_truncated")
    assert setting.ask(max_tokens=1).choices[0].finish_reason == "length"


def test_a_server_that_dies_in_its_answer_and_one_that_is_back(setting):
    stream = setting.ask(max_tokens=CONTEXT - 1000, stream=True)
    received = 0
    with pytest.raises(openai.APIError) as caught:
        for chunk in stream:
            received += bool(chunk.choices and chunk.choices[0].delta.content)
            if received == 20:
                setting.server.kill()
    assert caught.value.code == "upstream_stream_truncated" and received >= 20
    wait_until(lambda: setting.gateway.entry("/upstreams", "llama")["healthy"] is False, "the look finds it down")
    began = time.monotonic()
    with pytest.raises(openai.APIStatusError) as refused:
        setting.ask(max_tokens=4)
    assert (refused.value.status_code, refused.value.code) == (502, "upstream_unreachable")
    assert time.monotonic() - began < QUICK_S
    setting.server.start()
    assert setting.ask(max_tokens=4).choices[0].finish_reason == "length"
    wait_until(lambda: setting.gateway.entry("/upstreams", "llama")["healthy"], "and the look finds it well")
