"""The flood: its timetable, what is refused as a figure, and the order in which targets take turns."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.runner import closed_loop, edge_nginx, flood, nginx, wrk
from bench.runner.closed_loop import Measured, Target
from bench.runner.context import REPOSITORY
from bench.runner.errors import BenchError

URL = "http://127.0.0.1:1/"


def result(requests: int, duration_us: int = 1_000_000, bad_status: int = 0) -> wrk.Result:
    return wrk.Result(requests, duration_us, 100.0, 200.0, bad_status, 0)


def test_a_flood_that_is_too_slow_is_no_flood() -> None:
    wrk.check_rate(result(19_100), 20_000, URL)
    with pytest.raises(BenchError, match="reached 18,900 requests/s, not 20,000"):
        wrk.check_rate(result(18_900), 20_000, URL)


def summary(requests: int, bad_status: int, socket_errors: int = 0) -> str:
    return (
        f'Running…\n{{"requests":{requests},"duration_us":1000000,"p50_us":1.0,"p99_us":2.0,"bad_status":{bad_status},'
        f'"socket_errors":{socket_errors}}}\n'
    )


def test_every_answer_of_a_flood_is_a_refusal() -> None:
    assert wrk._judge(0, summary(10, 10), "", URL, expect_errors=True).requests == 10
    with pytest.raises(BenchError, match="1 of 10 answers have an unexpected status"):
        wrk._judge(0, summary(10, 9), "", URL, expect_errors=True)


@pytest.mark.parametrize(
    ("code", "out", "why"),
    [
        (1, "", "wrk failed"),
        (0, "no summary", "wrk failed"),
        (0, summary(10, 0, socket_errors=2), "10 requests, 2 socket errors"),
        (0, summary(0, 0), "0 requests"),
        (0, summary(10, 3), "3 of 10 answers"),
    ],
)
def test_a_run_of_wrk_that_failed_is_an_error(code: int, out: str, why: str) -> None:
    with pytest.raises(BenchError, match=why):
        wrk._judge(code, out, "", URL, expect_errors=False)


# ---- A real flood, small and slow ----------------------------------------------------------------

SMALL = 500  # requests per second
REFUSES = """\
    server {{
        listen 127.0.0.1:{port};
        location /ok {{ return 200 "fine"; }}
        location / {{ return 401 "no"; }}
    }}
"""


@pytest.fixture
def refusing(tmp_path: Path) -> Iterator[str]:
    if not shutil.which("wrk") or not shutil.which("nginx"):
        pytest.skip("wrk or nginx is not installed: ./dev bench installs both")
    port = nginx.free_port()
    with nginx.run(tmp_path / "nginx", REFUSES.format(port=port), port, workers=1):
        yield f"http://127.0.0.1:{port}"


def small_script(folder: Path) -> tuple[Path, Path]:
    body, announce = folder / "body", folder / "begun"
    body.write_bytes(b"{}")
    return wrk.write_script(folder / "flood.lua", body, {}, wrk.FLOOD + wrk.timetable(SMALL, announce)), announce


def test_a_flood_keeps_its_rate_and_ends_when_told(refusing: str, tmp_path: Path) -> None:
    script, announce = small_script(tmp_path)
    begin = time.monotonic()
    with wrk.flood(f"{refusing}/", script, announce, SMALL) as running:
        assert announce.exists()
        time.sleep(1)  # how long it is measured
        found = running.stop()
    assert time.monotonic() - begin < 20
    assert found.bad_status == found.requests
    assert found.per_second == pytest.approx(SMALL, rel=0.05)


def test_a_flood_of_answers_that_are_no_refusals_is_an_error(refusing: str, tmp_path: Path) -> None:
    script, announce = small_script(tmp_path)
    with wrk.flood(f"{refusing}/ok", script, announce, SMALL) as running, pytest.raises(BenchError, match="unexpected status"):
        running.stop()


def test_a_flood_on_nobody_is_an_error(refusing: str, tmp_path: Path) -> None:
    script, announce = small_script(tmp_path)
    with pytest.raises(BenchError, match="wrk failed"), wrk.flood(URL, script, announce, SMALL):
        pytest.fail("it has begun")


def test_a_flood_that_has_ended_early_is_an_error() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ended.communicate(timeout=20)
    with pytest.raises(BenchError, match="ended before it was told to"):
        wrk.Flood(ended, URL, SMALL).stop()


# ---- What the edges say --------------------------------------------------------------------------


def says(failures: int, limited: int) -> dict[str, Any]:
    return {"auth_failures_total": failures, "auth_limited_total": limited}


def test_the_sample_limits_nearly_all_and_the_other_edge_none() -> None:
    flood.check_refusals(says(100_000, 99_700), says(100_000, 0))


@pytest.mark.parametrize(
    ("sample", "unguarded", "why"),
    [
        (says(1000, 900), says(1000, 0), "limited 900 of 1,000 wrong keys, not nearly all"),
        (says(0, 0), says(1000, 0), "limited 0 of 0"),
        (says(1000, 1000), says(1000, 1), "limited 1 wrong keys, not none"),
        (says(1000, 1000), says(0, 0), "limited 0 wrong keys"),
    ],
)
def test_edges_that_did_something_else_fail_the_bench(sample: dict[str, Any], unguarded: dict[str, Any], why: str) -> None:
    with pytest.raises(BenchError, match=why):
        flood.check_refusals(sample, unguarded)


def test_the_sample_has_one_line_of_agent_auth_limit_to_replace() -> None:
    sample = (REPOSITORY / "conf" / "nginx.conf").read_text()
    changed = edge_nginx._replace_line(sample, "agent_auth_limit ", "    agent_auth_limit off;")
    assert [line.strip() for line in changed.splitlines() if line.strip().startswith("agent_auth_limit")] == [
        "agent_auth_limit off;"
    ]


# ---- Turns ---------------------------------------------------------------------------------------


def test_targets_take_turns_in_a_changing_order_and_the_first_round_warms_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def measure(target: Target, seconds: float) -> Measured:
        asked.append(target.url)
        return Measured(float(len(asked)), result(1))

    monkeypatch.setattr(closed_loop, "measure", measure)
    found = closed_loop.rounds({name: Target(name, Path("none"), []) for name in ("a", "b")}, 2)
    assert asked == ["a", "b", "b", "a", "a", "b"]
    assert closed_loop.cpu_of(found["a"]) == [4, 5]
    assert closed_loop.cpu_of(found["b"]) == [3, 6]
