"""`hops`: what one more round of model and tool costs beyond the time of the two themselves."""

from . import bodies, cpu, load, whole_stack
from .context import Context
from .report import Report
from .stats import paired, spread

MORE = 4  # hops-5 has so many more than hops-1


def run(context: Context) -> Report:
    report = Report("hops")
    total = context.count(600, 200)
    report.conditions.update(runs=total, rounds=context.effort.rounds)
    with whole_stack.run(context) as stack:

        def measure(endpoint: load.Endpoint, model: str, name: str) -> tuple[float, float]:
            """p50 of the latency in µs, and CPU of edge and executor per request."""
            body = whole_stack.body(context, name, bodies.chat(1024, model))
            before = cpu.seconds(stack.our_pids)
            answer = load.run(
                context, "requests", endpoint, body, "--connections", "1", "--requests", str(total), "--warmup", "20"
            )
            return answer["latency_us"]["p50"], (cpu.seconds(stack.our_pids) - before) / (total + 20) * 1e6

        one, five, model_alone, tool_alone = [], [], [], []
        for number in range(context.effort.rounds + 1):
            values = (
                measure(stack.ours, "default/hops-1", "hops-1"),
                measure(stack.ours, "default/hops-5", "hops-5"),
                measure(stack.direct, "whole", "model"),
                measure(load.Endpoint(stack.tool_url), "whole", "tool"),
            )
            if number:  # the first warms up
                for found, value in zip((one, five, model_alone, tool_alone), values, strict=True):
                    found.append(value)
        hop = [(b[0] - a[0]) / MORE for a, b in zip(one, five, strict=True)]
        outside = [m[0] + t[0] for m, t in zip(model_alone, tool_alone, strict=True)]
        report.add("hops.added", paired(hop, outside, "difference"), "one more hop, beyond model and tool, p50", "µs")
        report.add("hops.hop", spread(hop), "one more hop, all in all, p50", "µs")
        report.add("hops.model", spread(m[0] for m in model_alone), "the model server alone, p50", "µs")
        report.add("hops.tool", spread(t[0] for t in tool_alone), "the tool alone, p50", "µs")
        used = spread((b[1] - a[1]) / MORE for a, b in zip(one, five, strict=True))
        report.add("hops.cpu", used, "CPU of edge and executor for one more hop", "µs")
        report.add("hops.run_one", spread(a[0] for a in one), "a run with one tool call, p50", "µs")
    return report
