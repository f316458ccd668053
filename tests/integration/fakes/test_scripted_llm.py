"""The scripted LLM, seen from outside: by plain HTTP, by raw sockets and by the official SDK."""

import json
import socket
import time

import httpx
import openai
import pytest

import doubles

pytestmark = pytest.mark.item("S1-93")

USER = [{"role": "user", "content": "What is the weather in Oslo?"}]
PLAIN_TEXT = "Hello from the plain model. Grüße, 世界 🎉!"


def body(model, stream=False, messages=None, **more):
    return {"model": model, "messages": messages or USER, "stream": stream, **more}


def events_of(text):
    """The data of each event; every event must be exactly one data line and a blank line."""
    blocks = text.split("\n\n")
    assert blocks.pop() == "", "the stream ends in the middle of an event"
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    return [block.removeprefix("data: ") for block in blocks]


def stream_of(client, model, **more):
    answer = client.post("/v1/chat/completions", json=body(model, stream=True, **more))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    return events_of(answer.text)


def requests_of(client, **query):
    return client.get("/_requests", params=query).json()


def wait_until(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)
    return result


def replace_script(client, script, expected=200):
    answer = client.put("/_script", content=json.dumps(script))
    assert answer.status_code == expected, answer.text
    return answer.json()


@pytest.fixture
def scripted(client):
    """Puts a script of one model, "m", in force; afterwards the test script is back."""
    yield lambda **turn: replace_script(client, {"models": {"m": {"turns": [turn]}}})
    client.put("/_script", content=(doubles.FAKES / "scripts/test.json").read_bytes()).raise_for_status()


def test_lists_its_models(client):
    names = [model["id"] for model in client.get("/v1/models").json()["data"]]
    assert "plain" in names and "tools" in names and "*" not in names


def test_a_plain_answer_has_every_field_of_the_schema(client):
    answer = client.post("/v1/chat/completions", json=body("plain")).json()
    assert answer["object"] == "chat.completion" and answer["model"] == "plain"
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": PLAIN_TEXT, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert answer["usage"] == {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def test_a_stream_is_cut_at_characters_and_ends_with_done(client):
    events = stream_of(client, "plain")
    assert events.pop() == "[DONE]"
    chunks = [json.loads(event) for event in events]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta.get("content", "") for delta in deltas) == PLAIN_TEXT
    assert len(deltas) > 8
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert not any("usage" in chunk for chunk in chunks)


def test_usage_comes_in_a_stream_only_when_asked_for(client):
    events = stream_of(client, "plain", stream_options={"include_usage": True})
    last = json.loads(events[-2])
    assert last["choices"] == [] and last["usage"]["total_tokens"] == 18
    assert all(json.loads(event)["usage"] is None for event in events[:-2])


def test_the_turn_follows_from_the_conversation(client):
    def ask(messages):
        return client.post("/v1/chat/completions", json=body("tools", messages=messages)).json()["choices"][0]

    messages = list(USER)
    results = {"get_weather": "Sunny", "get_time": "12:34"}
    names = []
    while (choice := ask(messages))["finish_reason"] == "tool_calls":
        messages.append(choice["message"])
        for call in choice["message"]["tool_calls"]:
            names.append(call["function"]["name"])
            assert json.loads(call["function"]["arguments"]) == {"city": "Oslo"}
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": results[names[-1]]})
    assert names == ["get_weather", "get_time"]
    assert choice["message"]["content"] == "Both tools answered: Sunny; 12:34"
    again = ask([*messages, choice["message"], {"role": "user", "content": "And in Rome?"}])
    assert "Rome" in again["message"]["tool_calls"][0]["function"]["arguments"]


def test_fragments_of_two_tool_calls_take_turns(client):
    deltas = [json.loads(event)["choices"][0]["delta"] for event in stream_of(client, "fragmented")[:-1]]
    pieces = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert [piece["index"] for piece in pieces[:6]] == [0, 1, 0, 1, 0, 1]
    arguments = {0: "", 1: ""}
    for piece in pieces:
        arguments[piece["index"]] += piece["function"]["arguments"]
    assert json.loads(arguments[0]) == {"city": "São Paulo"} and json.loads(arguments[1]) == {"city": "Zürich"}
    assert sum("id" in piece for piece in pieces) == 2
    assert deltas[0] == {"role": "assistant", "content": None}


@pytest.mark.parametrize(
    ("sentence", "tool", "city"),
    [
        ("What's the weather in Hamburg?", "get_weather", "Hamburg"),
        ("Hi! How is the weather like in New York today?", "get_weather", "New York"),
        ("weather in oslo please", "get_weather", "oslo"),
        ("Is it going to rain?", "get_weather", "Berlin"),
        ("What time is it in São Paulo?", "get_time", "São Paulo"),
        ("what time is it?", "get_time", "Berlin"),
    ],
)
def test_the_demo_model_asks_for_the_tool_that_fits(tmp_path, sentence, tool, city):
    with doubles.scripted_llm(tmp_path, doubles.FAKES / "scripts/demo.json") as demo:
        messages = [{"role": "user", "content": sentence}]
        url = demo.url + "/v1/chat/completions"
        tools = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time")]
        message = httpx.post(url, json=body("demo", messages=messages, tools=tools)).json()["choices"][0]["message"]
        call = message["tool_calls"][0]
        assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == (tool, {"city": city})
        messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": "RESULT"}]
        answer = httpx.post(url, json=body("demo", messages=messages, tools=tools)).json()["choices"][0]
        assert "RESULT" in answer["message"]["content"] and answer["finish_reason"] == "stop"


@pytest.mark.parametrize("model", ["demo", "any-other-name"])
def test_the_demo_model_only_uses_tools_that_it_is_offered(tmp_path, model):
    with doubles.scripted_llm(tmp_path, doubles.FAKES / "scripts/demo.json") as demo:
        url = demo.url + "/v1/chat/completions"
        for sentence in ("Tell me something", "What's the weather in Hamburg?"):
            messages = [{"role": "user", "content": sentence}]
            (choice,) = httpx.post(url, json=body(model, messages=messages)).json()["choices"]
            assert "tool_calls" not in choice["message"] and choice["message"]["content"]


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([*USER, {"role": "tool", "tool_call_id": "c", "content": "x"}], "messages[1]"),
        (
            [*USER, {"role": "assistant", "tool_calls": [{"id": "c", "type": "function"}]}, *USER],
            "messages[2]",
        ),
        ([*USER, {"role": "assistant", "tool_calls": [{"id": "c", "type": "function"}]}], "no answer"),
    ],
)
def test_refuses_a_conversation_that_openai_would_refuse(client, messages, place):
    answer = client.post("/v1/chat/completions", json=body("tools", messages=messages))
    assert answer.status_code == 400 and place in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("payload", "status", "param"),
    [
        (b"{", 400, None),
        (b"[]", 400, None),
        (b'{"messages":[{"role":"user","content":"x"}]}', 400, "model"),
        (b'{"model":"plain"}', 400, "messages"),
        (b'{"model":"nobody","messages":[{"role":"user","content":"x"}]}', 404, "model"),
        (b'{"model":"plain","stream_options":{},"messages":[{"role":"user"}]}', 400, "stream_options"),
    ],
)
def test_refuses_a_bad_request(client, payload, status, param):
    answer = client.post("/v1/chat/completions", content=payload)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


@pytest.mark.parametrize(("model", "status"), [("error-401", 401), ("error-429", 429), ("error-500", 500)])
@pytest.mark.parametrize("stream", [False, True])
def test_http_errors(client, model, status, stream):
    answer = client.post("/v1/chat/completions", json=body(model, stream=stream))
    assert answer.status_code == status and set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)


def test_the_log_shows_what_came_and_hides_the_key(client, llm_key):
    payload = b'{"model":"plain","messages":[{"role":"user","content":"x"}],"n":10000000000000001,"x":0.10}'
    for key in (llm_key, "wrong"):
        client.post("/v1/chat/completions", content=payload, headers={"Authorization": f"Bearer {key}", "X-A": "b"})
    client.get("/v1/nothing")
    first, second, third = requests_of(client)
    assert (first["authorization"], second["authorization"], third["authorization"]) == ("expected", "other", "absent")
    assert first["headers"]["x-a"] == "b" and "authorization" not in first["headers"]
    assert llm_key not in client.get("/_requests").text
    assert payload.decode() in client.get("/_requests").text, "the body stands in the log as it came"
    assert (first["method"], first["path"], first["status"]) == ("POST", "/v1/chat/completions", "done")
    assert third["path"] == "/v1/nothing" and third["connection"] == first["connection"]
    assert first["time"] <= first["ended"] <= second["time"]


def test_a_script_may_name_the_key_it_expects(client):
    script = {"expect_key": "of-the-script", "models": {"m": {"turns": [{"text": "x"}]}}}
    replace_script(client, script)
    client.post("/v1/chat/completions", json=body("m"), headers={"Authorization": "Bearer of-the-script"})
    client.put("/_script", content=(doubles.FAKES / "scripts/test.json").read_bytes()).raise_for_status()
    assert [record["authorization"] for record in requests_of(client)] == ["expected"]


def test_lists_of_models_are_counted_apart(client):
    before = client.get("/_stats").json()
    client.delete("/_requests").raise_for_status()
    for _ in range(3):
        client.get("/v1/models").raise_for_status()
    after = client.get("/_stats").json()
    assert (after["model_lists"], after["done"], requests_of(client)) == (3, 0, [])
    assert after["requests"] == before["requests"]


def test_a_script_may_refuse_other_keys(client):
    script = {"expect_key": "right", "refuse_other_keys": True, "models": {"m": {"turns": [{"text": "x"}]}}}
    replace_script(client, script)
    try:
        for key, status in (("right", 200), ("wrong", 401)):
            headers = {"Authorization": f"Bearer {key}"}
            assert client.get("/v1/models", headers=headers).status_code == status
            assert client.post("/v1/chat/completions", json=body("m"), headers=headers).status_code == status
        assert client.get("/v1/models").status_code == 401
    finally:
        client.put("/_script", content=(doubles.FAKES / "scripts/test.json").read_bytes()).raise_for_status()


def test_the_log_can_be_read_on_cut_and_cleared(client):
    for text in ("a", "b" * 5000):
        client.post("/v1/chat/completions", json=body("echo", messages=[{"role": "user", "content": text}]))
    first, second = requests_of(client, max_body=1000)
    assert first["body"]["model"] == "echo" and second["body"] is None
    assert len(second["body_text"]) == 1000 and second["body_cut"] and second["body_bytes"] > 5000
    assert [record["number"] for record in requests_of(client, since=first["number"])] == [second["number"]]
    assert client.get("/_requests", params={"since": "x"}).status_code == 400
    client.delete("/_requests")
    assert requests_of(client) == [] and client.get("/_stats").json()["done"] == 0


def test_paced_events_arrive_one_by_one(client):
    times = []
    with client.stream("POST", "/v1/chat/completions", json=body("paced", stream=True)) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                times.append(time.monotonic())
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    # A late event shortens the gap behind it; what they add up to stays.
    assert len(times) == 22 and sum(gaps) > 0.6
    assert requests_of(client)[0]["events"] == 23


def test_every_hang_up_is_noticed_at_once(llm, client):
    payload = json.dumps(body("endless", stream=True)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(payload)}\r\n\r\n".encode()
    port = int(llm.url.rsplit(":", 1)[1])
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for peer in sockets:
        peer.sendall(head + payload)
    for peer in sockets:
        assert peer.recv(100)
    assert client.get("/_stats").json()["open"] == 50
    left = time.time()
    for number, peer in enumerate(sockets):
        if number % 2:  # with a reset
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
    wait_until(lambda: client.get("/_stats").json()["peer_closed"] == 50)
    records = requests_of(client)
    assert all(record["status"] == "peer_closed" and 0 < record["ended"] - left < 1 for record in records)


def test_a_hang_up_is_noticed_while_the_model_is_silent(client):
    for model, seen in (("silent", 0), ("hang", 2)):
        client.delete("/_requests")
        with pytest.raises(httpx.ReadTimeout):
            client.post("/v1/chat/completions", json=body(model, stream=True), timeout=0.3)
        record = wait_until(lambda: [r for r in requests_of(client) if r["status"] == "peer_closed"])[0]
        assert record["events"] == seen and record["http_status"] == (200 if seen else 0)


def test_a_truncated_stream_ends_without_its_last_chunk(client):
    text = ""
    with pytest.raises(httpx.RemoteProtocolError):
        with client.stream("POST", "/v1/chat/completions", json=body("truncated", stream=True)) as answer:
            for piece in answer.iter_text():
                text += piece
    assert len(events_of(text)) == 4 and "[DONE]" not in text
    assert requests_of(client)[0]["status"] == "done"


def test_a_reset_stream_is_reset(client):
    with pytest.raises(httpx.ReadError):
        client.post("/v1/chat/completions", json=body("reset", stream=True))


def test_a_fault_also_hits_an_answer_that_is_no_stream(client, scripted):
    scripted(text="x", close_after_events=0)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/v1/chat/completions", json=body("m"))


def test_close_comes_without_notice_after_a_whole_answer(client, scripted):
    scripted(text="x", close=True)
    for _ in range(2):
        answer = client.post("/v1/chat/completions", json=body("m"))
        assert answer.status_code == 200 and "connection" not in answer.headers
    first, second = requests_of(client)
    assert first["connection"] != second["connection"]


def test_a_connection_serves_further_requests_after_a_stream(client):
    for _ in range(3):
        stream_of(client, "plain")
    assert len({record["connection"] for record in requests_of(client)}) == 1


@pytest.mark.parametrize("chunk_bytes", [0, 1, 7])
def test_replays_a_file_byte_for_byte(tmp_path, chunk_bytes):
    wire = b"\xef\xbb\xbfdata:{\"x\":1}\r\n\r\n: c\rdata: \xf0\x9f\r\n\ndata: [DONE]"
    (tmp_path / "wire.bin").write_bytes(wire)
    turn = {"raw_file": "wire.bin", "chunk_bytes": chunk_bytes}
    (tmp_path / "script.json").write_text(json.dumps({"models": {"*": {"turns": [turn]}}}))
    with doubles.scripted_llm(tmp_path, tmp_path / "script.json") as llm:
        answer = httpx.post(llm.url + "/v1/chat/completions", json=body("any name", stream=True))
        assert answer.content == wire
        record = httpx.get(llm.url + "/_requests").json()[0]
        assert record["events"] == (1 if chunk_bytes == 0 else -(-len(wire) // chunk_bytes))


def test_replays_a_whole_http_response(llm, client, scripted):
    raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\ndata:\r\n0\r\nTrailer: x\r\n\r\n"
    scripted(raw=raw, raw_http=True)
    payload = json.dumps(body("m", stream=True)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(payload)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", int(llm.url.rsplit(":", 1)[1]))) as peer:
        peer.sendall(head + payload)
        received = b"".join(iter(lambda: peer.recv(4096), b""))
    assert received == raw.encode()


def test_wire_options(client, scripted):
    scripted(text="a b", fragments="words", reasoning="hm", no_done=True, no_finish=True, usage_when="always")
    chunks = [json.loads(event) for event in stream_of(client, "m")]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert deltas[1:] == [{"reasoning_content": "hm"}, {"content": "a "}, {"content": "b"}]
    assert chunks[-1]["usage"] == {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def test_fragments_may_be_given_as_a_list(client, scripted):
    scripted(fragments=["get_", "{{last_user}}", ""], finish_reason="length")
    chunks = [json.loads(event)["choices"][0] for event in stream_of(client, "m")[:-1]]
    contents = [chunk["delta"].get("content") for chunk in chunks]
    assert contents == ["", "get_", USER[0]["content"], "", None] and chunks[-1]["finish_reason"] == "length"
    whole = client.post("/v1/chat/completions", json=body("m")).json()
    assert whole["choices"][0]["message"]["content"] == "get_" + USER[0]["content"]


def test_a_repeated_text_is_numbered_and_too_long_for_one_body(client, scripted):
    scripted(text="{{n}},", repeat=3)
    contents = [json.loads(e)["choices"][0]["delta"].get("content") for e in stream_of(client, "m")[:-1]]
    assert contents == ["", "1,", "2,", "3,", None]
    assert client.post("/v1/chat/completions", json=body("endless")).status_code == 404
    scripted(text="a long text", repeat=1000000000)
    assert client.post("/v1/chat/completions", json=body("m")).status_code == 400


def test_each_event_carries_the_time_at_which_it_was_written(client, scripted):
    scripted(text="@t{{written_ns}}@", repeat=4, event_delay_ms=30)
    before = time.time_ns()
    events = stream_of(client, "m")
    after = time.time_ns()
    chunks = [json.loads(event)["choices"][0]["delta"].get("content") for event in events[:-1]]
    stamps = [int(text.removeprefix("@t").removesuffix("@")) for text in chunks if text]
    assert len(stamps) == 4
    assert before < stamps[0] and stamps[-1] < after
    gaps = [later - earlier for earlier, later in zip(stamps, stamps[1:])]
    assert all(gap > 25_000_000 for gap in gaps), gaps


def test_the_wrong_kind_of_answer_can_be_scripted(client):
    answer = client.post("/v1/chat/completions", json=body("json-for-stream", stream=True))
    assert answer.headers["content-type"] == "application/json" and answer.json()["object"] == "chat.completion"
    answer = client.post("/v1/chat/completions", json=body("sse-for-json"))
    assert answer.headers["content-type"] == "text/event-stream" and events_of(answer.text)[-1] == "[DONE]"


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ({"models": {"m": {"turns": []}}}, "models.m.turns"),
        ({"models": {"m": {"turns": [{"texts": "x"}]}}}, "models.m.turns[0].texts"),
        ({"models": {"m": {"turns": [{"text": "{{nothing}}"}]}}}, "models.m.turns[0].text"),
        ({"models": {"m": {"turns": [{"text": "{{capture:(}}"}]}}}, "models.m.turns[0].text"),
        ({"models": {"m": {"turns": [{"raw_file": "absent"}]}}}, "models.m.turns[0].raw_file"),
        ({"models": {"m": {"turns": [{"delay_ms": -1}]}}}, "models.m.turns[0].delay_ms"),
        ({"models": {"m": {"rules": [{"turns": [{}]}], "turns": [{}]}}}, "models.m.rules[0].if_user_matches"),
        ({"models": {"m": {"turns": [{"tool_calls": [{"arguments": {}}]}]}}}, "models.m.turns[0].tool_calls[0].name"),
    ],
)
def test_a_bad_script_is_refused_with_its_place_and_the_old_one_stays(client, script, place):
    message = replace_script(client, script, expected=400)["error"]["message"]
    assert message.startswith(place + ":"), message
    assert client.post("/v1/chat/completions", json=body("plain")).status_code == 200


def test_the_official_sdk_reads_it(llm, llm_key):
    sdk = openai.OpenAI(base_url=llm.url + "/v1", api_key=llm_key, max_retries=0)
    assert "plain" in [model.id for model in sdk.models.list()]
    answer = sdk.chat.completions.create(model="plain", messages=USER)
    assert answer.choices[0].message.content == PLAIN_TEXT
    chunks = list(sdk.chat.completions.create(model="fragmented", messages=USER, stream=True))
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    with pytest.raises(openai.RateLimitError):
        sdk.chat.completions.create(model="error-429", messages=USER)
