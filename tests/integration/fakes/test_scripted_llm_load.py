"""Many streams at once: the double must not be what limits a load test."""

import asyncio
import json
import resource
import time

import httpx

STREAMS = 2000


async def one_stream(port: int, payload: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(payload), payload))
    text = await reader.read(-1)
    writer.close()
    assert text.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    return text.count(b"data: ")


async def all_streams(port: int, payload: bytes) -> list[int]:
    return await asyncio.gather(*(one_stream(port, payload) for _ in range(STREAMS)))


def test_two_thousand_paced_streams_at_once(llm, client):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        messages = [{"role": "user", "content": "x"}]
        payload = json.dumps({"model": "paced", "messages": messages, "stream": True}).encode()
        started = time.monotonic()
        counts = asyncio.run(all_streams(int(llm.url.rsplit(":", 1)[1]), payload))
        seconds = time.monotonic() - started
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert set(counts) == {23}
    assert seconds < 30
    assert client.get("/_stats").json()["open"] == 0
    assert httpx.get(llm.url + "/v1/models").status_code == 200
