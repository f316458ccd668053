"""Chats without a pause, while the configuration changes under them. What failed is kept."""

import json
import threading

from gateway_stack import Stack, chat, data_of

# Model, whether streamed, and what the answer must hold: a plain model, the same as a stream, an agent with an MCP tool
# and an HTTP tool.
LANES = (
    ("scripted/plain", False, "Hello from the plain model."),
    ("scripted/echo", True, None),
    ("assistant", False, "12:34"),
    ("assistant", True, None),
)


def answer_of(text: str, stream: bool) -> str | None:
    """The answer's text; None when it is not whole."""
    if not stream:
        return json.loads(text)["choices"][0]["message"]["content"]
    *events, last = data_of(text)
    if last != "[DONE]":
        return None
    deltas = (choice["delta"] for event in events for choice in json.loads(event)["choices"])
    return "".join(delta.get("content") or "" for delta in deltas)


class Load:
    def __init__(self, stack: Stack):
        self.stack = stack
        self.failures: list[str] = []
        self.requests = 0
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=lane) for lane in LANES]

    def _ask(self, connection, model: str, stream: bool, expected: str | None) -> str | None:
        """None, or what went wrong."""
        # The edge closes a connection by HTTP's rules after its last answer: http.client opens the next one by itself.
        headers = {"Authorization": f"Bearer {self.stack['AGENT_KEY']}", "Content-Type": "application/json"}
        body = json.dumps(chat(model, "How is it in Oslo?", stream=stream))
        connection.request("POST", "/v1/chat/completions", body, headers)
        response = connection.getresponse()
        text = response.read().decode()
        if response.status != 200:
            return f"{model}: {response.status}: {text[:300]}"
        answer = answer_of(text, stream)
        return None if answer and (expected or "Oslo") in answer else f"{model}: {text[-300:]}"

    def _run(self, model: str, stream: bool, expected: str | None) -> None:
        connection = self.stack.connection()
        try:
            while not self._done.is_set():
                failure = self._ask(connection, model, stream, expected)
                with self._lock:
                    self.requests += 1
                    if failure is not None:
                        self.failures.append(failure)
        except Exception as error:  # noqa: BLE001: a thread's exception would go unseen
            with self._lock:
                self.failures.append(f"{model}: {error!r}")
        finally:
            connection.close()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        for thread in self._threads:
            thread.join()
