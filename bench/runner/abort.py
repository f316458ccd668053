"""`abort`: how long after a client has left the work for it ends: at the executor, at the model server, or at the tool that
runs."""

import json
import urllib.request
from typing import Any

from . import abort_edge, hang_ups, whole_stack
from .context import Context
from .hang_ups import Moments
from .report import Report
from .stats import spread
from .whole_stack import WholeStack


def _ask(url: str, method: str = "GET") -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=60) as answer:
        text = answer.read()
        return json.loads(text) if text.strip() else None


def _last_text(record: dict[str, Any]) -> str:
    return json.dumps(record.get("body")) if record.get("body") is not None else str(record.get("body_text", ""))


def _ends_at_model(stack: WholeStack) -> Moments:
    """Moment at which the model server saw the other side leave, by the id in the request's text."""
    found = {}
    for record in _ask(stack.urls["LLM_URL"] + "/_requests"):
        text = _last_text(record)
        if record["status"] == "peer_closed" and "abort-" in text:
            number = text.split("abort-", 1)[1].split(" ", 1)[0]
            found[f"abort-{number}"] = float(record["ended"])
    return found


def _ends_at_tool(stack: WholeStack) -> Moments:
    found = {}
    for call in _ask(stack.urls["HTTP_URL"] + "/_calls"):
        if call["path"] == "/slow" and call["status"] == "peer_closed":
            found[call["query"]["id"]] = float(call["ended"])
    return found


def _phase(context: Context, stack: WholeStack, model: str, phase: str, after_ms: int) -> list[float]:
    """Delays in ms of every abort of one phase."""
    _ask(stack.urls["LLM_URL"] + "/_requests", "DELETE")
    _ask(stack.urls["HTTP_URL"] + "/_calls", "DELETE")
    closed = hang_ups.break_off(context, stack.ours, model, phase, after_ms)
    ends = _ends_at_tool if "tool" in model else _ends_at_model
    return hang_ups.delays(model, closed, lambda: ends(stack))


PHASES = (
    ("before", "bench/silent", "sent", 60, "before the first token"),
    ("stream", "bench/ticking", "event", 90, "in the stream"),
    ("tool", "default/slow-tool", "sent", 150, "in a tool"),
)


def run(context: Context) -> Report:
    report = Report("abort")
    report.conditions.update(aborts_per_phase=hang_ups.count(context), connections=hang_ups.CONNECTIONS)
    report.conditions.update(rounds_of_the_edge=context.effort.rounds)
    worst = 0.0
    with whole_stack.run(context) as stack:
        for name, model, phase, after_ms, what in PHASES:
            delays = _phase(context, stack, model, phase, after_ms)
            text = f"client gone {what} → upstream closed"
            worst = max(worst, *hang_ups.add(report, f"abort.{name}", text, [delays]))
    report.add("abort.p99", spread([worst]), "worst p99 of the phases")
    abort_edge.report_edge(context, report)
    return report
