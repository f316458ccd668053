"""`abort`: how long after a client has left the work for it ends: at the model server, or at the tool that runs."""

import json
import time
import urllib.request
from typing import Any

from . import bodies, load, whole_stack
from .context import Context
from .errors import BenchError
from .report import Report
from .stats import percentile, spread
from .whole_stack import WholeStack

COUNT = 240  # a phase
CONNECTIONS = 8  # in flight: aborts come side by side, not in a herd
SEEN_WAIT = 20.0  # seconds until the last must be on record


def _ask(url: str, method: str = "GET") -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=60) as answer:
        text = answer.read()
        return json.loads(text) if text.strip() else None


def _last_text(record: dict[str, Any]) -> str:
    return json.dumps(record.get("body")) if record.get("body") is not None else str(record.get("body_text", ""))


def _ends_at_model(stack: WholeStack) -> dict[str, float]:
    """Moment at which the model server saw the other side leave, by the id in the request's text."""
    found = {}
    for record in _ask(stack.urls["LLM_URL"] + "/_requests"):
        text = _last_text(record)
        if record["status"] == "peer_closed" and "abort-" in text:
            number = text.split("abort-", 1)[1].split(" ", 1)[0]
            found[f"abort-{number}"] = float(record["ended"])
    return found


def _ends_at_tool(stack: WholeStack) -> dict[str, float]:
    found = {}
    for call in _ask(stack.urls["HTTP_URL"] + "/_calls"):
        if call["path"] == "/slow" and call["status"] == "peer_closed":
            found[call["query"]["id"]] = float(call["ended"])
    return found


def _phase(context: Context, stack: WholeStack, model: str, phase: str, after_ms: int) -> list[float]:
    """Delays in ms of every abort of one phase."""
    _ask(stack.urls["LLM_URL"] + "/_requests", "DELETE")
    _ask(stack.urls["HTTP_URL"] + "/_calls", "DELETE")
    request = json.loads(bodies.chat(1024, model, True))
    request["messages"][-1]["content"] = "{{id}} is who asks."
    body = whole_stack.body(context, f"abort-{model.replace('/', '-')}", json.dumps(request).encode())
    count = context.count(COUNT, 60)
    options = ("--count", str(count), "--phase", phase, "--after-ms", str(after_ms), "--connections", str(CONNECTIONS))
    answer = load.run(context, "abort", stack.ours, body, *options, "--id-prefix", "abort")
    closed = {abort["id"]: float(abort["closed"]) for abort in answer["aborts"]}
    ends = _ends_at_tool if "tool" in model else _ends_at_model
    deadline = time.monotonic() + SEEN_WAIT
    while len(seen := ends(stack)) < len(closed) and time.monotonic() < deadline:
        time.sleep(0.1)
    missing = [name for name in closed if name not in seen]
    if missing:
        raise BenchError(f"abort, {model}: {len(missing)} of {len(closed)} were never seen, e.g. {missing[0]}")
    return [(seen[name] - moment) * 1e3 for name, moment in closed.items()]


PHASES = (
    ("before", "bench/silent", "sent", 60, "before the first token"),
    ("stream", "bench/ticking", "event", 90, "in the stream"),
    ("tool", "default/slow-tool", "sent", 150, "in a tool"),
)


def run(context: Context) -> Report:
    report = Report("abort")
    report.conditions.update(aborts_per_phase=context.count(COUNT, 60), connections=CONNECTIONS)
    worst = 0.0
    with whole_stack.run(context) as stack:
        for name, model, phase, after_ms, what in PHASES:
            delays = _phase(context, stack, model, phase, after_ms)
            for part in (0.5, 0.99):
                value = percentile(delays, part)
                label = f"p{part * 100:.0f}"
                report.add(f"abort.{name}.{label}", spread([value]), f"client gone {what} → upstream closed, {label}", "ms")
                worst = max(worst, value)
    report.add("abort.p99", spread([worst]), "worst p99 of the phases")
    return report
