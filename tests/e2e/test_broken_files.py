"""Every broken file of the table in tests/unit/config/data/broken is put under a running gateway: what it says of each is what
`agent-executor check` says, nothing that runs stops, and nobody sees a secret."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

import gateway_stack
from gateway_stack import ROOT, Stack, assert_error, chat

sys.path.append(str(ROOT / "tools/dev"))
from devstack import procfs  # noqa: E402

TABLE = ROOT / "tests/unit/config/data/broken"
NAMES = sorted(path.stem for path in TABLE.glob("*.yaml"))
# As the unit tests of the table have it: values that files of the table name, or hold themselves.
PLANTED = {"PLANTED": "hunter2-planted", "PLANTED_LINES": "hunter2\nhunter3", "EMPTY": ""}
SECRET = "hunter2"
CONFIG = "server: {watch: false, threads: 2, drain_timeout: 3s}\n"
MANY_BYTES = 100_000_000


@dataclass
class Gateway:
    stack: Stack
    admin: httpx.Client
    client: httpx.Client
    good: str
    answers: list[str] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.stack.config_file

    def check(self) -> list[str]:
        """The lines of `agent-executor check`, as the running executor was started, without the last one that counts them."""
        running = procfs.read_program(int(self.stack["EXECUTOR_PID"]))
        done = subprocess.run([running.command[0], "check", str(self.file)], env=running.environment, capture_output=True,
                              text=True, timeout=60, check=False)  # fmt: skip
        assert done.returncode == 1 and done.stdout == "", done.stdout
        self.answers.append(done.stderr)
        *lines, count = done.stderr.splitlines()
        assert count == f"{self.file}: {len(lines)} problem{'s' if len(lines) > 1 else ''}"
        return lines

    def refuses(self) -> list[str]:
        """The lines with which the file as it is now is refused, wherever they are shown."""
        before = self.admin.get("/admin/reload").json()["gateway"]
        answer = self.admin.post("/agents/refresh")
        message = assert_error(answer, 422, "configuration_invalid")["message"]
        shown = self.admin.get("/admin/reload")
        self.answers += [answer.text, shown.text]
        state = shown.json()["gateway"]
        lines = state["last_errors"]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        assert message == f"The configuration has problems; what was loaded before goes on. {lines[0]}{more}"
        assert state["last_error"] == lines[0]
        assert lines == self.check()
        assert (state["generation"], state["failure_count"]) == (before["generation"], before["failure_count"] + 1)
        return lines

    def still_serves(self) -> None:
        answer = self.client.post("/v1/chat/completions", json=chat("old"))
        assert answer.status_code == 200 and "Hello from the plain model." in answer.text, answer.text

    def shortened(self, lines: list[str]) -> list[str]:
        """Without the folder, as the table shows them."""
        return [line.replace(f"{self.file.parent}/", "") for line in lines]


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    directory = tmp_path_factory.mktemp("b")
    source = directory / "source"
    source.mkdir()
    (source / "gateway.yaml").write_text(
        CONFIG + 'upstreams: {scripted: {base_url: "${LLM_URL}/v1", api_key: llm-key-of-the-tests, health_interval: 1h}}\n'
        "agents: [{name: old, upstream: scripted, model: plain, instructions: Hello.}]\n"
    )
    shutil.copytree(TABLE / "parts", source / "parts")
    try:
        stack = gateway_stack.start(directory, config=source, environment=PLANTED)
        with stack.admin_client() as admin, stack.client() as client:
            running = Gateway(stack, admin, client, stack.config_file.read_text())
            yield running
            assert [answer for answer in running.answers if SECRET in answer] == []
    finally:
        gateway_stack.stop(directory, secrets=(SECRET,))


@pytest.fixture
def file(gateway):
    """The executor's file; a good one again afterwards, which changes nothing."""
    yield gateway.file
    gateway.still_serves()
    remove(gateway.file)
    gateway.file.write_text(gateway.good)
    assert gateway.admin.post("/agents/refresh").status_code == 200
    assert gateway.admin.get("/admin/reload").json()["gateway"]["generation"] == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_file_of_the_table(gateway, file, name):
    # Some name themselves.
    there = TABLE / f"{name}.yaml"
    file.write_bytes(there.read_bytes().replace(there.name.encode(), file.name.encode()))
    expected = (TABLE / f"{name}.expected").read_text().replace(there.name, file.name)
    assert gateway.shortened(gateway.refuses()) == expected.splitlines()


def dangling_link(path: Path) -> None:
    path.symlink_to("nowhere.yaml")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def many_bytes(path: Path) -> None:
    path.touch()
    os.truncate(path, MANY_BYTES)


# What an operator's slip can put there, and the line that says so.
SLIPS = [
    (Path.mkdir, "gateway.yaml: the file is not a regular file"),
    (os.mkfifo, "gateway.yaml: the file is not a regular file"),
    (device, "gateway.yaml: the file is not a regular file"),
    (dangling_link, "gateway.yaml: the file cannot be opened: No such file or directory"),
    (link_to_itself, "gateway.yaml: the file cannot be opened: Too many levels of symbolic links"),
    (Path.touch, "gateway.yaml: the file is empty; it needs agents or upstreams"),
    (many_bytes, "gateway.yaml: the file is larger than 8192 KiB"),
    (lambda path: path.write_bytes(b"\0" * 4096), "gateway.yaml:1:1: a NUL byte; the file must be UTF-8 text"),
    (lambda path: None, "gateway.yaml: the file cannot be opened: No such file or directory"),
]


@pytest.mark.parametrize(
    ("put", "line"), SLIPS,
    ids=["folder", "fifo", "device", "dangling", "circle", "empty", "large", "nul", "missing"],
)  # fmt: skip
def test_something_that_is_no_file_of_ours(gateway, file, put, line):
    file.unlink()
    put(file)
    assert gateway.shortened(gateway.refuses()) == [line]


def test_each_problem_is_one_of_the_latest_errors(gateway, file):
    file.write_bytes((TABLE / "secrets_in_wrong_places.yaml").read_bytes())
    lines = gateway.refuses()
    errors = gateway.admin.get("/agents/errors")
    gateway.answers += [errors.text, gateway.admin.get("/admin/metrics").text]
    newest = errors.json()[: len(lines)]
    assert len(lines) > 10
    assert [entry["message"] for entry in newest] == lines[::-1], "the latest first"
    assert {(entry["error_stage"], entry["event"]) for entry in newest} == {("configuration", "reload.refused")}
