"""Aborts: the upstream that notes when the other side leaves, and the delays that come of it. Idle streams: the worst."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.runner import hang_ups, idle, noting_upstream, stats
from bench.runner.errors import BenchError
from bench.runner.report import Report

WAIT = 10.0  # seconds at most


@pytest.fixture
def address(tmp_path: Path) -> Path:
    return tmp_path / "up.sock"


@pytest.fixture
def notes(address: Path) -> Iterator[noting_upstream.Notes]:
    with noting_upstream.run(address, "abort") as found:
        yield found


def request(model: str, text: str) -> bytes:
    body = f'{{"model":"demo/{model}","messages":[{{"role":"user","content":"{text}"}}]}}'.encode()
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def connect(address: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(WAIT)
    client.connect(str(address))
    return client


def event_of(client: socket.socket) -> bytes:
    """The beginning of the answer, up to the end of its one event."""
    answer = b""
    while not answer.endswith(b"\n\n\r\n"):
        piece = client.recv(4096)
        assert piece, answer
        answer += piece
    return answer


def wait_for(notes: noting_upstream.Notes, *names: str) -> dict[str, float]:
    deadline = time.monotonic() + WAIT
    while not set(names) <= (found := notes.left()).keys():
        assert time.monotonic() < deadline, f"only {sorted(found)} were noted"
        time.sleep(0.01)
    return found


def test_it_notes_when_a_request_without_an_answer_is_left(address: Path, notes: noting_upstream.Notes) -> None:
    with connect(address) as client:
        whole = request(noting_upstream.SILENT, "abort-17 is who asks.")
        client.sendall(whole[:40])
        client.sendall(whole[40:])
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert notes.left() == {}
        before = time.time()
    assert before <= wait_for(notes, "abort-17")["abort-17"] <= time.time()
    notes.forget()
    assert notes.left() == {}


def test_it_streams_one_event_and_is_silent(address: Path, notes: noting_upstream.Notes) -> None:
    with connect(address) as client:
        client.sendall(request(noting_upstream.STREAMS, "abort-3 is who asks."))
        answer = event_of(client)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.count(b"data:") == 1
    assert list(wait_for(notes, "abort-3")) == ["abort-3"]


def test_a_request_that_never_was_whole_is_not_noted(address: Path, notes: noting_upstream.Notes) -> None:
    with connect(address) as half:
        half.sendall(request(noting_upstream.SILENT, "abort-1 is who asks.")[:-1])
    with connect(address) as whole:
        whole.sendall(request(noting_upstream.SILENT, "abort-2 is who asks."))
    assert list(wait_for(notes, "abort-2")) == ["abort-2"]


def test_a_request_without_an_id_gets_one_answer_and_no_note(address: Path, notes: noting_upstream.Notes) -> None:
    with connect(address) as client:
        client.sendall(request(noting_upstream.STREAMS, "nobody asks."))
        event_of(client)
        client.sendall(b"more")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
    with connect(address) as other:
        other.sendall(request(noting_upstream.SILENT, "abort-4 is who asks."))
    assert list(wait_for(notes, "abort-4")) == ["abort-4"]


def test_a_request_that_is_too_large_is_cut(address: Path, notes: noting_upstream.Notes) -> None:
    with connect(address) as client:
        with contextlib.suppress(ConnectionError):  # it may be cut before all is sent
            client.sendall(b"x" * (noting_upstream.MAX_REQUEST + 1))
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert notes.left() == {}


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}", b"{}"),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n{}", None),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n", None),
        (b"POST / HTTP/1.1\r\nX: Content-Length: 2\r\n\r\n{}", None),
    ],
)
def test_a_body_is_whole_or_not(text: bytes, body: bytes | None) -> None:
    assert noting_upstream.whole_body(text) == body


# ---- Delays --------------------------------------------------------------------------------------


def test_delays_wait_until_all_are_seen() -> None:
    closed = {"abort-1": 100.0, "abort-2": 200.0}
    answers = iter([{"abort-1": 100.002}, {"abort-1": 100.002, "abort-2": 200.0005, "abort-3": 1.0}])
    assert hang_ups.delays("x", closed, lambda: next(answers)) == pytest.approx([2.0, 0.5], abs=1e-3)


def test_a_request_that_is_never_seen_to_leave_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hang_ups, "SEEN_WAIT", 0.2)
    with pytest.raises(BenchError, match="abort, x: 1 of 2 were never seen, e.g. abort-2"):
        hang_ups.delays("x", {"abort-1": 1.0, "abort-2": 2.0}, lambda: {"abort-1": 1.5})


def test_a_request_that_has_ended_before_its_client_left_is_an_error() -> None:
    with pytest.raises(BenchError, match="abort, x: 1 of 2 had ended before the client left, e.g. abort-2"):
        hang_ups.delays("x", {"abort-1": 1.0, "abort-2": 2.0}, lambda: {"abort-1": 1.5, "abort-2": 1.999})


def test_a_phase_has_its_percentiles_round_by_round() -> None:
    report = Report("abort")
    rounds = [[float(i) for i in range(1, 101)], [float(2 * i) for i in range(1, 101)]]
    assert hang_ups.add(report, "abort.x", "what", rounds) == [99, 198]
    assert [(figure.key, figure.value) for figure in report.figures] == [
        ("abort.x.p50", stats.Spread(75, 50, 100, 2)),
        ("abort.x.p99", stats.Spread(148.5, 99, 198, 2)),
    ]


# ---- Idle streams --------------------------------------------------------------------------------


def test_the_worst_of_idle_streams_is_taken_by_part_and_kind() -> None:
    report = Report("idle")
    for key, value in {
        "idle.edge.500.plain": 20, "idle.edge.2000.plain": 21, "idle.edge.500.tls": 40, "idle.edge.2000.tls": 39,
        "idle.executor.500.plain": 99, "idle.stream.500.plain": 43, "idle.stream.2000.plain": 42,
        "idle.edge_rss": 999,
    }.items():  # fmt: skip
        report.add(key, stats.spread([float(value)]))
    assert idle.worst(report, "edge", "plain") == 21
    assert idle.worst(report, "edge", "tls") == 40
    assert idle.worst(report, "stream", "plain") == 43
