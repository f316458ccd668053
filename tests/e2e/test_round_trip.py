"""Generated requests and answers through the whole gateway: what it does not know arrives byte for byte."""

import json
import random
import re

import httpx
import pytest

import forwarded
from gateway_stack import LLM_KEY, SCRIPT, data_of
from input_table import Request
from json_texts import JsonTexts
from wire_exchange import Connection

SEED = 20261124
REQUESTS = 300
ANSWERS = 300
HEAD = re.compile(
    r'\{"id":"chatcmpl-[\w-]+","object":"(chat\.completion(?:\.chunk)?)","created":\d+,"model":"scripted/echo"'
)
OURS = ('"id"', '"object"', '"created"', '"model"', '"usage"')


def post(stack, body: bytes) -> Request:
    headers = [("Authorization", f"Bearer {stack['AGENT_KEY']}"), ("Content-Type", "application/json")]
    return Request("POST", "/v1/chat/completions", headers, body)


def request_text(texts: JsonTexts, model: str) -> bytes:
    user = [('"role"', '"user"'), ('"content"', texts.string())]
    parts = [texts.mixed([('"type"', '"text"'), ('"text"', texts.string())], 2) for _ in range(2)]
    messages = [
        texts.mixed(user, 2),
        texts.mixed([(r'"r\u006fle"', '"assistant"'), ('"content"', "null"), ('"refusal"', texts.string())], 2),
        texts.mixed([('"role"', '"user"'), ('"content"', texts.array(parts))], 2),
    ]
    function = texts.mixed([('"name"', '"f"')], 2)
    known = [
        ('"model"', f'"{model}"'),
        ('"messages"', texts.array(messages)),
        ('"tools"', texts.array([texts.mixed([('"type"', '"function"'), ('"function"', function)], 2)])),
        ('"tool_choice"', '{ "type":"allowed_tools", "allowed_tools":{"mode":"auto","tools":[ ]}}'),
        ('"temperature"', texts.rng.choice(texts.numbers)),
    ]
    if texts.once_in(2):
        known.append(('"stream"', "true"))
        if texts.once_in(2):
            known.append(('"stream_options"', texts.mixed([(r'"include\u005fusage"', "false")], 2)))
    return texts.mixed(known, 4).encode()


@pytest.mark.parametrize("kind", ["plain", "agent"])
def test_requests_arrive_as_they_were_written(quiet, kind):
    print(f"seed {SEED}")
    texts = JsonTexts(random.Random(SEED), breaks=True, huge=False)
    bodies = [request_text(texts, "scripted/plain" if kind == "plain" else "allowed") for _ in range(REQUESTS)]
    with Connection(quiet) as connection:
        for body in bodies:
            answer = connection.exchange(post(quiet, body))
            assert answer.status == 200, f"{answer.body}\n{body}"
    records = forwarded.recorded(httpx.get(quiet["LLM_URL"] + "/_requests").raise_for_status().text)
    assert len(records) == REQUESTS
    for body, record in zip(bodies, records, strict=True):
        if kind == "plain":
            assert record["body"] == forwarded.by_plain_model(body, "plain")
        else:
            assert record["body"] == forwarded.by_agent(body, "allowed-model", "Say who you are.")


class AnswerText:
    """A clean answer, and what of it has to reach the client behind the gateway's own head."""

    def __init__(self, texts: JsonTexts, stream: bool):
        self.texts, self.stream = texts, stream
        self.rests: list[str] = []
        self.body = ""
        self.usage = texts.mixed(
            [('"prompt_tokens"', "3"), ('"completion_tokens"', "4"), ('"total_tokens"', "7")], 3
        )  # fmt: skip
        self._write_stream() if stream else self._write_whole()

    def _rest(self, members, usage=""):
        rest = ""
        for name, value in members:
            if name not in OURS:
                rest += f",{name}:{value}"
            if name == '"choices"' and usage:
                rest += f',"usage":{usage}'
        return rest + "}"

    def _top(self, choices):
        members = [('"choices"', self.texts.array(choices)), ('"id"', '"up"'), ('"model"', '"up"')]
        members += self.texts.unknown(3)
        self.texts.rng.shuffle(members)
        return members

    def _event(self, delta, reason):
        choice = [('"index"', "0"), ('"delta"', self.texts.mixed(delta, 2)), ('"finish_reason"', reason)]
        members = self._top([self.texts.mixed(choice, 2)])
        self.body += f"data: {self.texts.object(members)}\n\n"
        self.rests.append(self._rest(members))

    def _write_stream(self):
        self._event([('"role"', '"assistant"'), ('"content"', self.texts.string())], "null")
        for _ in range(self.texts.rng.randrange(4)):
            self._event([('"content"', self.texts.string())], "null")
        self._event([], '"stop"')
        self.body += 'data: {"choices":[],"usage":%s}\n\ndata: [DONE]\n\n' % self.usage
        self.rests.append(f',"choices":[],"usage":{self.usage}}}')

    def _write_whole(self):
        message = [('"role"', '"assistant"'), ('"content"', self.texts.string()), ('"refusal"', "null")]
        choice = [('"index"', "0"), ('"message"', self.texts.mixed(message, 3)), ('"finish_reason"', '"stop"')]
        members = self._top([self.texts.mixed([*choice, ('"logprobs"', "null")], 3)])
        self.body = self.texts.object([*members, ('"usage"', self.usage)])
        self.rests.append(self._rest(members, self.usage))

    @property
    def turn(self):
        return {"raw": self.body, "content_type": "text/event-stream" if self.stream else "application/json"}


@pytest.fixture
def answers(quiet):
    """The model "echo" gives them, by number."""
    print(f"seed {SEED}")
    texts = JsonTexts(random.Random(SEED), breaks=False, huge=True)
    generated = [AnswerText(texts, number % 2 == 0) for number in range(ANSWERS)]
    script = json.loads(SCRIPT.read_text())
    before = {**script, "expect_key": LLM_KEY}
    rules = [{"if_user_matches": f"^{number}$", "turns": [answer.turn]} for number, answer in enumerate(generated)]
    models = {**script["models"], "echo": {"rules": rules, "turns": [{"text": "?"}]}}
    httpx.put(quiet["LLM_URL"] + "/_script", json={**before, "models": models}).raise_for_status()
    yield generated
    httpx.put(quiet["LLM_URL"] + "/_script", json=before).raise_for_status()


def test_answers_arrive_as_they_were_written(quiet, answers):
    with Connection(quiet) as connection:
        for number, wanted in enumerate(answers):
            request = {"model": "scripted/echo", "messages": [{"role": "user", "content": str(number)}]}
            if wanted.stream:
                request |= {"stream": True, "stream_options": {"include_usage": True}}
            answer = connection.exchange(post(quiet, json.dumps(request).encode()))
            assert answer.status == 200, f"{answer.body}\n{wanted.body}"
            text = answer.body.decode()
            pieces = data_of(text) if wanted.stream else [text]
            if wanted.stream:
                assert pieces.pop() == "[DONE]"
            heads = [HEAD.match(piece) for piece in pieces]
            assert all(heads), pieces
            assert {head[1] for head in heads} == {"chat.completion.chunk" if wanted.stream else "chat.completion"}
            rests = [piece[head.end() :] for piece, head in zip(pieces, heads, strict=True)]
            assert rests == wanted.rests
