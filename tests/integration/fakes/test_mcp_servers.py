"""The MCP doubles, called by the official Python client in both eras of the protocol."""

import anyio
import httpx
import mcp
import pytest

import doubles

pytestmark = pytest.mark.item("S1-93")

SERVERS = {
    "python": doubles.mcp_python,
    "typescript-v1": lambda directory: doubles.mcp_typescript(directory, "v1"),
    "typescript-v2": lambda directory: doubles.mcp_typescript(directory, "v2"),
}
MODERN = "2026-07-28"


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    with SERVERS[request.param](tmp_path_factory.mktemp("mcp")) as double:
        double.kind = request.param
        yield double


@pytest.fixture(params=["legacy", MODERN])
def mode(request, server):
    if request.param == MODERN and server.kind == "typescript-v1":
        pytest.skip("this SDK speaks the handshake revisions only")
    return request.param


def with_client(server, mode, use):
    async def run():
        with anyio.fail_after(20):
            async with mcp.Client(server.url, mode=mode) as client:
                return await use(client)

    return anyio.run(run)


def test_lists_and_calls_its_tools(server, mode):
    async def use(client):
        tools = (await client.list_tools()).tools
        weather = await client.call_tool("get_weather", {"city": "Köln"})
        total = await client.call_tool("add", {"a": 2, "b": 40})
        return tools, weather, total

    httpx.delete(server.base + "/_calls").raise_for_status()
    tools, weather, total = with_client(server, mode, use)
    assert [tool.name for tool in tools] == ["get_weather", "add", "fail", "slow"]
    assert tools[0].input_schema["required"] == ["city"]
    assert weather.content[0].text == "Sunny, 21 °C in Köln"
    assert total.structured_content == {"result": 42}
    calls = httpx.get(server.base + "/_calls").json()
    assert [(call["tool"], call["arguments"]) for call in calls] == [
        ("get_weather", {"city": "Köln"}),
        ("add", {"a": 2, "b": 40}),
    ]
    assert calls[0]["headers"]["host"] == server.base.removeprefix("http://")


def test_a_failing_tool_is_a_result_and_no_protocol_error(server, mode):
    result = with_client(server, mode, lambda client: client.call_tool("fail", {}))
    assert result.is_error and "failed on purpose" in result.content[0].text


def test_a_cancelled_call_is_recorded(server, mode):
    if server.kind == "typescript-v2" and mode == "legacy":
        pytest.skip("this server keeps no sessions: a cancellation cannot find its call")

    async def use(client):
        with anyio.move_on_after(0.5):
            await client.call_tool("slow", {"seconds": 30})
        for _ in range(200):
            status = httpx.get(server.base + "/_calls").json()[-1]["status"]
            if status != "open":
                break
            await anyio.sleep(0.02)
        return status

    httpx.delete(server.base + "/_calls").raise_for_status()
    assert with_client(server, mode, use) == "cancelled"


def test_handshake_sessions_are_checked(server):
    if server.kind == "typescript-v2":
        pytest.skip("this server keeps no sessions")
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Accept": "application/json, text/event-stream", "Mcp-Session-Id": "nobody"}
    assert httpx.post(server.url, json=message, headers=headers).status_code == 404


def test_the_python_server_gains_and_loses_tools(tmp_path):
    async def names(client):
        return [tool.name for tool in (await client.list_tools()).tools]

    with doubles.mcp_python(tmp_path) as server:
        for offered in (["add"], [], ["slow", "get_weather"]):
            httpx.put(server.base + "/_tools", json=offered).raise_for_status()
            assert with_client(server, "legacy", names) == with_client(server, MODERN, names) == offered
        for wrong in (["no_such_tool"], ["add", "add"], "add", [1]):
            assert httpx.put(server.base + "/_tools", json=wrong).status_code == 400
        assert with_client(server, MODERN, names) == ["slow", "get_weather"]
