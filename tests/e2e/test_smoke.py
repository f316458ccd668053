"""The main job: an agent with tools, asked through the edge."""

import json

import pytest

from gateway_stack import LLM_KEY, assert_error, chat, data_of, secret_of


@pytest.mark.item("S1-76", "S1-92")
def test_no_key_and_a_wrong_key_get_401(stack):
    for key in ("", "agk_nobody", secret_of("limited") + "x"):
        with stack.client(key) as client:
            assert_error(client.get("/v1/models"), 401, "invalid_api_key")
            assert_error(client.post("/v1/chat/completions", json=chat("assistant")), 401, "invalid_api_key")
    with stack.client(secret_of("expired")) as client:
        assert_error(client.get("/v1/models"), 401, "key_expired")


@pytest.mark.item("S1-6")
def test_models_are_those_that_the_key_may_use(stack, client):
    listed = client.get("/v1/models").json()
    assert listed["object"] == "list"
    names = [model["id"] for model in listed["data"]]
    assert {"assistant", "parallel", "allowed", "forbidden", "scripted/plain"} <= set(names)
    for model in listed["data"]:
        assert model["object"] == "model" and isinstance(model["created"], int) and model["owned_by"]
    with stack.client(secret_of("limited")) as limited:
        assert [model["id"] for model in limited.get("/v1/models").json()["data"]] == ["allowed"]


def test_a_key_without_rules_may_use_nothing(stack):
    with stack.client(secret_of("nothing")) as client:
        assert client.get("/v1/models").json()["data"] == []
        assert_error(client.get("/v1/models/assistant"), 404, "model_not_found")
        assert_error(client.post("/v1/chat/completions", json=chat("assistant")), 403, "agent_not_allowed")


def check_tools_were_called(stack):
    """What the doubles saw of one run of the assistant."""
    assert [(call["tool"], call["arguments"]) for call in stack.mcp_calls()] == [("get_weather", {"city": "Oslo"})]
    calls = stack.http_calls()
    assert [(call["method"], call["path"], call["query"]) for call in calls] == [("GET", "/time", {"city": "Oslo"})]
    requests = stack.llm_requests()
    roles = [[message["role"] for message in request["body"]["messages"]] for request in requests]
    assert roles[0] == ["system", "user"]
    assert roles[1] == ["system", "user", "assistant", "tool"]
    assert roles[2] == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert len(requests) == 3 and {request["authorization"] for request in requests} == {"expected"}
    first, second, third = (request["body"] for request in requests)
    assert first["model"] == "tools" and first["messages"][0]["content"] == "You are the assistant of the tests."
    assert {tool["function"]["name"] for tool in first["tools"]} == {"get_weather", "get_time"}
    assert second["messages"][-1]["content"] == "Sunny, 21 °C in Oslo"
    assert json.loads(third["messages"][-1]["content"]) == {"city": "Oslo", "time": "12:34"}
    calls = [message["tool_calls"][0] for message in third["messages"] if message["role"] == "assistant"]
    answers = [message["tool_call_id"] for message in third["messages"] if message["role"] == "tool"]
    assert [call["id"] for call in calls] == answers and len(set(answers)) == 2


@pytest.mark.item("S1-1", "S1-35", "S1-36", "S1-92")
def test_an_agent_answers_after_its_tools_were_really_called(quiet, client):
    answer = client.post("/v1/chat/completions", json=chat("assistant", "How is it in Oslo?"))
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["object"] == "chat.completion" and document["model"] == "assistant"
    (choice,) = document["choices"]
    assert choice["index"] == 0 and choice["finish_reason"] == "stop" and choice["logprobs"] is None
    assert choice["message"]["role"] == "assistant" and choice["message"]["refusal"] is None
    assert "Sunny, 21 °C in Oslo" in choice["message"]["content"] and "12:34" in choice["message"]["content"]
    assert "tool_calls" not in choice["message"]
    usage = document["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (150, 20, 170)
    check_tools_were_called(quiet)


@pytest.mark.item("S1-2", "S3-1", "S1-92")
@pytest.mark.parametrize("include_usage", [False, True])
def test_a_streamed_answer_hides_the_tools(quiet, client, include_usage):
    more = {"stream_options": {"include_usage": True}} if include_usage else {}
    answer = client.post("/v1/chat/completions", json=chat("assistant", "How is it in Oslo?", stream=True, **more))
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in answer.headers and "no-cache" in answer.headers["cache-control"]
    assert answer.text.endswith("\n\ndata: [DONE]\n\n")
    *events, done = data_of(answer.text)
    assert done == "[DONE]"
    chunks = [json.loads(event) for event in events]
    for field in ("id", "created", "model", "object"):
        assert len({chunk[field] for chunk in chunks}) == 1, field
    assert chunks[0]["model"] == "assistant" and chunks[0]["object"] == "chat.completion.chunk"
    if include_usage:
        last = chunks.pop()
        assert last["choices"] == [] and last["usage"]["total_tokens"] == 170
    assert all(chunk.get("usage") is None for chunk in chunks)
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[0]["delta"]["role"] == "assistant"
    assert not any("role" in choice["delta"] for choice in choices[1:])
    assert not any("tool_calls" in choice["delta"] for choice in choices)
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["stop"]
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    assert "Sunny, 21 °C in Oslo" in text and "12:34" in text
    check_tools_were_called(quiet)


@pytest.mark.item("S1-56")
@pytest.mark.parametrize("stream", [False, True])
def test_parallel_calls_in_interleaved_fragments(quiet, client, stream):
    answer = client.post("/v1/chat/completions", json=chat("parallel", stream=stream))
    assert answer.status_code == 200 and "São Paulo" in answer.text and "12:34" in answer.text
    assert [call["arguments"] for call in quiet.mcp_calls()] == [{"city": "São Paulo"}]
    assert [(call["method"], call["body"]) for call in quiet.http_calls()] == [("POST", {"city": "Zürich"})]
    messages = quiet.llm_requests()[-1]["body"]["messages"]
    calls = messages[-3]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["get_weather", "get_time"]
    assert [message["tool_call_id"] for message in messages[-2:]] == [call["id"] for call in calls]


def test_the_hop_limit_ends_as_a_normal_answer(quiet, client):
    answer = client.post("/v1/chat/completions", json=chat("looping")).json()
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "length" and choice["message"]["content"]
    assert len(quiet.mcp_calls()) == 3


def test_a_failure_after_a_tool_ran_must_not_be_retried(quiet, client):
    answer = client.post("/v1/chat/completions", json=chat("after-tool"))
    assert_error(answer, 424)
    assert answer.headers["x-should-retry"] == "false"
    assert len(quiet.mcp_calls()) == 1


def test_a_plain_model_is_passed_through(quiet, client):
    messages = [{"role": "user", "content": [{"type": "text", "text": "Grüße"}]}]
    request = {"model": "scripted/echo", "messages": messages, "reasoning_effort": "low", "seed": 9007199254740993}
    answer = client.post("/v1/chat/completions", json=request).json()
    assert answer["choices"][0]["message"]["content"] == "Grüße" and answer["model"] == "scripted/echo"
    (record,) = quiet.llm_requests()
    assert record["body"] == {**request, "model": "echo"}


def test_a_stream_that_breaks_off_ends_with_an_error_event(client):
    answer = client.post("/v1/chat/completions", json=chat("truncated", stream=True))
    assert answer.status_code == 200
    *events, last = data_of(answer.text)
    error = json.loads(last)["error"]
    assert error["code"] == "upstream_stream_truncated" and set(error) == {"message", "type", "param", "code"}
    assert all(json.loads(event)["choices"][0]["finish_reason"] is None for event in events)


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("scripted/error-401", 502, "upstream_auth_error"),
        ("scripted/error-429", 429, None),
        ("scripted/error-500", 502, "upstream_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_of_the_upstream(client, model, status, code, stream):
    answer = client.post("/v1/chat/completions", json=chat(model, stream=stream))
    assert_error(answer, status, code)
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)


def test_no_secret_of_ours_or_theirs_goes_further(quiet, client):
    client.post("/v1/chat/completions", json=chat("assistant", "How is it in Oslo?")).raise_for_status()
    seen = json.dumps([quiet.llm_requests(), quiet.mcp_calls(), quiet.http_calls()])
    assert quiet["AGENT_KEY"] not in seen and LLM_KEY not in seen
    for record in [*quiet.llm_requests(), *quiet.mcp_calls(), *quiet.http_calls()]:
        names = [name.replace("_", "-") for name in record["headers"]]
        assert not any(name.startswith("x-agent-") or name in ("authorization", "cookie") for name in names), names


@pytest.mark.item("S1-28")
def test_each_agent_asks_its_own_upstream(quiet, client):
    for model, credential in (("scripted/plain", "expected"), ("elsewhere", "other")):
        client.post("/v1/chat/completions", json=chat(model)).raise_for_status()
        assert quiet.llm_requests()[-1]["authorization"] == credential


@pytest.mark.item("S1-53")
def test_admins_see_every_tool_with_its_provider(stack):
    with stack.admin_client() as admin:
        tools = admin.get("/tools").json()
    assert {tool["provider"] for tool in tools} == {"http", "mcp"}
    (weather,) = [tool for tool in tools if tool["name"] == "get_weather"]
    assert weather["status"] == "ok" and weather["mcp_server"] == "weather"
    assert {"default/assistant", "default/parallel"} <= set(weather["agents"])
