"""The parts of `reload` that make configurations and judge, and a start of whatever says that it is ready."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.runner import agent_files, load, reload_control, reload_cost, start_up
from bench.runner.agent_files import AgentFiles
from bench.runner.context import QUICK, REPOSITORY, Context
from bench.runner.errors import BenchError

EXECUTOR = REPOSITORY / "build" / os.environ.get("AGW_PRESET", "asan") / "executor" / "agent-executor"

# ---- The configuration ---------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> AgentFiles:
    made = AgentFiles(tmp_path / "now", tmp_path / "spare")
    made.write()
    return made


def texts(files: AgentFiles) -> dict[str, str]:
    return {str(path.relative_to(files.folder)): path.read_text() for path in sorted(files.folder.rglob("*.yaml"))}


def names(files: AgentFiles) -> list[str]:
    text = "".join(text.partition("agents:\n")[2] for text in texts(files).values())
    return re.findall(r"^  - name: (\S+)$", text, re.MULTILINE)


def test_agents_are_as_many_as_promised_and_each_has_a_name_of_its_own(files: AgentFiles) -> None:
    assert len(texts(files)) == 1 + agent_files.FILES
    assert len(names(files)) == len(set(names(files))) == agent_files.MANY
    assert agent_files.ASKED in names(files)
    assert files.newest not in names(files)  # no version has come after the first


def test_files_share_the_agents_evenly() -> None:
    shares = agent_files.shares(997, 10)
    assert list(itertools.chain(*shares)) == list(range(997))
    assert {len(share) for share in shares} == {99, 100}


def test_a_change_comes_with_one_rename_and_adds_one_agent_for_another(files: AgentFiles) -> None:
    before, names_before = texts(files), set(names(files))
    files.prepare()
    assert texts(files) == before
    files.change()
    after = texts(files)
    changed = [path for path in before if before[path] != after[path]]
    assert changed == [f"agents/{agent_files.FILES - 1:02}.yaml"]
    assert set(names(files)) - names_before == {files.newest}
    assert len(names(files)) == agent_files.MANY
    assert sorted(path.name for path in files.spare.iterdir()) == []


def test_all_files_can_change_and_hold_as_many_agents_as_before(files: AgentFiles) -> None:
    before = texts(files)
    files.change_all()
    after = texts(files)
    assert before.keys() == after.keys()
    assert [path for path in before if before[path] == after[path]] == []
    assert files.newest in names(files)
    assert len(set(names(files))) == agent_files.MANY


def test_few_agents_are_those_of_the_first_file_and_each_use_is_another_version(files: AgentFiles) -> None:
    many = files.path.read_text()
    files.use_few()
    few = files.path.read_text()
    assert "include:" in many
    assert "include:" not in few
    assert few.count("instructions:") == agent_files.FEW
    files.use_few()
    assert files.path.read_text() != few
    files.use_many()
    assert "include:" in files.path.read_text()


@pytest.mark.parametrize("count", [agent_files.MANY, agent_files.FEW])
def test_the_executor_takes_them_without_a_problem_or_a_warning(files: AgentFiles, count: int) -> None:
    if not EXECUTOR.exists():
        pytest.skip(f"{EXECUTOR} is not built")
    if count == agent_files.FEW:
        files.use_few()
    command = [str(EXECUTOR), "check", str(files.path)]
    done = subprocess.run(command, env={**os.environ, **agent_files.URLS_OF_NOBODY}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    assert f"ok, {count} agents" in done.stdout + done.stderr


# ---- What an executor says of its loads ----------------------------------------------------------


def status(**differs: Any) -> dict[str, Any]:
    before = {"success_count": 4, "failure_count": 1, "generation": 3, "last_trigger": "file", "last_error": None}
    return before | {"last_duration_seconds": 0.0625, "last_swap_seconds": 0.0005} | differs


def test_load_and_swap_are_told_apart() -> None:
    found = reload_control.read_load(status(), status(success_count=5, generation=4, last_trigger="request"), "request")
    assert found.load == pytest.approx(0.062)
    assert found.swap == 0.0005


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ({"failure_count": 2, "last_error": "no such file"}, "refused: no such file"),
        ({}, "there were 0 loads"),
        ({"success_count": 5, "generation": 3, "last_trigger": "request"}, "1 loads by request, 0 new generations"),
        ({"success_count": 6, "generation": 5, "last_trigger": "request"}, "2 loads by request, 2 new generations"),
        ({"success_count": 5, "generation": 4, "last_trigger": "signal"}, "1 loads by signal"),
    ],
)
def test_anything_but_one_load_that_came_into_use_is_an_error(after: dict[str, Any], why: str) -> None:
    with pytest.raises(BenchError, match=why):
        reload_control.read_load(status(), status(**after), "request")


class Recorded(reload_control.ReloadControl):
    """Takes signals, and says of itself what a list holds."""

    def __init__(self, *says: dict[str, Any]) -> None:
        self._says = list(says)
        self.signals = 0

    def status(self) -> dict[str, Any]:
        return self._says.pop(0)

    def signal(self) -> None:
        self.signals += 1


def counted(attempts: int, **differs: Any) -> dict[str, Any]:
    return status(attempt_count=attempts, generation=attempts, **differs)


def test_each_signal_of_a_row_has_to_be_loaded(files: AgentFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload_cost, "EVERY", 0.01)
    control = Recorded(counted(7), counted(15), counted(17))
    assert reload_cost.reload_often(files, control, 0.1) == 10
    assert control.signals == files.version - 1 == 10
    assert files.newest in names(files)


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (counted(17, failure_count=2, last_error="unknown key"), "refused: unknown key"),
        (counted(17) | {"generation": 14}, "of 10 versions 7 came into use"),
    ],
)
def test_a_row_of_which_too_few_came_into_use_is_an_error(
    files: AgentFiles, monkeypatch: pytest.MonkeyPatch, after: dict[str, Any], why: str
) -> None:
    monkeypatch.setattr(reload_cost, "EVERY", 0.01)
    with pytest.raises(BenchError, match=why):
        reload_cost.reload_often(files, Recorded(counted(7), after), 0.1)


def test_loads_that_never_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload_control, "LOAD_WAIT", 0.05)
    monkeypatch.setattr(Recorded, "status", lambda self: counted(7))
    with pytest.raises(BenchError, match="there were 7 loads, not 8"):
        Recorded().wait_for_attempts(8)


# ---- Rounds --------------------------------------------------------------------------------------


def test_requests_count_by_when_they_began() -> None:
    exchanges = [load.Exchange(began, took) for began, took in ((9.9, 0.2), (10.0, 0.1), (11.9, 0.5), (12.0, 0.3))]
    assert reload_cost.within(exchanges, 10, 12) == [0.1, 0.5]


def test_each_comes_first_in_its_turn() -> None:
    orders = [reload_cost.in_turn(["many", "few", "again"], number) for number in range(4)]
    assert [order[0] for order in orders] == ["many", "few", "again", "many"]
    assert all(sorted(order) == ["again", "few", "many"] for order in orders)


# ---- Starts --------------------------------------------------------------------------------------

# Listens where --listen says: refuses nothing, is not ready at first, and counts how often it is asked.
PRETENDS = """#!{python}
import socket, sys, time
path = sys.argv[sys.argv.index("--listen") + 1].removeprefix("unix:")
time.sleep(0.2)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
for status in (b"503 Service Unavailable", b"200 OK"):
    client, _ = server.accept()
    client.recv(4096)
    client.sendall(b"HTTP/1.1 " + status + b"\\r\\nContent-Length: 0\\r\\n\\r\\n")
    client.close()
server.accept()
"""


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr(Context, "build", property(lambda self: self.directory / "build"))
    return Context(tmp_path, "none", QUICK, quick=True)


def pretend(context: Context, script: str) -> start_up.Starts:
    program = context.build / "executor" / "agent-executor"
    program.parent.mkdir(parents=True)
    program.write_text(script)
    program.chmod(0o755)
    return start_up.Starts(context)


def test_a_start_ends_with_the_first_good_answer(context: Context) -> None:
    starts = pretend(context, PRETENDS.format(python=sys.executable))
    for _ in range(2):
        assert 0.2 < starts.once(Path("gateway.yaml")) < 20


def test_a_program_that_ends_before_it_is_ready_is_an_error_with_its_last_words(context: Context) -> None:
    starts = pretend(context, "#!/bin/sh\necho 'no such file' >&2\nexit 1\n")
    with pytest.raises(BenchError, match=r"did not become ready with gateway.yaml: no such file"):
        starts.once(Path("gateway.yaml"))
