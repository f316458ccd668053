"""The configuration changes while the gateway is used: each way of writing a file, good versions and broken ones."""

import os
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

import gateway_stack
from gateway_stack import assert_error, chat, wait_until

EDITS = 100
BROKEN = "agents: [{name: half, instructions: 'not closed"
LANES = 4


@pytest.fixture
def changing(tmp_path_factory):
    with gateway_stack.running(tmp_path_factory.mktemp("c")) as running:
        yield running


class ConfigFile:
    """The executor's file, and the ways in which people and programs write one."""

    def __init__(self, stack):
        self.path = stack.directory.parent / "config/gateway.yaml"
        self.base = self.path.read_text()

    def version(self, number: int) -> str:
        """The configuration of the tests with one agent more, which names the version."""
        return self.base + (
            f"\n  - name: versioned\n    kind: declarative\n    upstream: scripted\n    model: plain\n"
            f"    description: version {number}\n    instructions: Version {number}.\n")

    def in_place(self, text: str) -> None:
        self.path.write_text(text)

    def in_two_writes(self, text: str) -> None:
        with self.path.open("w") as out:
            out.write(text[: len(text) // 2])
            out.flush()
            time.sleep(0.05)  # a program that takes its time; any moment will do
            out.write(text[len(text) // 2 :])

    def by_rename(self, text: str) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.replace(self.path)

    def as_editors_do(self, text: str) -> None:
        """A backup by rename, a swap file meanwhile, the new file under the old name."""
        swap = self.path.with_name(f".{self.path.name}.swp")
        swap.write_text("swap")
        self.path.replace(self.path.with_name(f"{self.path.name}~"))
        self.path.write_text(text)
        swap.unlink()

    def by_a_link(self, text: str) -> None:
        """The name is a symbolic link from now on, and is turned to a new file."""
        target = self.path.with_name(f"gateway-{time.monotonic_ns()}.yaml")
        target.write_text(text)
        link = self.path.with_name("link.new")
        link.symlink_to(target.name)
        link.replace(self.path)

    def deleted_and_made_anew(self, text: str) -> None:
        self.path.unlink()
        self.path.write_text(text)

    @property
    def ways(self):
        return [self.in_place, self.by_rename, self.in_two_writes, self.as_editors_do, self.by_a_link,
                self.deleted_and_made_anew]


class Load:
    """Chats without a pause; what failed is kept."""

    def __init__(self, stack):
        self.stack = stack
        self.done = threading.Event()
        self.requests = 0
        self.failures: list[str] = []
        self.threads = [threading.Thread(target=self._run, args=(number % 2 == 0,)) for number in range(LANES)]

    def _run(self, stream: bool) -> None:
        with self.stack.client() as client:
            while not self.done.is_set():
                answer = client.post("/v1/chat/completions", json=chat("scripted/echo" if stream else "scripted/plain", stream=stream))
                self.requests += 1
                if answer.status_code != 200 or (stream and "[DONE]" not in answer.text):
                    self.failures.append(f"{answer.status_code}: {answer.text[:300]}")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()


def reload_state(admin: httpx.Client) -> dict:
    return admin.get("/admin/reload").raise_for_status().json()["gateway"]


def described(admin: httpx.Client) -> str | None:
    agents = admin.get("/agents").raise_for_status().json()
    return next((agent["description"] for agent in agents if agent["name"] == "versioned"), None)


def wait_for_attempt(admin: httpx.Client, before: dict) -> dict:
    return wait_until(lambda: (state := reload_state(admin))["attempt_count"] > before["attempt_count"] and state,
                      "a reload", 20)


def test_a_hundred_edits_under_load(changing):
    stack = changing
    file = ConfigFile(stack)
    with stack.admin_client() as admin, Load(stack) as load:
        good = None
        for number in range(1, EDITS + 1):
            before = reload_state(admin)
            write = file.ways[number % len(file.ways)]
            is_broken = number % 10 == 0
            write(BROKEN if is_broken else file.version(number))
            good = good if is_broken else f"version {number}"
            if is_broken:
                state = wait_until(lambda: (now := reload_state(admin))["last_error"] and now, "the refusal", 20)
                assert "gateway.yaml:" in state["last_error"], state
                assert state["generation"] >= before["generation"]
            else:
                wait_until(lambda: described(admin) == good, f"{good}, {write.__name__}", 20)
                # Told once all threads use it.
                state = wait_until(
                    lambda: (now := reload_state(admin))["generation"] > before["generation"] and not now["last_error"] and now,
                    "a good reload", 20)
            assert state["attempt_count"] == state["success_count"] + state["failure_count"]
            assert described(admin) == good, "a broken version replaces nothing"
    assert load.failures == []
    assert load.requests > EDITS


def test_a_signal_and_a_request_load_it_too(changing):
    stack = changing
    file = ConfigFile(stack)
    with stack.admin_client() as admin:
        file.by_rename(file.version(1))
        answer = admin.post("/agents/refresh")
        assert answer.status_code == 200
        assert [agent["description"] for agent in answer.json() if agent["name"] == "versioned"] == ["version 1"]
        assert answer.headers["x-agent-executor"] == admin.get("/admin/reload").json()["executor"]

        file.by_rename(BROKEN)
        answer = admin.post("/agents/refresh")
        assert_error(answer, 422, "configuration_invalid")
        assert "gateway.yaml:" in answer.json()["error"]["message"]
        assert described(admin) == "version 1"

        before = reload_state(admin)
        os.kill(int(stack["EXECUTOR_PID"]), signal.SIGHUP)
        state = wait_for_attempt(admin, before)
        assert state["last_error"] is not None
    with stack.client() as client:
        assert client.get("/agents").status_code == 404, "not on the public listener"


def test_what_a_reload_changed_is_said(changing):
    stack = changing
    file = ConfigFile(stack)
    with stack.admin_client() as admin:
        file.by_rename(file.version(7).replace("drain_timeout: 3s", "drain_timeout: 3s\n  threads: 3"))
        wait_until(lambda: described(admin) == "version 7", "version 7", 20)
        diff = reload_state(admin)["last_diff"]
        assert diff["added"] == ["agent default/versioned"]
        assert diff["needs_restart"] == ["server.threads"]
        file.by_rename(file.base)
        wait_until(lambda: described(admin) is None, "the old version", 20)
        assert reload_state(admin)["last_diff"]["removed"] == ["agent default/versioned"]
    events = [event for event in stack.executor_events(1) if event["event"] == "reload.diff"]
    assert [event["added"] for event in events][0] == "agent default/versioned"
    assert Path(file.path).exists()


def test_runs_in_flight_keep_the_configuration_that_they_began_with(changing):
    """The upstream of a stream's agent is taken away while the stream runs."""
    stack = changing
    file = ConfigFile(stack)
    with stack.client() as client, stack.admin_client() as admin:
        with client.stream("POST", "/v1/chat/completions", json=chat("scripted/paced", stream=True)) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("data: ")
            before = reload_state(admin)
            file.by_rename("upstreams: {other: {base_url: 'http://127.0.0.1:1/v1', models: [m]}}\n")
            assert wait_for_attempt(admin, before)["last_error"] is None
            assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["other/m"]
            assert list(lines)[-2:] == ["data: [DONE]", ""]
