"""One id for a request, from the client to both logs and to everything behind the gateway."""

import re

import pytest

from gateway_stack import assert_error, chat, wait_until

pytestmark = pytest.mark.item("S1-69", "S1-70")


def both_log_lines(stack, request_id):
    """The edge's access line and the executor's request line."""

    def find():
        lines = [line for line in stack.log_lines(request_id) if line.get("event") == "request"]
        edge = [line for line in lines if line["log_file"] == "access.log"]
        executor = [line for line in lines if line["log_file"].startswith("executor")]
        return (edge, executor) if edge and executor else None

    edge, executor = wait_until(find, f"both logs have {request_id}")
    assert len(edge) == 1 and len(executor) == 1
    return edge[0], executor[0]


@pytest.mark.parametrize("stream", [False, True])
def test_a_valid_id_is_kept_everywhere(quiet, client, stream):
    request_id = f"e2e-Id_{int(stream)}.{'x' * 100}"
    answer = client.post(
        "/v1/chat/completions",
        json=chat("assistant", "How is it in Oslo?", stream=stream),
        headers={"X-Request-Id": request_id},
    )
    assert answer.status_code == 200 and answer.headers["x-request-id"] == request_id
    edge, executor = both_log_lines(quiet, request_id)
    assert edge["status"] == executor["status"] == 200
    assert edge["key_id"] == executor["key_id"] == "dev"
    assert edge["model"] == executor["model"] == "default/assistant"
    assert edge["total_tokens"] == 170 and edge["run_id"] == executor["run_id"] != ""
    ids = {record["headers"].get("x-request-id") for record in quiet.llm_requests()}
    assert ids == {request_id}


@pytest.mark.parametrize("bad", ["with space", "x" * 129, "semi;colon", "uml\u00e4ut", ""])
def test_an_invalid_id_is_replaced(stack, client, bad):
    answer = client.get("/v1/models", headers=[(b"X-Request-Id", bad.encode("latin-1"))])
    given = answer.headers["x-request-id"]
    assert given != bad and re.fullmatch(r"[A-Za-z0-9._-]{1,128}", given)
    edge, executor = both_log_lines(stack, given)
    assert edge["path"] == executor["path"] == "/v1/models"


def test_errors_carry_the_id_too(stack, client):
    headers = {"X-Request-Id": "e2e-error-id"}
    answers = [
        client.get("/v1/models", headers={**headers, "Authorization": "Bearer agk_wrong"}),
        client.post("/v1/chat/completions", content=b"{", headers=headers),
        client.post("/v1/chat/completions", json=chat("nobody"), headers=headers),
        client.get("/nowhere", headers=headers),
    ]
    for answer, status in zip(answers, (401, 400, 404, 404), strict=True):
        assert_error(answer, status)
        assert answer.headers["x-request-id"] == "e2e-error-id"


def test_ids_differ_when_the_client_sends_none(client):
    ids = {client.get("/v1/models").headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20
