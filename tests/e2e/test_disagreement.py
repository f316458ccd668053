"""Edge and executor read the same body: there is none by which a key gets a model that it may not use.

The key of this test may use default/allowed only. Every answer must be a refusal in OpenAI's form or come from
that model, a strict reading of the body by another parser must agree, and the upstream of the forbidden model must
never hear of it.
"""

import http.client
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

import body_mutations
from body_mutations import Refused, strict_model
from gateway_stack import assert_error, secret_of

SEED = 20260728
BODIES = 12_000
CONNECTIONS = 8
ALLOWED_TEXT = "I am allowed-model"


class Pieces:
    """A body sent chunked, cut at places that depend on the body alone."""

    def __init__(self, body):
        size = 1 + len(body) % 13
        self.pieces = [body[at : at + size] for at in range(0, len(body), size)]

    def __iter__(self):
        return iter(self.pieces)


def post(connection, body, key, number):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    sent = body
    if number % 5 == 0 and body:
        headers["Transfer-Encoding"] = "chunked"
        sent = Pieces(body)
    connection.request("POST", "/v1/chat/completions", sent, headers, encode_chunked=sent is not body)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def answered_text(headers, body):
    if headers["content-type"].startswith("text/event-stream"):
        events = [event for event in body.decode().split("\n\n") if event.startswith("data: {")]
        chunks = [json.loads(event.removeprefix("data: ")) for event in events]
        return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    return json.loads(body)["choices"][0]["message"]["content"]


def judge(body, answer):
    """What kind of case this was; raises AssertionError when the gateway let something through."""
    status, headers, content = answer
    try:
        model = strict_model(body)
    except Refused:
        model = None
    if status == 200:
        assert model == "default/allowed", f"accepted, but a strict reading says {model}"
        assert answered_text(headers, content) == ALLOWED_TEXT
        return "answered"
    assert 400 <= status < 500, f"status {status}"
    error = assert_error(answer, status)
    if model is None:
        assert status == 400, f"malformed, but {status} {error['code']}"
        return "malformed"
    if model == "default/forbidden":
        assert status in (400, 403), f"forbidden, but {status} {error['code']}"
        return "forbidden" if status == 403 else "forbidden and wrong"
    return "allowed and wrong" if model == "default/allowed" else "another model"


def run(stack, bodies, key, first):
    """Every CONNECTIONS-th body over one connection of its own."""
    connection = stack.connection()
    counts, failures = Counter(), []
    for number in range(first, len(bodies), CONNECTIONS):
        try:
            counts[judge(bodies[number], post(connection, bodies[number], key, number))] += 1
        except AssertionError as error:
            failures.append(f"body {number}: {bodies[number]!r}: {error}")
        except (http.client.HTTPException, OSError) as error:
            failures.append(f"body {number}: {bodies[number]!r}: {type(error).__name__} {error}")
            connection.close()
    connection.close()
    return counts, failures


@pytest.mark.timeout(300)
def test_no_body_reaches_a_model_that_the_key_may_not_use(quiet):
    bodies = body_mutations.generate(SEED, BODIES)
    key = secret_of("limited")
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        results = list(pool.map(lambda first: run(quiet, bodies, key, first), range(CONNECTIONS)))
    failures = [failure for _, found in results for failure in found]
    assert not failures, f"{len(failures)} failures:\n" + "\n".join(failures[:20])

    counts = sum((counted for counted, _ in results), Counter())
    assert sum(counts.values()) == BODIES
    for kind in ("answered", "malformed", "forbidden"):
        assert counts[kind] > BODIES // 20, counts
    reached = Counter(record["body"]["model"] for record in quiet.llm_requests())
    assert set(reached) == {"allowed-model"} and reached["allowed-model"] == counts["answered"]


def test_the_bodies_are_the_same_in_every_run():
    assert body_mutations.generate(SEED, 50) == body_mutations.generate(SEED, 50)
    assert len(set(body_mutations.generate(SEED, 2000))) > 1900


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (b'{"model":"allowed"}', "default/allowed"),
        (rb'{"mod\u0065l":"\u0061llowed"}', "default/allowed"),
        (b'{"metadata":{"model":"x"},"model":"a/b"}', "a/b"),
        (b'{"model":"a","model":"a"}', None),
        (rb'{"model":"a","m\u006Fdel":"b"}', None),
        (b'\xef\xbb\xbf{"model":"a"}', None),
        (b'{"model":"\xc1\xad"}', None),
        (b'{"model":"a","x":NaN}', None),
        (b'{"model":"a","x":"\\ud800"}', None),
        (b'{"model":"a"}{}', None),
    ],
)
def test_the_strict_reading(body, model):
    if model is None:
        with pytest.raises(Refused):
            strict_model(body)
    else:
        assert strict_model(body) == model
