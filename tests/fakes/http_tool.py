"""A plain HTTP service that agents use as a tool. Every call is recorded: see GET /_calls."""

import asyncio
import json
import time

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from serve import Records, parse_options, run, visible_headers

MAX_DELAY_S = 3600
calls = Records()


def parsed(body: bytes):
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


async def record(request: Request) -> dict:
    body = await request.body()
    call = calls.add(
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        headers=visible_headers(request.headers),
        body=parsed(body),
        body_text=body.decode("utf-8", "replace"),
        status="done",
        ended=None,
    )
    call["ended"] = time.time()
    return call


def argument(request: Request, call: dict, name: str, otherwise: str) -> str:
    """A tool's argument: from the query of a GET, from the JSON body of a POST."""
    if name in request.query_params:
        return request.query_params[name]
    body = call["body"]
    return str(body.get(name, otherwise)) if isinstance(body, dict) else otherwise


async def tell_time(request: Request) -> Response:
    call = await record(request)
    return JSONResponse({"city": argument(request, call, "city", "Berlin"), "time": "12:34"})


async def echo(request: Request) -> Response:
    call = await record(request)
    return JSONResponse({key: call[key] for key in ("method", "query", "body", "body_text")})


async def fail(request: Request) -> Response:
    call = await record(request)
    status = int(argument(request, call, "status", "500"))
    return PlainTextResponse("the tool failed on purpose", status_code=status)


async def wait_for_disconnect(request: Request) -> None:
    try:
        while (await request.receive())["type"] != "http.disconnect":
            pass
    except ClientDisconnect:
        pass


async def slow(request: Request) -> Response:
    """Answers after `delay` seconds; its record says "peer_closed" when the caller did not wait."""
    call = await record(request)
    delay = min(float(argument(request, call, "delay", "1")), MAX_DELAY_S)
    call.update(status="open", ended=None)
    watcher = asyncio.ensure_future(wait_for_disconnect(request))
    done, _ = await asyncio.wait({watcher}, timeout=delay)
    ended = time.time()
    watcher.cancel()
    call.update(status="peer_closed" if done else "done", ended=ended)
    return JSONResponse({"slept": delay})


async def large(request: Request) -> Response:
    """`bytes` characters of text."""
    call = await record(request)
    size = min(int(argument(request, call, "bytes", "1000")), 64 * 1024 * 1024)
    return PlainTextResponse("x" * size)


BOTH = ["GET", "POST"]
app = Starlette(
    routes=[
        Route("/time", tell_time, methods=BOTH),
        Route("/echo", echo, methods=[*BOTH, "PUT", "PATCH", "DELETE"]),
        Route("/fail", fail, methods=BOTH),
        Route("/slow", slow, methods=BOTH),
        Route("/large", large, methods=BOTH),
        Route("/_calls", calls.endpoint, methods=["GET", "DELETE"]),
    ]
)

if __name__ == "__main__":
    run(app, parse_options(__doc__))
