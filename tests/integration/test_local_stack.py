"""./dev up and down: what a stack prints, and that nothing is left of it, whatever crashed."""

import hashlib
import json
import os
import shlex
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

WAIT = 60.0  # seconds


def until(condition, what: str, seconds: float = WAIT) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for: {what}"
        time.sleep(0.02)


def processes_in(directory: Path) -> list[int]:
    """Living processes whose working directory is D: all that a stack starts, nginx workers too."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            cwd = os.readlink(entry / "cwd").removesuffix(" (deleted)")
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if cwd == str(directory) and state not in "ZX":
            found.append(int(entry.name))
    return found


class Dev:
    """./dev with a folder of its own. Short, because unix sockets are in it."""

    def __init__(self, repository: Path, preset: str, directory: Path) -> None:
        self.repository = repository
        self.directory = directory
        self.environment = {**os.environ, "AGW_PRESET": preset, "AGW_NO_BUILD": "1"}

    def popen(self, *arguments: str, **options) -> subprocess.Popen:
        return subprocess.Popen(
            [str(self.repository / "dev"), *arguments, "--dir", str(self.directory)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess:
        with self.popen(*arguments) as process:
            out, err = process.communicate(timeout=WAIT * 2)
            return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def up(self, *arguments: str) -> dict[str, str]:
        done = self("up", *arguments)
        assert done.returncode == 0, done.stderr
        return exports(done.stdout)

    def record(self) -> dict:
        return json.loads((self.directory / "stack.json").read_text())

    def pid(self, name: str) -> int:
        return next(child["pid"] for child in self.record()["children"] if child["name"] == name)


def exports(text: str) -> dict[str, str]:
    values = {}
    for line in text.splitlines():
        word, assignment = shlex.split(line)
        assert word == "export"
        name, _, value = assignment.partition("=")
        values[name] = value
    return values


@pytest.fixture
def new_dev(repository: Path, preset: str, build_dir: Path) -> Iterator:
    """Makes a Dev with a folder that does not exist yet."""
    made: list[Dev] = []
    with tempfile.TemporaryDirectory(prefix="agw-") as parent:

        def make() -> Dev:
            made.append(Dev(repository, preset, Path(parent) / f"s{len(made)}"))
            return made[-1]

        yield make
        for dev in made:
            dev("down")


@pytest.fixture
def dev(new_dev) -> Dev:
    return new_dev()


def assert_nothing_left(dev: Dev) -> None:
    assert processes_in(dev.directory) == []
    assert not dev.directory.exists()


def get(values: dict[str, str], path: str, edge: str = "AGENT_URL", key: str = "AGENT_KEY") -> httpx.Response:
    context = ssl.create_default_context(cafile=values["SSL_CERT_FILE"])
    with httpx.Client(verify=context, timeout=20, trust_env=False) as client:
        return client.get(values[edge] + path, headers={"Authorization": f"Bearer {values[key]}"})


def test_up_prints_only_exports_and_the_stack_answers(dev: Dev) -> None:
    values = dev.up("--executors", "2", "--edges", "2")
    for name in (
        "AGENT_URL", "AGENT_URL_2", "AGENT_ADMIN_URL", "AGENT_ADMIN_URL_2", "AGENT_KEY", "AGENT_ADMIN_KEY",
        "AGENT_LOG_DIR", "LLM_URL", "MCP_URL",
        "HTTP_URL", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "EDGE_PID", "EDGE_PID_2", "EXECUTOR_PID",
        "EXECUTOR_PID_2", "LLM_PID", "MCP_PID", "HTTP_PID", "AGENT_EXECUTOR_SOCKET",
    ):  # fmt: skip
        assert values[name], name
    for edge in ("AGENT_URL", "AGENT_URL_2"):
        answer = get(values, "/v1/models", edge)
        assert answer.status_code == 200, answer.text
        assert "assistant" in [model["id"] for model in answer.json()["data"]]
    for path in ("/tools", "/metrics"):
        for edge in ("AGENT_ADMIN_URL", "AGENT_ADMIN_URL_2"):
            assert get(values, path, edge).status_code == 403
            assert get(values, path, edge, "AGENT_ADMIN_KEY").status_code == 200
        assert get(values, path, key="AGENT_ADMIN_KEY").status_code == 404
    done = dev("down")
    assert done.returncode == 0, done.stderr
    assert_nothing_left(dev)


def test_secrets_are_for_the_owner_alone(dev: Dev) -> None:
    values = dev.up()
    for name in ("edge_secret", "api_keys", "tls/server.key"):
        assert (dev.directory / name).stat().st_mode & 0o077 == 0, name
    assert values["AGENT_KEY"] not in (dev.directory / "api_keys").read_text()


def test_stacks_run_side_by_side(new_dev) -> None:
    first, second = new_dev(), new_dev()
    values = [first.up(), second.up()]
    assert values[0]["AGENT_URL"] != values[1]["AGENT_URL"]
    assert first("down").returncode == 0
    assert_nothing_left(first)
    assert get(values[1], "/v1/models").status_code == 200
    assert get({**values[1], "AGENT_KEY": values[0]["AGENT_KEY"]}, "/v1/models").status_code == 401


def test_up_refuses_a_live_stack(dev: Dev) -> None:
    values = dev.up()
    again = dev("up")
    assert again.returncode == 1
    assert again.stdout == ""
    assert "stop it first" in again.stderr
    assert get(values, "/v1/models").status_code == 200


def test_up_refuses_a_folder_with_other_things(dev: Dev) -> None:
    dev.directory.mkdir()
    precious = dev.directory / "thesis.txt"
    precious.write_text("years of work")
    assert dev("up").returncode == 1
    assert dev("down").returncode == 0
    assert precious.read_text() == "years of work"


def test_a_folder_that_was_there_stays_there(dev: Dev) -> None:
    dev.directory.mkdir()
    dev.up()
    dev("down")
    assert list(dev.directory.iterdir()) == []


@pytest.mark.parametrize("victim", ["edge-1", "executor-1", "llm"])
def test_down_after_a_part_was_killed(dev: Dev, victim: str) -> None:
    dev.up()
    os.kill(dev.pid(victim), signal.SIGKILL)
    assert dev("down").returncode == 0
    assert_nothing_left(dev)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("children", [0, 1, 3, 4])
def test_down_after_up_was_killed(dev: Dev, children: int, number: int) -> None:
    """Killed as soon as so many processes are on record."""

    def recorded() -> bool:
        try:
            return len(dev.record()["children"]) >= children
        except FileNotFoundError:
            return False

    with dev.popen("up") as up:
        until(lambda: recorded() or up.poll() is not None, f"{children} children on record")
        up.send_signal(number)
        up.wait(timeout=WAIT)
        up.communicate()
    assert dev("down").returncode == 0
    assert_nothing_left(dev)


def test_up_works_again_after_a_crash_of_everything(dev: Dev) -> None:
    dev.up()
    for pid in processes_in(dev.directory):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not processes_in(dev.directory), "the killed processes to end")
    values = dev.up()
    assert get(values, "/v1/models").status_code == 200


def test_down_leaves_a_process_alone_that_got_a_recorded_pid(dev: Dev) -> None:
    dev.up()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        record = dev.record()
        killed = next(child for child in record["children"] if child["name"] == "http-tool")
        os.kill(killed["pid"], signal.SIGKILL)
        killed["pid"] = stranger.pid
        (dev.directory / "stack.json").write_text(json.dumps(record))
        assert dev("down").returncode == 0
        assert stranger.poll() is None
        stranger.stdin.close()
    assert_nothing_left(dev)


def test_down_can_keep_the_logs(dev: Dev) -> None:
    dev.up()
    assert dev("down", "--keep-logs").returncode == 0
    assert [path.name for path in dev.directory.iterdir()] == ["log"]
    assert "GET" in (dev.directory / "log" / "edge-1" / "access.log").read_text()
    dev.up()
    dev("down")
    assert_nothing_left(dev)


def test_a_bad_configuration_is_shown_and_leaves_nothing(dev: Dev, tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("version: 1\nagnets: []\n")
    done = dev("up", "--config", str(tmp_path))
    assert done.returncode == 1
    assert "gateway.yaml:2" in done.stderr and "agnets" in done.stderr
    assert_nothing_left(dev)


def test_config_brings_keys_and_nginx_files(dev: Dev, tmp_path: Path) -> None:
    secret = "agk_" + "x" * 43
    digest = hashlib.sha256(secret.encode()).hexdigest()
    # Without a line end: the stack's own keys must not be glued to it.
    (tmp_path / "api_keys").write_text(f"mine sha256:{digest} allow=research/* scopes=chat")
    (tmp_path / "nginx.d").mkdir()
    (tmp_path / "nginx.d" / "own.conf").write_text('map $host $own { default "x"; }\n')
    values = dev.up("--config", str(tmp_path))
    mine = get({**values, "AGENT_KEY": secret}, "/v1/models")
    assert [model["id"] for model in mine.json()["data"]] == ["research/helper"]
    assert get(values, "/v1/models").status_code == 200
    assert f"{tmp_path}/nginx.d/*.conf" in (dev.directory / "edge-1" / "nginx.conf").read_text()
    assert "agk_" not in (tmp_path / "api_keys").read_text()


def test_run_stops_everything_when_a_part_ends(dev: Dev) -> None:
    with dev.popen("run") as run:
        until(lambda: (dev.directory / "stack.json").exists() or run.poll() is not None, "the record")
        banner = ""
        while "Ctrl-C" not in banner:
            line = run.stdout.readline()
            assert line, run.stderr.read()
            banner += line
        assert "curl -N --cacert" in banner
        os.kill(dev.pid("mcp"), signal.SIGKILL)
        _, err = run.communicate(timeout=WAIT)
        assert run.returncode == 1
        assert "mcp was killed by SIGKILL" in err
    assert_nothing_left(dev)
