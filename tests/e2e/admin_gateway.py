"""A gateway as its administrators see it, for the tests of their endpoints."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

import gateway_stack
from config_edits import ConfigFile
from gateway_stack import E2E, LLM_KEY, Stack

CONFIG = E2E / "admin_config"
SECRET = "hunter2"  # a part of each secret of the configuration
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass
class AdminGateway:
    stack: Stack
    admin: httpx.Client
    client: httpx.Client
    file: ConfigFile
    answers: list[str] = field(default_factory=list)  # all that administrators were told

    def get(self, path: str):
        return self._kept(self.admin.get(path))

    def post(self, path: str):
        return self._kept(self.admin.post(path))

    def _kept(self, answer: httpx.Response):
        assert answer.status_code == 200, f"{answer.request.url}: {answer.text}"
        assert answer.headers["x-agent-executor"].endswith(":" + self.stack["EXECUTOR_PID"])
        self.answers.append(answer.text)
        return answer.json()

    def entry(self, path: str, name: str) -> dict:
        return named(self.get(path), name)

    def use(self, text: str) -> None:
        """Another text of the configuration."""
        self.file.by_rename(text)
        self.post("/agents/refresh")

    def metrics_text(self) -> str:
        (started,) = [event for event in self.stack.executor_events(1) if event["event"] == "started"]
        answer = httpx.get(f"http://{started['metrics_address']}/metrics").raise_for_status()
        self.answers.append(answer.text)
        return answer.text

    def metrics(self) -> dict[tuple[str, frozenset], float]:
        """Name without its prefix, and labels, to value."""
        found = {}
        for line in self.metrics_text().splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                found[name.removeprefix("agent_gateway_"), frozenset(LABEL.findall(labels or ""))] = float(value)
        return found

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics()[name, frozenset(labels.items())]

    def log(self, event: str) -> list[dict]:
        return [entry for entry in self.stack.executor_events(1) if entry["event"] == event]


def named(entries: list[dict], name: str) -> dict:
    (entry,) = [entry for entry in entries if entry["name"] == name]
    return entry


@contextmanager
def running(directory: Path) -> Iterator[AdminGateway]:
    """No secret may be in any answer that administrators get, nor in a log."""
    try:
        stack = gateway_stack.start(directory, config=CONFIG)
        with stack.admin_client() as admin, stack.client() as client:
            gateway = AdminGateway(stack, admin, client, ConfigFile(stack.config_file))
            yield gateway
            leaks = [answer for answer in gateway.answers if SECRET in answer or LLM_KEY in answer]
            assert leaks == []
    finally:
        gateway_stack.stop(directory, secrets=(SECRET,))
