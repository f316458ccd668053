"""Replays the quirk corpus through a gateway.

    replay.py --gateway URL --key KEY --listen PORT [--model-prefix P] [--exact] [NAME...]

Serves the corpus as an OpenAI-compatible server at http://127.0.0.1:PORT/v1, one model a file, asks the gateway for
each, and prints what it gives back wrong. The gateway must have that server as an upstream. Ends with status 1 when
an answer is not as its file says.
"""

import argparse
import http.client
import json
import ssl
import sys
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from compare import Given, problems, take_chunk, take_whole  # noqa: E402
from corpus import Quirk, load  # noqa: E402
from quirk_server import QuirkServer  # noqa: E402

TIMEOUT_S = 60


class Gateway:
    """One connection for each question: an answer that breaks must not spoil the next."""

    def __init__(self, url: str, key: str) -> None:
        self._url = urllib.parse.urlsplit(url)
        self._key = key

    def ask(self, model: str, stream: bool) -> Given:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        connection = self._connect()
        try:
            path = self._url.path.rstrip("/").removesuffix("/v1") + "/v1/chat/completions"
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8")  # strict: what is no UTF-8 is a fault
            kind = answer.getheader("content-type") or ""
        finally:
            connection.close()
        given = Given(answer.status)
        if kind.startswith("text/event-stream"):
            read_stream(text, given)
        elif answer.status != 200:
            given.error = json.loads(text)["error"]
        else:
            take_whole(given, json.loads(text))
        return given

    def _connect(self) -> http.client.HTTPConnection:
        if self._url.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._url.hostname, self._url.port, timeout=TIMEOUT_S, context=context)
        return http.client.HTTPConnection(self._url.hostname, self._url.port, timeout=TIMEOUT_S)


def read_stream(text: str, given: Given) -> None:
    """A strict reader: every event is one line of data, or a comment."""
    if not text.endswith("\n\n"):
        given.faults.append("the last event lacks its blank line")
    for block in text.split("\n\n"):
        if not block or block.startswith(":"):
            continue
        if not block.startswith("data: ") or "\n" in block:
            given.faults.append(f"an event that is not one line of data: {block[:200]!r}")
        elif block == "data: [DONE]":
            given.done = True
        elif given.done or given.error:
            given.faults.append("an event after the end")
        else:
            document = json.loads(block.removeprefix("data: "))
            if "error" in document:
                given.error = document["error"]
            else:
                take_chunk(given, document)


def check(gateway: Gateway, quirk: Quirk, model: str, exact: bool) -> list[str]:
    try:
        given = gateway.ask(model, quirk.stream)
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError) as fault:
        return [f"not readable: {fault!r}"]
    return problems(quirk.expect, quirk.stream, given, exact)


def main() -> int:
    parser = argparse.ArgumentParser(description="Replays the quirk corpus through a gateway.")
    parser.add_argument("--gateway", required=True, metavar="URL", help="the gateway, with or without /v1")
    parser.add_argument("--key", required=True, help="a key of the gateway")
    parser.add_argument("--listen", required=True, type=int, metavar="PORT", help="where the gateway's upstream is")
    parser.add_argument("--model-prefix", default="", metavar="P", help='stands before a file\'s name, e.g. "quirks/"')
    parser.add_argument("--exact", action="store_true", help="compare each chunk and the codes of errors too")
    parser.add_argument("names", nargs="*", metavar="NAME", help="files to replay, without .json; default: all")
    options = parser.parse_args()
    quirks = load()
    if unknown := set(options.names) - set(quirks):
        parser.error(f"no such file: {', '.join(sorted(unknown))}")
    gateway = Gateway(options.gateway, options.key)
    chosen = [quirks[name] for name in options.names or quirks]
    bad = 0
    with QuirkServer(quirks, options.listen):
        for quirk in chosen:
            found = check(gateway, quirk, options.model_prefix + quirk.name, options.exact)
            bad += bool(found)
            for problem in found:
                print(f"{quirk.name}: {problem}")
    print(f"{len(chosen) - bad} of {len(chosen)} as expected")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
