"""The official Python client, unmodified: it trusts the stack's CA by its environment."""

import openai
import pytest

from gateway_stack import secret_of, wait_until

pytestmark = pytest.mark.item("S1-15")

MESSAGES = [{"role": "user", "content": "How is it in Oslo?"}]


@pytest.fixture
def make_client(stack, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", stack["SSL_CERT_FILE"])
    opened = []

    def make(key=None, **options):
        options = {"max_retries": 0, "timeout": 30, **options}
        opened.append(openai.OpenAI(base_url=stack.url + "/v1", api_key=key or stack["AGENT_KEY"], **options))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def test_list_and_retrieve(make_client):
    client = make_client()
    names = [model.id for model in client.models.list()]
    assert "assistant" in names and "scripted/plain" in names
    for name in ("assistant", "scripted/plain"):
        assert client.models.retrieve(name).id == name
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


def test_chat(make_client):
    answer = make_client().chat.completions.create(model="assistant", messages=MESSAGES)
    assert "Sunny, 21 °C in Oslo" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop" and answer.usage.total_tokens == 170
    assert answer._request_id


def test_stream(make_client):
    stream = make_client().chat.completions.create(
        model="assistant", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "Sunny, 21 °C in Oslo" in text
    assert chunks[-1].usage.total_tokens == 170 and chunks[-2].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_stream_helper_accepts_every_event(make_client):
    with make_client().chat.completions.stream(model="assistant", messages=MESSAGES) as stream:
        for _ in stream:
            pass
        completion = stream.get_final_completion()
    assert "Sunny, 21 °C in Oslo" in completion.choices[0].message.content


@pytest.mark.item("S1-8")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("key", "request_fields", "error", "code", "param"),
    [
        ("agk_wrong", {"model": "assistant"}, openai.AuthenticationError, "invalid_api_key", None),
        (None, {"model": "nobody"}, openai.NotFoundError, "model_not_found", "model"),
        ("limited", {"model": "forbidden"}, openai.PermissionDeniedError, "agent_not_allowed", "model"),
        (None, {"model": "assistant", "messages": []}, openai.BadRequestError, "invalid_value", "messages"),
        (None, {"model": "scripted/error-429"}, openai.RateLimitError, "upstream_rate_limited", None),
        (None, {"model": "scripted/error-500"}, openai.InternalServerError, "upstream_error", None),
    ],
)
def test_errors_become_the_clients_own_exceptions(make_client, stream, key, request_fields, error, code, param):
    client = make_client(secret_of(key) if key == "limited" else key)
    with pytest.raises(error) as caught:
        client.chat.completions.create(**{"messages": MESSAGES, "stream": stream, **request_fields})
    assert caught.value.code == code and caught.value.request_id
    if error is openai.BadRequestError or error is openai.NotFoundError:
        assert caught.value.param == param


def test_an_error_within_a_stream_is_raised(make_client):
    stream = make_client().chat.completions.create(model="truncated", messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError) as caught:
        for _ in stream:
            pass
    assert caught.value.code == "upstream_stream_truncated"


def test_a_failure_after_a_tool_is_not_retried(quiet, make_client):
    with pytest.raises(openai.APIStatusError) as caught:
        make_client(max_retries=3).chat.completions.create(model="after-tool", messages=MESSAGES)
    assert caught.value.status_code == 424
    assert len(quiet.mcp_calls()) == 1


def test_cancel(quiet, make_client):
    stream = make_client().chat.completions.create(model="endless", messages=MESSAGES, stream=True)
    for number, _ in enumerate(stream):
        if number == 5:
            break
    assert quiet.llm_stats()["open"] == 1
    stream.close()
    wait_until(lambda: quiet.llm_stats()["peer_closed"] == 1, "the upstream stream closed")
