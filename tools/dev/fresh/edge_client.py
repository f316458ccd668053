"""Asks the edge container what a client and a probe would ask."""

import http.client
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import answer
from .report import StepFailed

PORT = 8443  # of conf/nginx.conf
TIMEOUT_S = 30
READY_TIMEOUT_S = 60
SAMPLE_AGENTS = {"assistant", "plain", "research/helper"}  # of config/gateway.yaml
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]


@dataclass(frozen=True)
class Reply:
    status: int
    body: str

    def document(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise StepFailed(f"no JSON object: {self.body[: answer.SHOWN]!r}")
        return found


class EdgeClient:
    def __init__(self, ca: Path, key: str) -> None:
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._key = key

    def request(self, method: str, path: str, body: object = None, *, key: str | None = None) -> Reply:
        connection = http.client.HTTPSConnection("localhost", PORT, timeout=TIMEOUT_S, context=self._tls)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            return Reply(response.status, response.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException) as error:
            raise StepFailed(f"{method} {path}: {error}") from None
        finally:
            connection.close()

    def expect(self, status: int, method: str, path: str, body: object = None, *, key: str | None = None) -> Reply:
        reply = self.request(method, path, body, key=key)
        if reply.status != status:
            raise StepFailed(
                f"{method} {path}: {reply.status} instead of {status}: {reply.body[: answer.SHOWN]!r}"
            )
        return reply

    def wait_ready(self, require_running: Callable[[], None]) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            require_running()
            try:
                self.expect(200, "GET", "/ready")
                return
            except StepFailed as error:
                if time.monotonic() > deadline:
                    raise StepFailed(f"not ready within {READY_TIMEOUT_S} s: {error}") from None
            time.sleep(0.2)

    def ask_everything(self) -> str:
        health = self.expect(200, "GET", "/health").document()
        if health.get("component") != "edge":
            raise StepFailed(f"/health is not the edge's: {health}")
        plain = {"model": "plain", "messages": QUESTION}
        for method, path, body in (("GET", "/v1/models", None), ("POST", "/v1/chat/completions", plain)):
            refused = self.expect(401, method, path, body).document()
            if refused.get("error", {}).get("code") != "invalid_api_key":
                raise StepFailed(f"{path} without a key: {refused}")
        models = self.expect(200, "GET", "/v1/models", key=self._key).document()
        names = {model["id"] for model in models["data"]}
        if not names >= SAMPLE_AGENTS:
            raise StepFailed(f"/v1/models lists {sorted(names)}, without {sorted(SAMPLE_AGENTS - names)}")
        self._require_plain_answer()
        question = {"model": "assistant", "stream": True, "messages": QUESTION}
        streamed = self.expect(200, "POST", "/v1/chat/completions", question, key=self._key)
        answer.require_tool_answer(streamed.body)
        return f"health 200, no key 401, {len(names)} models, an answer, and a streamed one with a tool"

    def _require_plain_answer(self) -> None:
        question = {"model": "plain", "messages": QUESTION}
        document = self.expect(200, "POST", "/v1/chat/completions", question, key=self._key).document()
        try:
            (choice,) = document["choices"]
            text, finish = choice["message"]["content"], choice["finish_reason"]
        except (KeyError, TypeError, ValueError):
            raise StepFailed(f"no chat completion: {str(document)[: answer.SHOWN]}") from None
        # The words of the scripted model (tests/fakes/scripts/demo.json) to somebody who offers it no tool.
        if finish != "stop" or "I am the demo model" not in text:
            raise StepFailed(f"the answer of agent plain is not the scripted model's: {text[: answer.SHOWN]!r}")
