"""How figures are judged, shown and kept."""

import json
from pathlib import Path

import pytest

from bench.runner import bodies, cli, peers, report, stats
from bench.runner.errors import BenchError


def a_report(value: float, key: str = "edge.cpu_ratio.1k") -> report.Report:
    made = report.Report("edge")
    made.add(key, stats.spread([value - 0.1, value, value + 0.1]))
    made.add("edge.rps", stats.spread([1234.5]), "requests per second", "/s")
    return made


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cli, "RESULTS", tmp_path)
    monkeypatch.setattr(cli.context, "REPOSITORY", tmp_path)
    return tmp_path


def check(monkeypatch: pytest.MonkeyPatch, value: float, *arguments: str) -> int:
    monkeypatch.setattr(cli, "_run_one", lambda name, options: a_report(value))
    return cli.main(["edge", *arguments])


def test_a_missed_ship_figure_exits_1_and_says_by_how_much(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(monkeypatch, 1.5, "--check") == 1
    assert "edge.cpu_ratio.1k: 1.50 × is above 1.25, 20 % over" in capsys.readouterr().out


def test_a_figure_within_its_bound_exits_0(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(monkeypatch, 1.25, "--check") == 0


def test_aim_is_stricter_than_ship(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(monkeypatch, 1.2, "--check") == 0
    assert check(monkeypatch, 1.2, "--check=aim") == 1


def test_a_quick_check_has_bounds_of_its_own(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(monkeypatch, 1.5, "--check", "--quick") == 0
    assert check(monkeypatch, 1.7, "--check", "--quick") == 1


def test_without_check_nothing_is_judged(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(monkeypatch, 99) == 0


def test_an_unknown_bench_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["speed"]) == 2
    assert "no bench 'speed'" in capsys.readouterr().err


def test_the_result_is_kept_as_json(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(monkeypatch, 1.2)
    kept = json.loads((results / "edge.json").read_text())
    assert kept["bench"] == "edge"
    assert kept["figures"][0] == {
        "key": "edge.cpu_ratio.1k",
        "what": "edge CPU per request ÷ plain proxy_pass, 1 KB body",
        "unit": "×",
        "median": 1.2,
        "min": pytest.approx(1.1),
        "max": pytest.approx(1.3),
        "rounds": 3,
        "ship": 1.25,
        "aim": 1.1,
    }
    assert {"cpu", "cores", "memory_mib", "kernel"} == set(kept["machine"])


def test_rounds_are_compared_pair_by_pair() -> None:
    # The machine became twice as slow in between: the ratio does not care.
    assert stats.paired([12.0, 24.0], [10.0, 20.0]).median == pytest.approx(1.2)
    assert stats.paired([12.0, 24.0], [10.0, 20.0], "difference").median == 3.0
    with pytest.raises(BenchError):
        stats.paired([1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.0123, "0.012"), (1.2345, "1.23"), (12.345, "12.3"), (123.4, "123"), (12345, "12,345")]
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert report.number(value) == text


def test_the_peers_table_has_a_row_each() -> None:
    made = report.Report("peers", pivot=True)
    made.add("peers.direct.rate", stats.spread([9.0]), "requests/s", "/s")
    made.add("peers.ours.rate", stats.spread([5.0]), "requests/s", "/s")
    made.add("peers.ours.request_cpu", stats.spread([80.0]), "CPU per request", "µs")
    assert report.table(made).splitlines()[2:] == [
        "| | requests/s, /s | CPU per request, µs |",
        "|---|--:|--:|",
        "| direct | 9.00 |  |",
        "| ours | 5.00 | 80.0 |",
    ]


@pytest.mark.parametrize("size", [1024, 16 * 1024, 400 * 1024])
def test_a_body_has_its_size_and_looks_like_a_conversation(size: int) -> None:
    body = bodies.chat(size, "demo/demo", stream=True)
    request = json.loads(body)
    assert abs(len(body) - size) <= 0.1 * size
    assert request["model"] == "demo/demo"
    assert request["stream"] is True
    assert request["messages"][-1]["role"] == "user"
    assert bodies.chat(size, "demo/demo", stream=True) == body


def peers_of(*arguments: str) -> list[peers.Peer]:
    return peers.parse(cli._parser().parse_args(["peers", *arguments]))


def test_a_peer_is_put_together_from_its_options() -> None:
    (peer,) = peers_of("--peer", "other=http://127.0.0.1:1/v1/", "--peer-header", "other=X-A: b", "--peer-pid", "other=1")
    assert (peer.url, peer.headers, peer.pids) == ("http://127.0.0.1:1/v1", ["X-A: b"], [1])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--peer", "http"), "--peer wants NAME=VALUE, not 'http'"),
        (("--peer-header", "other=X-A: b"), "there is no --peer other=URL"),
        (("--peer", "a=http://h/v1", "--peer-pid", "a=999999999"), "there is no such process"),
    ],
)
def test_a_wrong_peer_option_is_refused_before_anything_runs(
    arguments: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["peers", *arguments]) == 2
    assert why in capsys.readouterr().err
