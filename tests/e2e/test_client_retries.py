"""Clients that ask again by themselves, as they do unless told otherwise: a tool that has run does not run again.

The counter is the tool's own record of its calls.
"""

import json
import os
import signal
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

import gateway_stack
from gateway_stack import ROOT, has_ended, wait_until

sys.path += [str(ROOT / "tools/dev"), str(ROOT / "tests/wire/quirks")]

from devstack import process, procfs  # noqa: E402
from devstack.record import Child  # noqa: E402
from devstack.services import Layout  # noqa: E402
from devstack.stack import start_executor_again  # noqa: E402
from quirk_clients.clients import CLIENTS, work  # noqa: E402

pytestmark = pytest.mark.item("S1-15")

HTML = {"content_type": "text/html", "body": "<html>a page</html>"}
# How the model fails once the tool has run.
FAILURES = {
    "status-400": {"status": 400},
    "status-401": {"status": 401},
    "status-408": {"status": 408},
    "status-409": {"status": 409},
    "status-429": {"status": 429, "headers": {"Retry-After": "0"}},
    "status-500": {"status": 500},
    "status-503": {"status": 503},
    "reset": {"text": "never", "reset_after_events": 0},
    "close": {"text": "never", "close_after_events": 0},
    "cut": {"text": "in the middle of it", "fragments": "words", "close_after_events": 2},  # of a stream
    "silent": {"text": "never", "hang_after_events": 0},
    "late": {"text": "never", "delay_ms": 60000},
    "page": HTML,
    "error-in-200": {"body": {"error": {"message": "the model is not loaded"}}},
}
CALL = {"tool_calls": [{"name": "count", "arguments": {"of": "{{model}}"}}]}
CONFIG = """
version: 1
server: {{drain_timeout: 1s}}
upstreams:
  scripted:
    base_url: "${{LLM_URL}}/v1"
    first_byte_timeout: 500ms
    idle_timeout: 500ms
    retry_backoff: 10ms
    breaker_failures: 0
tools:
  - name: count
    provider: http
    method: POST
    url: "${{HTTP_URL}}/echo"
    parameters: {{type: object, properties: {{of: {{type: string}}}}}}
  - name: wait
    provider: http
    method: POST
    url: "${{HTTP_URL}}/slow"
    parameters: {{type: object, properties: {{of: {{type: string}}, delay: {{type: integer}}}}}}
agents:
{agents}
"""
AGENT = "  - {{name: {name}, upstream: scripted, model: {name}, instructions: Use your tool., tools: [{tool}]}}"
# Each failure once for a stream and once for a whole answer, each with an agent of its own, which the tool is told.
STREAMED = "-stream"
FAILING = [*FAILURES, *(name + STREAMED for name in FAILURES)]
FAILING.remove("cut")
BEFORE = ["before", "before" + STREAMED]
WAITING = ["waiting", "waiting" + STREAMED]
each_client = pytest.mark.parametrize(
    "client", [client for client in CLIENTS if not client.streams_only], ids=lambda client: client.name
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    directory = tmp_path_factory.mktemp("c")
    source = directory / "source"
    source.mkdir()
    agents = [AGENT.format(name=name, tool="count") for name in (*BEFORE, *FAILING)]
    agents += [AGENT.format(name=name, tool="wait") for name in WAITING]
    (source / "gateway.yaml").write_text(CONFIG.format(agents="\n".join(agents)))
    wait = {"tool_calls": [{"name": "wait", "arguments": {"of": "{{model}}", "delay": 30}}]}
    models = {name: {"turns": [CALL, FAILURES[name.removesuffix(STREAMED)]]} for name in FAILING}
    models |= {name: {"turns": [{"status": 500}]} for name in BEFORE}
    models |= {name: {"turns": [wait, {"text": "done"}]} for name in WAITING}
    script = directory / "script.json"
    script.write_text(json.dumps({"models": models}))
    started: list[Child] = []  # in place of executors that were killed
    try:
        stack = gateway_stack.start(directory, config=source, script=script)
        stack.started = started
        yield stack
    finally:
        gateway_stack.stop(directory)
        for child in started:
            process.poll(child)  # they are children of this process


def environment(stack) -> dict[str, str]:
    return {
        "AGENT_URL": stack.url,
        "AGENT_KEY": stack["AGENT_KEY"],
        "SSL_CERT_FILE": stack["SSL_CERT_FILE"],
        "NODE_EXTRA_CA_CERTS": stack["NODE_EXTRA_CA_CERTS"],
        "CLIENT_RETRIES": "default",
    }


def ask(stack, client, models) -> dict[str, dict]:
    jobs = [{"name": model, "model": model, "stream": model.endswith(STREAMED), "tools": []} for model in models]
    return work(client, jobs, environment(stack))


def tool_calls(stack) -> Counter[str]:
    return Counter(call["body"]["of"] for call in stack.http_calls())


@each_client
def test_a_tool_runs_once_whatever_fails_behind_it(stack, client):
    stack.forget()
    seen = ask(stack, client, FAILING)
    silent = [name for name, one in seen.items() if one["error"] is None]
    assert silent == [], "a failure must be one for the client"
    assert tool_calls(stack) == dict.fromkeys(FAILING, 1)


@each_client
def test_what_failed_before_the_tool_is_asked_again(stack, client):
    """Or the test above would say nothing."""
    stack.forget()
    seen = ask(stack, client, BEFORE)
    assert all(one["error"] for one in seen.values())
    asked = Counter(record["body"]["model"] for record in stack.llm_requests() if record["method"] == "POST")
    # The client's two retries; the gateway itself does not repeat a 500 at the same server.
    assert asked == dict.fromkeys(BEFORE, 3)
    assert tool_calls(stack) == {}


@each_client
def test_a_tool_runs_once_though_its_executor_dies(stack, client):
    stack.forget()
    with ThreadPoolExecutor() as pool:
        asking = [pool.submit(ask, stack, client, [model]) for model in WAITING]
        wait_until(lambda: len(stack.http_calls()) == len(WAITING), "the tools run", 60)
        layout = Layout(ROOT, os.environ.get("AGW_PRESET", "asan"), stack.directory)
        pid = int(stack["EXECUTOR_PID"])
        program = procfs.read_program(pid)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: has_ended(pid), "the executor is dead")
        stack.started.append(start_executor_again(layout, 1, program))  # who asks again would be served
        stack.environment["EXECUTOR_PID"] = str(stack.started[-1].pid)
        seen = {model: one for asked in asking for model, one in asked.result(60).items()}
    assert all(one["error"] for one in seen.values())
    assert tool_calls(stack) == dict.fromkeys(WAITING, 1)
