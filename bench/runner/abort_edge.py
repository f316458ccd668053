"""The part of `abort` that is the edge's alone: from the client's leaving to the moment at which the executor sees it."""

from . import edge_nginx, edge_status, hang_ups, load, nginx, noting_upstream
from .context import Context
from .edge_nginx import Setup
from .report import Report
from .stats import spread

PATH = "/v1/chat/completions"
PHASES = (
    ("before", noting_upstream.SILENT, "sent", 60, "before the first byte"),
    ("stream", noting_upstream.STREAMS, "event", 90, "in a silent stream"),
)

Delays = dict[str, list[list[float]]]  # by phase, in ms, round by round


def _round(context: Context, notes: noting_upstream.Notes, name: str, endpoint: load.Endpoint, found: Delays) -> None:
    for key, model, phase, after_ms, what in PHASES:
        notes.forget()
        closed = hang_ups.break_off(context, endpoint, f"demo/{model}", phase, after_ms)
        found[key].append(hang_ups.delays(f"{name}, {what}", closed, notes.left))


def _report(report: Report, prefix: str, name: str, found: Delays) -> list[float]:
    """Returns the worse p99 of each round."""
    p99s = [
        hang_ups.add(report, f"{prefix}.{key}", f"{name}: client gone {what} → the executor sees it", found[key])
        for key, *_, what in PHASES
    ]
    return [max(one) for one in zip(*p99s, strict=True)]


def report_edge(context: Context, report: Report) -> None:
    """Nothing is sent when the client leaves: the edge must notice it by itself. Beside it, in turn, a plain proxy."""
    folder = context.directory / "edge-alone"
    folder.mkdir()
    socket, plain_port = folder / "up.sock", nginx.free_port()
    ours: Delays = {phase[0]: [] for phase in PHASES}
    others: Delays = {phase[0]: [] for phase in PHASES}
    with (
        noting_upstream.run(socket, hang_ups.PREFIX) as notes,
        nginx.run(folder / "plain", nginx.plain_proxy(f"unix:{socket}", plain_port), plain_port) as plain,
        edge_nginx.run(context, folder / "edge", socket, Setup()) as edge,
    ):
        through_edge = load.Endpoint(f"http://127.0.0.1:{edge.nginx.port}{PATH}", (f"Authorization: Bearer {edge.key}",))
        through_plain = load.Endpoint(f"http://127.0.0.1:{plain.port}{PATH}")
        turns = [("edge alone", through_edge, ours), ("plain nginx", through_plain, others)]
        for _ in range(context.effort.rounds):
            for name, endpoint, found in turns:
                _round(context, notes, name, endpoint, found)
            turns.reverse()  # so that none always runs after the other
        # Each phase has an agent of its own.
        edge_status.check_at_rest(edge.nginx.port, len(edge_nginx.LIMITED) + len(PHASES) - 1)
    worst = _report(report, "abort.edge", "edge alone", ours)
    worst_plain = _report(report, "abort.plain", "plain nginx", others)
    report.add("abort.edge_p99", spread(worst))
    report.add("abort.plain_p99", spread(worst_plain), "the same through a plain nginx", "ms")
