"""The executor's MCP client against servers made with the official Python and TypeScript SDKs."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/fakes"))
import doubles  # noqa: E402

pytestmark = [pytest.mark.timeout(120), pytest.mark.item("S1-60")]

SERVERS = {
    "python": lambda directory: doubles.mcp_python(directory),
    "python-json": lambda directory: doubles.mcp_python(directory, "--json-response"),
    "python-stateless": lambda directory: doubles.mcp_python(directory, "--stateless"),
    "typescript-v1": lambda directory: doubles.mcp_typescript(directory, "v1"),
    "typescript-v2": lambda directory: doubles.mcp_typescript(directory, "v2"),
}
WITHOUT_SESSIONS = ("python-stateless", "typescript-v2")
STEPS = ["list", "calls", "concurrent", "timeout", "cancel"]


def program() -> Path:
    build = os.environ.get("AGW_BUILD_DIR") or ROOT / "build" / os.environ.get("AGW_PRESET", "asan")
    return Path(build) / "tests/integration/integration_mcp_client"


def run(url: str, *steps: str) -> str:
    done = subprocess.run([program(), url, *steps], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(params=SERVERS)
def server(request, tmp_path):
    with SERVERS[request.param](tmp_path) as double:
        double.kind = request.param
        yield double


def records(server, kind: str) -> list:
    return httpx.get(f"{server.base}/{kind}").raise_for_status().json()


def wait_until_closed(server) -> list:
    """The slow calls, once none of them is open any more or five seconds have passed."""
    deadline = time.monotonic() + 5
    while True:
        slow = [call for call in records(server, "_calls") if call["tool"] == "slow"]
        if all(call["status"] != "open" for call in slow) or time.monotonic() > deadline:
            return slow
        time.sleep(0.02)


def test_every_step_works(server):
    assert run(server.url).splitlines() == [f"ok: {step}" for step in [*STEPS, "close"]]
    calls = [(call["tool"], call["arguments"]) for call in records(server, "_calls")]
    assert calls[0] == ("add", {"a": 2, "b": 3})
    assert calls[1] == ("get_weather", {"city": "Köln"})
    assert sorted(call[1]["b"] for call in calls[3:23]) == list(range(20))


@pytest.mark.parametrize("step", ["timeout", "cancel"])
def test_the_server_hears_that_nobody_waits(server, step):
    if server.kind in WITHOUT_SESSIONS:
        pytest.skip("without a session a cancellation cannot find its call")
    run(server.url, step)
    slow = wait_until_closed(server)
    assert [call["status"] for call in slow] == ["cancelled"]


def test_the_wire_of_the_python_server(tmp_path):
    with doubles.mcp_python(tmp_path) as server:
        run(server.url, "list", "calls")
        requests = [entry for entry in records(server, "_requests") if entry["method"] != "GET"]
    assert [(entry["method"], entry.get("rpc_method")) for entry in requests] == [
        ("POST", "initialize"),
        ("POST", "notifications/initialized"),
        ("POST", "tools/list"),
        *[("POST", "tools/call")] * 4,
        ("DELETE", None),
    ]
    assert all(entry["http_status"] in (200, 202) for entry in requests)
    first, *others = [entry["headers"] for entry in requests]
    assert "mcp-session-id" not in first and "mcp-protocol-version" not in first
    assert {headers["mcp-protocol-version"] for headers in others} == {"2025-11-25"}
    assert len({headers["mcp-session-id"] for headers in others}) == 1
    call = requests[3]["rpc_params"]
    assert call["_meta"]["traceparent"].startswith("00-0af7651916cd43dd")
    assert requests[5]["rpc_params"]["arguments"] == {}


@pytest.mark.item("S1-62")
@pytest.mark.parametrize("kind", SERVERS)
def test_a_restarted_server_gets_a_new_session(kind, tmp_path):
    with ExitStack() as first:
        server = first.enter_context(SERVERS[kind](tmp_path))
        client = subprocess.Popen(
            [program(), server.url, "restart"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert client.stdout.readline() == "ready\n"
            first.close()
            with restarted(kind, tmp_path, server.url):
                output, log = client.communicate("\n", timeout=60)
        finally:
            client.kill()
            client.wait()
    assert client.returncode == 0, output + log
    assert output.splitlines() == ["ok: restart", "ok: close"]


def restarted(kind: str, directory: Path, url: str):
    port = url.split(":")[2].split("/")[0]
    second = directory / "second"
    second.mkdir()
    options = {"python-json": ["--json-response"], "python-stateless": ["--stateless"]}.get(kind, [])
    if kind.startswith("python"):
        command = [sys.executable, doubles.FAKES / "mcp_python/server.py", *options]
    else:
        command = [doubles.NODE, doubles.FAKES / f"mcp_typescript/server_{kind[-2:]}.mjs"]
    return doubles.run("again", [*command, "--port", port], second, "/mcp")
