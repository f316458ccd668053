"""What administrators are told about MCP servers and their tools, while those change, stop and come back."""

import sys

import httpx
import pytest

import admin_gateway
from admin_gateway import named
from gateway_stack import ROOT, chat

sys.path.append(str(ROOT / "tests/fakes"))
import doubles  # noqa: E402

TOOLS = ["get_weather", "add", "fail", "slow"]
THREADS = 2
SECOND = """\
mcp_servers:
  second: {{url: "{url}"}}
  weather:"""
SECOND_TOOL = """\
tools:
  - {name: add, provider: mcp, mcp_server: second}"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with admin_gateway.running(tmp_path_factory.mktemp("m")) as running:
        yield running


@pytest.fixture
def offer(gateway):
    """Says which tools the MCP server has; all of them again afterwards."""
    url = gateway.stack["MCP_URL"].removesuffix("/mcp") + "/_tools"

    def put(names):
        httpx.put(url, json=names).raise_for_status()

    yield put
    put(TOOLS)
    gateway.post("/tools/refresh")


def with_second(gateway, url: str) -> str:
    """The configuration with another server, and a tool of it."""
    text = gateway.file.base.replace("mcp_servers:\n  weather:", SECOND.format(url=url))
    return text.replace("tools:", SECOND_TOOL, 1)


@pytest.fixture
def second(gateway):
    """Takes the URL of another server into use; without it again afterwards."""
    yield lambda url: gateway.use(with_second(gateway, url))
    gateway.use(gateway.file.base)


def test_tools_are_listed_with_what_is_known_of_them(gateway):
    tools = gateway.get("/tools")
    assert {tool["name"]: tool["provider"] for tool in tools} == {
        "get_weather": "mcp", "fail": "mcp", "get_time": "http", "in_python": "local"}  # fmt: skip
    assert named(tools, "in_python")["status"] == "error" and named(tools, "in_python")["error"]
    time = named(tools, "get_time")
    assert (time["status"], time["agents"], time["description"]) == (
        "ok", ["default/assistant"], "Tells the time in a city.")  # fmt: skip
    weather = named(gateway.post("/tools/refresh"), "get_weather")
    assert (weather["mcp_server"], weather["mcp_method"]) == ("weather", "get_weather")
    assert weather["description"] == "Tells the present weather of a city.", "the server's, as the file has none"


def test_a_tool_that_the_server_lost_and_gained(gateway, offer):
    assert named(gateway.post("/tools/refresh"), "get_weather")["status"] == "ok"
    offer(["add", "fail"])
    tools = gateway.post("/tools/refresh")
    lost = named(tools, "get_weather")
    assert (lost["status"], lost["error"]) == ("error", 'the MCP server "weather" has no tool "get_weather"')
    assert named(tools, "fail")["status"] == "ok"
    assert tools == gateway.get("/tools")
    assert gateway.entry("/mcp/servers", "weather")["tool_count"] == 2
    offer(["get_weather"])
    tools = gateway.post("/tools/refresh")
    assert named(tools, "get_weather")["status"] == "ok" and "error" not in named(tools, "get_weather")
    assert named(tools, "fail")["status"] == "error"
    answer = gateway.client.post("/v1/chat/completions", json=chat("assistant", "How is it in Oslo?"))
    assert "Sunny, 21 °C in Oslo" in answer.raise_for_status().text


def test_the_servers_of_the_configuration(gateway):
    gateway.client.post("/v1/chat/completions", json=chat("assistant")).raise_for_status()
    gateway.post("/tools/refresh")
    servers = gateway.get("/mcp/servers")
    assert [server["name"] for server in servers] == ["piped", "weather"]
    weather = named(servers, "weather")
    assert (weather["transport"], weather["state"], weather["last_error"]) == ("http", "connected", None)
    assert weather["sessions"] == THREADS, "each thread has its own"
    assert weather["tool_count"] == len(TOOLS) and weather["protocol_version"].startswith("20")
    piped = named(servers, "piped")
    assert (piped["transport"], piped["state"], piped["sessions"], piped["tool_count"]) == ("stdio", "error", 0, None)
    assert piped["last_error"]


def test_a_server_that_stops_and_comes_back(gateway, second, tmp_path):
    with doubles.mcp_python(tmp_path) as server:
        port = server.base.rpartition(":")[2]
        second(server.url)
        assert gateway.entry("/mcp/servers", "second")["state"] == "idle", "nobody has needed it yet"
        assert named(gateway.post("/tools/refresh"), "add")["status"] == "ok"
        state = gateway.entry("/mcp/servers", "second")
        assert (state["state"], state["sessions"], state["last_error"]) == ("connected", THREADS, None)
    gateway.post("/tools/refresh")
    state = gateway.entry("/mcp/servers", "second")
    assert (state["state"], state["sessions"]) == ("failed", 0), state
    assert state["last_error"] and state["tool_count"] == len(TOOLS), "the list from before goes on"
    assert gateway.entry("/mcp/servers", "weather")["state"] == "connected"
    with doubles.mcp_python(tmp_path, "--port", port):
        # A handshake that failed is not tried again for up to ten seconds.
        for _ in range(200):
            gateway.post("/tools/refresh")
            state = gateway.entry("/mcp/servers", "second")
            if (state["state"], state["sessions"]) == ("connected", THREADS):
                break
        assert (state["state"], state["last_error"]) == ("connected", None)


def test_a_server_that_was_never_there(gateway, second):
    second("http://127.0.0.1:9/mcp")
    assert named(gateway.post("/tools/refresh"), "add")["status"] == "ok", "nobody could say otherwise"
    state = gateway.entry("/mcp/servers", "second")
    assert (state["state"], state["sessions"], state["tool_count"], state["protocol_version"]) == ("failed", 0, None, None)
    assert state["last_error"]
    failed = [entry for entry in gateway.log("mcp_connect_failed") if entry["mcp_server"] == "second"]
    assert failed, "and the log says it"
