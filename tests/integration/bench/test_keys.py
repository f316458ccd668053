"""The parts of `keys` and of the limited edge that judge, and bench/keys itself, with few keys."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from bench.runner import edge_nginx, edge_status, keys, keys_program, load, stats
from bench.runner.context import QUICK, REPOSITORY, Context
from bench.runner.errors import BenchError
from bench.runner.report import Report


def exchange(began: float, took: float) -> load.Exchange:
    return load.Exchange(began, took)


def a_load(begin: float, end: float) -> keys.Load:
    return keys.Load(begin, end, live_after=end - begin + 0.4)


def test_a_request_counts_for_a_load_that_it_overlaps_at_all() -> None:
    loads = [a_load(10, 11), a_load(20, 21)]
    found = keys.split(
        [
            exchange(9.9, 0.2),  # goes into the first
            exchange(10.5, 0.1),  # within
            exchange(10.9, 0.3),  # out of it
            exchange(9.0, 3.0),  # all of it
            exchange(20.0, 0.4),
            exchange(15.0, 0.5),  # between them
            exchange(8.0, 0.6),
        ],
        loads,
        guard=0.05,
    )
    assert found.during == [0.2, 0.1, 0.3, 3.0, 0.4]
    assert found.at_rest == [0.5, 0.6]


def test_a_request_close_to_a_load_counts_for_neither() -> None:
    found = keys.split([exchange(11.01, 0.01), exchange(9.9, 0.06), exchange(11.06, 0.01)], [a_load(10, 11)], guard=0.05)
    assert found.during == []
    assert found.at_rest == [0.01]


def test_the_lines_of_agent_load_are_read() -> None:
    first, second = load.read_exchanges("1753000000.250000000 123.5\n1753000001.000000000 40.0\n")
    assert first.began == 1753000000.25
    assert first.took == pytest.approx(123.5e-6)
    assert second.ended == pytest.approx(1753000001.00004)


@pytest.mark.parametrize(
    ("count", "part", "value"), [(100, 0.99, 99), (100, 0.5, 50), (10, 0.99, 10), (1, 0.5, 1), (1000, 0.99, 990)]
)
def test_a_percentile_is_not_exceeded_by_so_many(count: int, part: float, value: float) -> None:
    assert stats.percentile(range(count, 0, -1), part) == value


def test_a_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(BenchError, match="nothing was measured"):
        stats.percentile([], 0.99)


def test_p99s_of_too_few_requests_are_refused() -> None:
    enough, few = keys.Split([0.001] * 200, [0.002] * 200), keys.Split([0.001] * 99, [0.002] * 200)
    during, at_rest = keys._p99s([enough, enough])
    assert during == pytest.approx([1, 1])
    assert at_rest == pytest.approx([2, 2])
    with pytest.raises(BenchError, match="a round has 99 requests"):
        keys._p99s([enough, few])


# ---- The edge of a bench -------------------------------------------------------------------------

STATUS = """{"agent_gateway_edge_slots":3,
"agent_gateway_edge_limited_total":[{"labels":{"per":"key","limit":"requests"},"value":2},
{"labels":{"per":"user","limit":"tokens"},"value":5}],
"key_file_problem":null}
"""


def test_the_status_is_read_with_families_added_up() -> None:
    assert edge_status.parse(STATUS) == {"slots": 3, "limited_total": 7, "key_file_problem": None}


AT_REST = dict.fromkeys((*edge_status.AT_REST, *edge_status.NEVER), 0) | {"limit_states": 3}


@pytest.mark.parametrize(
    ("differs", "why"),
    [
        ({"slots": 1}, "slots"),
        ({"reserved_tokens": 512}, "reserved_tokens"),
        ({"open_chats": 1}, "open_chats"),
        ({"limited_total": 1}, "limited_total"),
        ({"limits_full_total": 1}, "limits_full_total"),
        ({"limit_states": 0}, "of 0 parties, not of 3"),
    ],
)
def test_an_edge_that_is_not_at_rest_fails_the_bench(
    differs: dict[str, int], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_status, "REST_WAIT", 0.1)
    monkeypatch.setattr(edge_status.EdgeStatus, "read", lambda self: AT_REST | differs)
    with pytest.raises(BenchError, match=why):
        edge_status.check_at_rest(1, limited=3)


def test_an_edge_may_take_a_moment_to_come_to_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([AT_REST | {"slots": 2}, AT_REST | {"slots": 1}, AT_REST])
    monkeypatch.setattr(edge_status.EdgeStatus, "read", lambda self: next(answers))
    edge_status.check_at_rest(1, limited=3)
    assert next(answers, None) is None


SAMPLE = (REPOSITORY / "conf" / "nginx.conf").read_text()


def directives(conf: str, name: str) -> list[str]:
    return [part.strip() for line in conf.splitlines() for part in line.split(";") if part.strip().startswith(f"{name} ")]


def test_the_sample_limits_nothing_by_itself_in_a_bench() -> None:
    assert directives(edge_nginx._with_limits(SAMPLE, False), "agent_limit") == []
    limited = directives(edge_nginx._with_limits(SAMPLE, True), "agent_limit")
    assert [line.split()[1] for line in limited] == ["per=user", "per=agent"]
    for line in limited:
        assert {word.split("=")[0] for word in line.split()[2:]} == {"requests", "tokens", "streams"}


def test_a_key_line_gets_the_limits_of_the_bench_in_the_place_of_its_own() -> None:
    line = "dev sha256:00 allow=* requests=60/m burst=5 scopes=chat tokens=1k/m streams=2"
    assert edge_nginx._with_own_limits(line, False) == "dev sha256:00 allow=* scopes=chat"
    limited = edge_nginx._with_own_limits(line, True)
    assert limited.startswith("dev sha256:00 allow=* scopes=chat requests=")
    assert limited.count("tokens=") == limited.count("streams=") == 1


def test_a_file_that_takes_the_place_of_the_keys_keeps_the_edges_own(tmp_path: Path) -> None:
    live, others = tmp_path / "api_keys", tmp_path / "others"
    live.write_text("old\n")
    others.write_text("a\nb\n")
    before = live.stat().st_ino
    edge_nginx.replace_keys(live, others, "own\n")
    assert live.read_text() == "a\nb\nown\n"
    assert live.stat().st_ino != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["api_keys", "others"]


# ---- bench/keys ----------------------------------------------------------------------------------

PROGRAM = REPOSITORY / "build" / os.environ.get("AGW_PRESET", "asan") / "bench" / "keys" / "keys_bench"


def keys_bench(*words: str) -> subprocess.CompletedProcess[str]:
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built")
    return subprocess.run([str(PROGRAM), *words], capture_output=True, text=True, timeout=120, check=False)


def test_made_lines_are_the_same_for_the_same_seed_alone() -> None:
    first, again, other = (keys_bench("lines", "50", seed).stdout for seed in ("1", "1", "2"))
    assert first == again != other
    lines = [line.split() for line in first.splitlines()]
    assert len(lines) == 50
    assert len({line[0] for line in lines}) == len({line[1] for line in lines}) == 50
    assert all(len(line[0]) <= 19 and len(line[1]) == len("sha256:") + 2 * hashlib.sha256().digest_size for line in lines)
    assert 1 < len({" ".join(line[2:]) for line in lines}) <= 5


def test_tables_are_measured_and_take_what_their_slots_do() -> None:
    done = keys_bench("tables", "10", "1000")
    assert done.returncode == 0, done.stderr
    small, large = json.loads(done.stdout)["tables"]
    assert (small["keys"], large["keys"]) == (10, 1000)
    # 4/3 slots of 64 bytes, the ids within them, and the five plans.
    assert 64 * 4 / 3 < large["bytes_per_key"] < 90
    for table in (small, large):
        assert min(table[name] for name in ("build_ms", "fill_ms", "hit_ns", "miss_ns")) > 0


def test_decisions_are_measured_alone_and_side_by_side() -> None:
    done = keys_bench("decisions")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["processes"] == 4
    assert min(found["alone_ns"], found["contended_cpu_ns"], found["contended_per_second"]) > 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "write: tables KEYS"),
        (("tables",), "write: tables KEYS"),
        (("tables", "0"), "'0' is not a number from 1 to 16000000"),
        (("tables", "16000001"), "is not a number"),
        (("lines", "10", "x"), "'x' is not a number"),
        (("decisions", "now"), "write: tables KEYS"),
    ],
)
def test_a_wrong_command_line_is_refused(words: tuple[str, ...], why: str) -> None:
    done = keys_bench(*words)
    assert done.returncode == 2
    assert why in done.stderr


# ---- The runner's side of it ---------------------------------------------------------------------


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path, "none", QUICK, quick=True)


def pretend(context: Context, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = context.directory / "keys_bench"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(keys_program, "_program", lambda _: program)


def test_a_program_that_is_missing_or_fails_is_an_error(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchError, match="was it built"):
        keys_program.report_decisions(context, Report("keys"))
    pretend(context, monkeypatch, "echo 'not at rest' >&2; exit 1")
    with pytest.raises(BenchError, match="keys_bench decisions exited with 1: not at rest"):
        keys_program.report_decisions(context, Report("keys"))


def test_tables_become_figures_of_every_size(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [
        {"keys": size, "bytes_per_key": 85.0, "build_ms": 2.0, "fill_ms": 1.0, "hit_ns": 40.0 + size / 1e4, "miss_ns": 50.0}
        for size in keys_program.SIZES
    ]
    pretend(context, monkeypatch, f"echo '{json.dumps({'tables': tables})}'")
    made = Report("keys")
    keys_program.report_tables(context, made)
    figures = {figure.key: figure for figure in made.figures}
    assert figures["keys.bytes_per_key"].value.median == 85
    assert figures["keys.lookup_1m"].value.median == 140
    assert figures["keys.lookup.1000"].what == "lookup of a key, 1,000 keys"
    assert figures["keys.parse.100000"].value.median == 3
    assert figures["keys.lookup_flat"].value.median == pytest.approx(140 / 41)
    assert figures["keys.bytes_per_key"].value.rounds == QUICK.rounds


def test_decisions_become_microseconds(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"alone_ns": 500.0, "processes": 4, "contended_cpu_ns": 900.0, "contended_per_second": 2e6}
    pretend(context, monkeypatch, f"echo '{json.dumps(answer)}'")
    made = Report("keys")
    keys_program.report_decisions(context, made)
    assert [(figure.key, figure.value.median) for figure in made.figures] == [
        ("keys.decision", 0.5),
        ("keys.decision_contended", 0.9),
        ("keys.decisions_per_second", 2e6),
    ]
