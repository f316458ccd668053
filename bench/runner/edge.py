"""`edge`: what the module costs nginx. An upstream that answers at once, alone, behind a plain proxy and behind our edge."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import bodies, edge_nginx, edge_status, nginx, quick_upstream, wrk
from .closed_loop import CONNECTIONS, SECONDS, Target, cpu_of, rounds
from .context import Context
from .edge_nginx import Edge, Setup
from .report import Report
from .stats import paired, spread

SIZES = {"1k": 1024, "16k": 16 * 1024, "400k": 400 * 1024}
PATH = "/v1/chat/completions"
# What is to be found out about the smallest body is a few percent, less than one round is off: hence more of them.
ROUNDS_FACTOR = {"1k": 4, "16k": 2, "400k": 2}


@dataclass(frozen=True)
class Stage:
    """The servers of the bench, all up at once; one at a time has work."""

    context: Context
    report: Report
    upstream: nginx.Nginx
    plain: nginx.Nginx
    ours: Edge
    unlimited: Edge
    logged: Edge

    def target(
        self, name: str, server: nginx.Nginx, body: Path, key: str, path: str = PATH, request: str = "", refused: bool = False
    ) -> Target:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        script = wrk.write_script(self.context.directory / f"{name}-{body.name}.lua", body, headers, request)
        return Target(f"http://127.0.0.1:{server.port}{path}", script, server.pids, refused)

    def edge_target(self, name: str, edge: Edge, body: Path) -> Target:
        return self.target(name, edge.nginx, body, edge.key)

    def check(self) -> None:
        for edge, parties in ((self.ours, edge_nginx.LIMITED), (self.logged, edge_nginx.LIMITED), (self.unlimited, ())):
            if edge is self.ours or not self.context.quick:
                edge_status.check_at_rest(edge.nginx.port, len(parties))


@contextlib.contextmanager
def _stage(context: Context, report: Report) -> Iterator[Stage]:
    folder = context.directory
    socket = folder / "up.sock"
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(quick_upstream.run(folder / "upstream", socket))
        plain_port = nginx.free_port()
        plain_conf = nginx.plain_proxy(f"unix:{socket}", plain_port)
        plain = stack.enter_context(nginx.run(folder / "plain", plain_conf, plain_port))
        edges = {
            name: stack.enter_context(edge_nginx.run(context, folder / name, socket, setup))
            for name, setup in (("ours", Setup()), ("unlimited", Setup(limits=False)), ("logged", Setup(log=True)))
        }
        yield Stage(context, report, upstream, plain, **edges)


def _rounds(context: Context, size: str) -> int:
    return context.effort.rounds * (1 if context.quick else ROUNDS_FACTOR[size]) + 1


def _judge(stage: Stage, size: str, body: Path) -> None:
    """Ours beside the plain proxy; with the smallest body, where they show most, also ours without limits."""
    context, report = stage.context, stage.report
    targets = {
        "plain": stage.target("plain", stage.plain, body, stage.ours.key),
        "ours": stage.edge_target("ours", stage.ours, body),
    }
    found = rounds(targets, _rounds(context, size))
    report.add(f"edge.cpu_ratio.{size}", paired(cpu_of(found["ours"]), cpu_of(found["plain"])))
    for name, what in (("plain", "plain proxy_pass"), ("ours", "our edge")):
        report.add(f"edge.cpu.{name}.{size}", spread(cpu_of(found[name])), f"CPU per request, {what}, {size}", "µs")
    if context.quick:
        return
    for name, what in (("plain", "plain proxy_pass"), ("ours", "our edge")):
        rates = spread(one.result.per_second for one in found[name])
        report.add(f"edge.rps.{name}.{size}", rates, f"requests per second, {what}, {size}", "/s")
    if size == "1k":
        _limits_apart(stage, size, targets, stage.edge_target("unlimited", stage.unlimited, body))


def _limits_apart(stage: Stage, size: str, targets: dict[str, Target], unlimited: Target) -> None:
    found = rounds({**targets, "unlimited": unlimited}, 2 * stage.context.effort.rounds)
    ratio = paired(cpu_of(found["unlimited"]), cpu_of(found["plain"]))
    stage.report.add(f"edge.cpu_ratio_unlimited.{size}", ratio, f"CPU without limits ÷ plain proxy_pass, {size}", "×")
    cost = paired(cpu_of(found["ours"]), cpu_of(found["unlimited"]), "difference")
    stage.report.add(f"edge.cpu.limits.{size}", cost, f"CPU per request of the limits, {size}", "µs")


def _inform(stage: Stage, size: str, body: Path) -> None:
    targets = {
        "plain": stage.target("plain", stage.plain, body, stage.ours.key),
        "direct": stage.target("direct", stage.upstream, body, stage.ours.key),
        "logged": stage.edge_target("logged", stage.logged, body),
    }
    found = rounds(targets, stage.context.effort.rounds)
    logged = paired(cpu_of(found["logged"]), cpu_of(found["plain"]))
    what = f"the same with the sample's JSON access log, {size}"
    stage.report.add(f"edge.cpu_ratio_logged.{size}", logged, what, "×")
    direct = spread(cpu_of(found["direct"]))
    stage.report.add(f"edge.cpu.direct.{size}", direct, f"CPU per request, upstream alone (no edge), {size}", "µs")


def _flood(stage: Stage, body: Path) -> None:
    targets = {
        "plain": stage.target("plain-401", stage.plain, body, "sk-none", path="/unauthorized", refused=True),
        "ours": stage.target("ours-401", stage.ours.nginx, body, "sk-none", request=wrk.FLOOD, refused=True),
    }
    flood = rounds(targets, stage.context.effort.rounds)
    ratio = paired(cpu_of(flood["ours"]), cpu_of(flood["plain"]))
    what = "refusal (401, then 429) of a new wrong key each ÷ nginx `return 401`, CPU"
    stage.report.add("edge.flood_cpu_ratio", ratio, what, "×")
    stage.report.add("edge.flood_cpu", spread(cpu_of(flood["ours"])), "CPU per refusal", "µs")
    rates = spread(one.result.per_second for one in flood["ours"])
    stage.report.add("edge.flood_rps", rates, "refusals per second", "/s")


def run(context: Context) -> Report:
    report = Report("edge")
    report.conditions.update(connections=CONNECTIONS, rounds=" and ".join(f"{_rounds(context, size)} of {size}" for size in SIZES), seconds=SECONDS)
    with _stage(context, report) as stage:
        for size, length in SIZES.items():
            text = bodies.chat(length, "demo/demo", user="user-1042@example.org")
            body = bodies.write(context.directory / f"{size}.json", text)
            _judge(stage, size, body)
            if not context.quick:
                _inform(stage, size, body)
        if not context.quick:
            _flood(stage, context.directory / "1k.json")
        stage.check()
    return report
