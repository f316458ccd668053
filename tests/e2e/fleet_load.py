"""Load of many requests at a time, each on a TLS connection of its own, and what became of each.

A connection is not used twice: a worker of nginx that ends closes idle connections, and a request that was just
being sent on one would be lost to the client, whatever stands behind the edge.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fleet import SCRIPT
from gateway_stack import Stack, chat, data_of

COMPLETE = "complete"
LOST = "lost"  # in the form that an executor's death may give it, and no other
MODELS = json.loads(SCRIPT.read_text())["models"]
REQUEST_S = 240  # no request takes longer


def expected_events(model: str) -> list[str]:
    count = MODELS[model.removeprefix("scripted/")]["turns"][0]["repeat"]
    return [f"event {n} " for n in range(1, count + 1)]


@dataclass
class Result:
    request_id: str
    model: str
    stream: bool
    began: float = field(default_factory=time.monotonic)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    failure: str = ""

    def outcome(self) -> str:
        """COMPLETE, LOST, or words on what else it was."""
        if self.failure:
            return f"{self.request_id}: {self.failure}"
        if self.status == 200:
            found = self._stream_outcome() if self.stream else self._plain_outcome()
        else:
            found = LOST if self._is_refused_as_lost() else None
        return found or f"{self.request_id}: {self.status} {self.text[-500:]}"

    def _plain_outcome(self) -> str | None:
        content = json.loads(self.text)["choices"][0]["message"]["content"]
        return COMPLETE if content == "".join(expected_events(self.model)) else None

    def _stream_outcome(self) -> str | None:
        *events, last = data_of(self.text)
        contents = list(filter(None, map(_content, events)))
        expected = expected_events(self.model)
        if last == "[DONE]" and contents == expected:
            return COMPLETE
        return LOST if _error_code(last) == "run_lost" and contents == expected[: len(contents)] else None

    def _is_refused_as_lost(self) -> bool:
        may_repeat = self.headers.get("x-should-retry")
        return self.status == 424 and _error_code(self.text) == "run_lost" and may_repeat == "false"


def _content(event: str) -> str | None:
    choices = json.loads(event)["choices"]
    return choices[0]["delta"].get("content") if choices else None


def _error_code(text: str) -> str | None:
    return json.loads(text)["error"]["code"] if '"error"' in text else None


class Client:
    def __init__(self, stack: Stack):
        self._host, self._port = stack.address
        self._tls = stack.tls()
        self._key = stack["AGENT_KEY"]
        self._ids = itertools.count(1)

    async def ask(self, model: str, stream: bool, begun: Callable[[], None] = lambda: None) -> Result:
        """`begun` is called when the response's header is there."""
        result = Result(f"fleet-{next(self._ids)}", model, stream)
        try:
            async with asyncio.timeout(REQUEST_S):
                await self._exchange(result, begun)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            result.failure = f"{error!r} after {result.status} {result.text[-300:]}"
        return result

    async def _exchange(self, result: Result, begun: Callable[[], None]) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        try:
            writer.write(self._request(result))
            head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            result.status = int(head[0].split()[1])
            pairs = (line.partition(":") for line in head[1:] if line)
            result.headers = {name.lower(): value.strip() for name, _, value in pairs}
            begun()
            if result.headers.get("transfer-encoding") == "chunked":
                await _read_chunks(reader, result)
            else:
                result.text = (await reader.readexactly(int(result.headers["content-length"]))).decode()
        finally:
            writer.transport.abort()  # the response is here, or is not going to be

    def _request(self, result: Result) -> bytes:
        body = json.dumps(chat(result.model, "stream" if result.stream else "plain", result.stream)).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._key}\r\n"
            f"X-Request-Id: {result.request_id}\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _read_chunks(reader: asyncio.StreamReader, result: Result) -> None:
    """Up to the chunk of length 0: a response without it has not ended properly."""
    body = bytearray()
    try:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    finally:
        result.text = body.decode(errors="replace")


class Load:
    """Short requests without a pause, `width` at a time; half of them are streams."""

    def __init__(self, client: Client, width: int):
        self._client = client
        self._width = width
        self._going = True
        self._tasks: list[asyncio.Task] = []
        self.results: list[Result] = []

    async def __aenter__(self):
        self._tasks = [asyncio.create_task(self._run(stream=bool(n % 2))) for n in range(self._width)]
        return self

    async def __aexit__(self, kind, *_):
        self._going = False
        if kind is not None:
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=kind is not None)

    async def _run(self, stream: bool) -> None:
        while self._going:
            self.results.append(await self._client.ask("brief", stream))

    def began_after(self, moment: float) -> list[Result]:
        """Of those that have ended."""
        return [result for result in self.results if result.began > moment]

    def failures(self) -> list[str]:
        return [text for result in self.results if (text := result.outcome()) != COMPLETE]
