"""`agent-executor check` and `serve` as an operator meets them."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "tests/unit/config/data/s1_example.yaml"
BROKEN = ROOT / "tests/unit/config/data/broken"
OF_THE_CONFIGURATION = ("AGENT_", "UP_", "LOG_LEVEL", "DEFAULT_MODEL", "MCP_SERVER_URL")
DEADLINE_S = 30

GOOD = """\
upstreams:
  lm: {base_url: "http://127.0.0.1:1/v1", api_key: KEY}
agents:
  - {name: a, kind: declarative, upstream: lm, model: m, instructions: Hello.}
"""


@pytest.fixture
def executor(build_dir):
    def run(*arguments, **environment):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OF_THE_CONFIGURATION)}
        return subprocess.run(
            [build_dir / "executor/agent-executor", *arguments],
            env={**clean, **environment},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    return run


def write(tmp_path, text):
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    return path


@pytest.mark.item("S1-17")
def test_the_example_of_the_source_document_loads(executor):
    done = executor("check", EXAMPLE)
    assert done.returncode == 0, done.stderr
    assert "2 agents (1 with status error)" in done.stdout and "agents[1]: kind sdk needs a worker" in done.stdout


@pytest.mark.item("S1-18")
@pytest.mark.parametrize(
    ("agent", "place"),
    [
        ("{name: b, kind: sdk, upstream: lm, model: m}", "agents[1].module"),
        ("{name: b, kind: sdk, upstream: lm, model: m, module: nodots}", "agents[1].module"),
        ("{name: b, kind: declarative, upstream: lm, model: m}", "agents[1].instructions"),
    ],
)
def test_an_incomplete_agent_stops_the_load(executor, tmp_path, agent, place):
    path = write(tmp_path, GOOD + f"  - {agent}\n")
    for command in (("check", path), ("serve", "--config", path)):
        done = executor(*command)
        assert done.returncode == 1
        assert f"{path}:5:" in done.stderr and place in done.stderr


@pytest.mark.item("S1-30")
def test_a_missing_secret_names_its_variable(executor, tmp_path):
    path = write(tmp_path, GOOD.replace("api_key: KEY", 'api_key: "${UP_KEY}"'))
    done = executor("check", path)
    assert done.returncode == 1 and "UP_KEY" in done.stderr and f"{path}:2:" in done.stderr
    done = executor("check", path, UP_KEY="a-secret-value")
    assert done.returncode == 0 and "a-secret-value" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.yaml")))
def test_check_and_serve_answer_a_broken_file_alike(executor, name):
    path = BROKEN / f"{name}.yaml"
    expected = (BROKEN / f"{name}.expected").read_text()
    planted = {"PLANTED": "hunter2-planted", "PLANTED_LINES": "hunter2\nhunter3", "EMPTY": ""}
    checked, served = executor("check", path, **planted), executor("serve", "--config", path, **planted)
    assert (checked.returncode, served.returncode) == (1, 1)
    assert checked.stderr == served.stderr
    assert checked.stdout == served.stdout == ""
    *lines, count = checked.stderr.replace(f"{BROKEN}/", "").splitlines()
    assert lines == expected.splitlines()
    assert count == f"{name}.yaml: {len(lines)} problem{'s' if len(lines) > 1 else ''}"
    assert "hunter2" not in checked.stderr


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "the file is not a regular file"),
        (b"", "the file is empty; it needs agents or upstreams"),
        (b"\0" * 4096, "a NUL byte; the file must be UTF-8 text"),
    ],
    ids=["folder", "empty", "nul"],
)
def test_serve_ends_with_what_is_no_configuration(executor, tmp_path, content, line):
    path = tmp_path / "gateway.yaml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    checked, served = executor("check", path), executor("serve", "--config", path)
    assert (checked.returncode, served.returncode) == (1, 1)
    assert line in checked.stderr.splitlines()[0] and checked.stderr == served.stderr


@pytest.mark.item("S1-20")
def test_check_prints_the_settings_with_defaults_filled_in(executor, tmp_path):
    path = write(
        tmp_path,
        "version: 1\n"
        "upstreams: {lm: {base_url: 'http://127.0.0.1:1/v1', api_key: hunter2}}\n"
        "defaults: {namespace: lab, upstream: lm, model: m}\n"
        "agents: [{name: a, instructions: Hello.}]\n",
    )
    done = executor("check", "--print", path)
    assert (done.returncode, done.stderr) == (0, "")
    printed = yaml.safe_load(done.stdout)
    agent = printed["agents"][0]
    assert (agent["namespace"], agent["upstream"], agent["model"]) == ("lab", "lm", "m")
    assert agent["policies"]["max_tool_hops"] == 8 and agent["kind"] == "declarative"
    assert printed["upstreams"]["lm"]["api_key"] == "***" and "hunter2" not in done.stdout


@pytest.mark.item("S3-13")
def test_the_environment_wins_over_the_file_and_dotenv_stands_behind_it(executor, tmp_path):
    path = write(tmp_path, GOOD + "log: {level: error}\nserver: {listen: '127.0.0.1:1'}\n")
    (tmp_path / ".env").write_text("LOG_LEVEL=WARNING\nAGENT_API_PORT=8000\n")

    def printed(**environment):
        done = executor("check", "--print", path, **environment)
        assert done.returncode == 0, done.stderr
        return yaml.safe_load(done.stdout)

    assert printed()["log"]["level"] == "warn"
    assert printed()["server"]["listen"] == "0.0.0.0:8000"
    assert printed(LOG_LEVEL="debug")["log"]["level"] == "debug"
    assert printed(LOG_LEVEL="debug", AGENT_GATEWAY_LOG_LEVEL="info")["log"]["level"] == "info"
    assert printed(AGENT_API_HOST="127.0.0.2")["server"]["listen"] == "127.0.0.2:8000"


def test_check_prints_the_schema_that_is_shipped(executor):
    done = executor("check", "--schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (ROOT / "config/gateway.schema.json").read_text()


def test_serve_says_how_to_make_a_missing_edge_secret(executor, tmp_path):
    secret = tmp_path / "edge_secret"
    done = executor("serve", "--config", write(tmp_path, GOOD), AGENT_GATEWAY_EDGE_SECRET_FILE=str(secret))
    assert done.returncode == 1 and str(secret) in done.stderr and "openssl rand" in done.stderr
    secret.write_text("not-enough\n")
    done = executor("serve", "--config", write(tmp_path, GOOD), AGENT_GATEWAY_EDGE_SECRET_FILE=str(secret))
    assert done.returncode == 1 and str(secret) in done.stderr and "not-enough" not in done.stderr


def test_serve_names_an_address_that_it_cannot_have(executor, tmp_path):
    secret = tmp_path / "edge_secret"
    secret.write_text("0123456789abcdef0123456789abcdef\n")
    listen = f"unix:{tmp_path}/missing/executor.sock"
    done = executor(
        "serve", "--config", write(tmp_path, GOOD), "--listen", listen, AGENT_GATEWAY_EDGE_SECRET_FILE=str(secret)
    )
    assert done.returncode == 1 and f"{tmp_path}/missing/executor.sock" in done.stderr
