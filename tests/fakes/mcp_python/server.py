"""An MCP server over streamable HTTP, made with the official Python SDK.

It serves the handshake revisions (with sessions, unless --stateless) and the stateless revision 2026-07-28.
GET /_calls shows the tool calls that were really executed, GET /_requests the HTTP requests to the MCP endpoint;
PUT /_tools says which tools it has from then on.
"""

import json
import sys
from pathlib import Path

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from serve import Records, parse_options, run, visible_headers  # noqa: E402

MCP_PATH = "/mcp"
MAX_RECORDED_BODY = 64 * 1024

server = MCPServer("weather-python", instructions="Weather and arithmetic for tests.")
calls = Records()
requests = Records()


def record(ctx: Context, tool: str, **arguments) -> dict:
    request = ctx.request_context.request
    headers = visible_headers(request.headers) if request is not None else {}
    return calls.add(tool=tool, arguments=arguments, headers=headers, status="done")


async def get_weather(city: str, ctx: Context) -> str:
    record(ctx, "get_weather", city=city)
    return f"Sunny, 21 °C in {city}"


async def add(a: int, b: int, ctx: Context) -> int:
    record(ctx, "add", a=a, b=b)
    return a + b


async def fail(ctx: Context) -> str:
    record(ctx, "fail")["status"] = "failed"
    raise ToolError("the tool failed on purpose")


async def slow(seconds: float, ctx: Context) -> str:
    call = record(ctx, "slow", seconds=seconds)
    call["status"] = "open"
    try:
        await anyio.sleep(seconds)
        call["status"] = "done"
    finally:
        if call["status"] == "open":
            call["status"] = "cancelled"
    return f"waited {seconds} s"


TOOLS = {
    "get_weather": (get_weather, "Tells the present weather of a city."),
    "add": (add, "Adds two integers."),
    "fail": (fail, "Always fails."),
    "slow": (slow, "Answers after some seconds."),
}
offered: list[str] = []


def offer(names: list[str]) -> None:
    """These tools and no others, without a word to the clients."""
    for name in offered:
        server.remove_tool(name)
    for name in names:
        function, description = TOOLS[name]
        server.add_tool(function, name=name, description=description)
    offered[:] = names


async def change_tools(request: Request) -> JSONResponse:
    names = await request.json()
    if not isinstance(names, list) or len(set(map(str, names))) != len(names) or not set(map(str, names)) <= set(TOOLS):
        return JSONResponse({"error": f"a list of some of {list(TOOLS)} is expected"}, status_code=400)
    offer(names)
    return JSONResponse({"ok": True})


def rpc_summary(body: bytes) -> dict:
    try:
        message = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(message, dict):
        return {}
    return {"rpc_method": message.get("method"), "rpc_id": message.get("id"), "rpc_params": message.get("params")}


class RequestRecorder:
    """Notes each HTTP request to the MCP endpoint, its JSON-RPC method and the HTTP status it got."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != MCP_PATH:
            await self._app(scope, receive, send)
            return
        headers = visible_headers(Request(scope).headers)
        entry = requests.add(method=scope["method"], headers=headers, http_status=None)
        body = bytearray()

        async def recording_receive():
            message = await receive()
            if message["type"] == "http.request" and len(body) <= MAX_RECORDED_BODY:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    entry.update(rpc_summary(bytes(body)))
            return message

        async def recording_send(message):
            if message["type"] == "http.response.start":
                entry["http_status"] = message["status"]
            await send(message)

        await self._app(scope, recording_receive, recording_send)


offer(list(TOOLS))
server.custom_route("/_tools", methods=["PUT"])(change_tools)
server.custom_route("/_calls", methods=["GET", "DELETE"])(calls.endpoint)
server.custom_route("/_requests", methods=["GET", "DELETE"])(requests.endpoint)

if __name__ == "__main__":
    options = parse_options(
        __doc__,
        json_response={"action": "store_true", "help": "answer with JSON bodies instead of event streams"},
        stateless={"action": "store_true", "help": "no sessions for the handshake revisions"},
    )
    mcp_app = server.streamable_http_app(
        streamable_http_path=MCP_PATH,
        json_response=options.json_response,
        stateless_http=options.stateless,
    )
    run(RequestRecorder(mcp_app), options, MCP_PATH)
