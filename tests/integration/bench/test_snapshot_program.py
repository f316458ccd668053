"""bench/snapshot itself, and the runner's side of it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from bench.runner import agent_files, snapshot_program
from bench.runner.context import QUICK, REPOSITORY, Context
from bench.runner.errors import BenchError
from bench.runner.report import Report

PROGRAM = REPOSITORY / "build" / os.environ.get("AGW_PRESET", "asan") / "bench" / "snapshot" / "snapshot_bench"


def snapshot_bench(*words: str) -> subprocess.CompletedProcess[str]:
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built")
    environment = {**os.environ, **agent_files.URLS_OF_NOBODY}
    return subprocess.run([str(PROGRAM), *words], env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_every_configuration_is_measured(tmp_path: Path) -> None:
    one, three = tmp_path / "one.yaml", REPOSITORY / "config" / "gateway.yaml"
    one.write_text(agent_files.HEAD + "agents:\n" + agent_files.PLAIN_AGENT.format(name="alone", version=1))
    done = snapshot_bench(str(one), str(three))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["configurations"]
    assert [configuration["agents"] for configuration in found] == [1, 3]
    assert all(min(one["load_ms"], one["take_ns"], one["find_ns"]) > 0 for one in found)


@pytest.mark.parametrize(
    ("text", "code", "why"),
    [
        (None, 2, "write: snapshot_bench FILE"),
        ("agents: [", 1, "one.yaml:"),
        ("upstreams: {u: {base_url: 'http://127.0.0.1:9/v1', models: [m]}}\n", 1, "has no agent"),
    ],
)
def test_what_cannot_be_measured_is_refused(tmp_path: Path, text: str | None, code: int, why: str) -> None:
    file = tmp_path / "one.yaml"
    if text is not None:
        file.write_text(text)
    done = snapshot_bench(*([str(file)] if text is not None else []))
    assert done.returncode == code
    assert why in done.stderr


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path, "none", QUICK, quick=True)


def pretend(context: Context, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = context.directory / "snapshot_bench"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(snapshot_program, "_program", lambda _: program)


def test_a_program_that_is_missing_or_fails_is_an_error(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchError, match="was it built"):
        snapshot_program.report_snapshot(context, Report("reload"), [Path("a.yaml")])
    pretend(context, monkeypatch, "echo 'a.yaml has no agent' >&2; exit 1")
    with pytest.raises(BenchError, match="snapshot_bench exited with 1: a.yaml has no agent"):
        snapshot_program.report_snapshot(context, Report("reload"), [Path("a.yaml")])


def test_configurations_become_figures_by_their_number_of_agents(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [{"agents": agents, "load_ms": agents / 10, "take_ns": 9.0, "find_ns": 8.0} for agents in (3, 1000)]
    pretend(context, monkeypatch, f"echo '{json.dumps({'configurations': answers})}'")
    made = Report("reload")
    snapshot_program.report_snapshot(context, made, [Path("few.yaml"), Path("many.yaml")])
    figures = {figure.key: figure for figure in made.figures}
    assert figures["reload.load_alone.1000"].value.median == 100
    assert figures["reload.take.3"].value.rounds == QUICK.rounds
    assert figures["reload.find.1000"].what == "it finds its model in it, 1,000 agents"
