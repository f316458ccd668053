"""Whether files are followed: server.watch, and AGENT_GATEWAY_WATCH, which wins."""

import os
import signal
import time

import pytest

import gateway_stack
from admin_gateway import named
from config_edits import ConfigFile, Reloads, described
from gateway_stack import E2E

CONFIG = E2E / "reload_config"
LOOKS_S = 2  # from one look at the files to the next, where nothing tells of a change


@pytest.fixture
def start(tmp_path_factory):
    directory = tmp_path_factory.mktemp("w")

    def run(watch: str, environment: dict[str, str]):
        source = directory / "source"
        source.mkdir()
        for path in CONFIG.iterdir():
            (source / path.name).write_text(path.read_text().replace("server:\n", f"server:\n  watch: {watch}\n"))
        return gateway_stack.start(directory, config=source, environment=environment)

    try:
        yield run
    finally:
        gateway_stack.stop(directory)


def stays(reloads: Reloads, before: dict, seconds: float) -> bool:
    """Nothing was loaded within this time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if reloads.now()["attempt_count"] != before["attempt_count"]:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(
    ("watch", "environment"),
    [("false", {}), ("true", {"AGENT_GATEWAY_WATCH": "false"}), ("false", {"AGENT_GATEWAY_WATCH": ""})],
    ids=["file", "variable", "empty-variable"],
)  # fmt: skip
def test_without_watching_only_a_signal_or_a_request_loads(start, watch, environment):
    stack = start(watch, environment)
    file = ConfigFile(stack.config_file)
    with stack.admin_client() as admin:
        reloads = Reloads(admin)
        assert admin.get("/admin/reload").json()["watching"] is False
        before = reloads.now()
        file.by_rename(file.version(1))
        assert stays(reloads, before, LOOKS_S * 1.5)
        os.kill(int(stack["EXECUTOR_PID"]), signal.SIGHUP)
        state = reloads.taken(before)
        assert state["last_trigger"] == "signal" and state["attempt_count"] == 1
        file.by_rename(file.version(2))
        agents = admin.post("/agents/refresh").raise_for_status().json()
        assert named(agents, "versioned")["description"] == described(2)
        assert reloads.now()["last_trigger"] == "request"


def test_the_variable_wins_over_the_file(start):
    stack = start("false", {"AGENT_GATEWAY_WATCH": "true"})
    file = ConfigFile(stack.config_file)
    with stack.admin_client() as admin:
        reloads = Reloads(admin)
        assert admin.get("/admin/reload").json()["watching"] is True
        before = reloads.now()
        file.by_rename(file.version(1))
        assert reloads.taken(before)["last_trigger"] == "file"


def test_the_switch_itself_is_taken_over_while_it_runs(start):
    stack = start("true", {})
    file = ConfigFile(stack.config_file)
    with stack.admin_client() as admin:
        reloads = Reloads(admin)
        before = reloads.now()
        file.by_rename(file.base.replace("watch: true", "watch: false"))
        before = reloads.taken(before)
        assert admin.get("/admin/reload").json()["watching"] is False
        file.by_rename(file.version(1))
        assert stays(reloads, before, LOOKS_S * 1.5)
        assert admin.post("/agents/refresh").status_code == 200
        assert admin.get("/admin/reload").json()["watching"] is True
        before = reloads.now()
        file.by_rename(file.version(2))
        assert reloads.taken(before)["last_trigger"] == "file"
