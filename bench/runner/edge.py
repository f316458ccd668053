"""`edge`: what the module costs nginx. An upstream that answers at once, alone, behind a plain proxy and behind our edge."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import bodies, cpu, edge_nginx, edge_status, nginx, quick_upstream, wrk
from .context import Context
from .edge_nginx import Edge, Setup
from .report import Report
from .stats import paired, spread

SIZES = {"1k": 1024, "16k": 16 * 1024, "400k": 400 * 1024}
CONNECTIONS = 16
SECONDS = 1  # of one measurement
PATH = "/v1/chat/completions"


@dataclass(frozen=True)
class Target:
    """One way to the upstream: where wrk asks, and whose CPU counts."""

    url: str
    script: Path
    pids: list[int]


@dataclass(frozen=True)
class Measured:
    cpu_us: float  # per request
    result: wrk.Result


def _measure(target: Target, seconds: float, expect_errors: bool = False) -> Measured:
    before = cpu.seconds(target.pids)
    result = wrk.run(target.url, target.script, seconds, CONNECTIONS, expect_errors)
    used = cpu.seconds(target.pids) - before
    return Measured(used / result.requests * 1e6, result)


def _rounds(targets: dict[str, Target], rounds: int, expect_errors: bool = False) -> dict[str, list[Measured]]:
    """One round is each target once, in turn; the first, which warms up, does not count. Many short rounds: what
    disturbs a machine for seconds then disturbs few of them."""
    found: dict[str, list[Measured]] = {name: [] for name in targets}
    for number in range(rounds + 1):
        # The order changes, so that none always runs after the same other one.
        names = list(targets)
        for name in names if number % 2 == 0 else reversed(names):
            measured = _measure(targets[name], SECONDS, expect_errors)
            if number:
                found[name].append(measured)
    return found


def _cpu(measured: list[Measured]) -> list[float]:
    return [one.cpu_us for one in measured]


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

    def target(self, name: str, server: nginx.Nginx, body: Path, key: str, path: str = PATH, request: str = "") -> Target:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        script = wrk.write_script(self.context.directory / f"{name}-{body.name}.lua", body, headers, request)
        return Target(f"http://127.0.0.1:{server.port}{path}", script, server.pids)

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


def _judge(stage: Stage, size: str, body: Path) -> None:
    """Ours beside the plain proxy; with the smallest body, where they show most, also ours without limits."""
    context, report = stage.context, stage.report
    targets = {
        "plain": stage.target("plain", stage.plain, body, "sk-none"),
        "ours": stage.edge_target("ours", stage.ours, body),
    }
    with_unlimited = size == "1k" and not context.quick
    if with_unlimited:
        targets["unlimited"] = stage.edge_target("unlimited", stage.unlimited, body)
    found = _rounds(targets, context.effort.rounds + 1 if context.quick else 2 * context.effort.rounds + 1)
    report.add(f"edge.cpu_ratio.{size}", paired(_cpu(found["ours"]), _cpu(found["plain"])))
    for name, what in (("plain", "plain proxy_pass"), ("ours", "our edge")):
        report.add(f"edge.cpu.{name}.{size}", spread(_cpu(found[name])), f"CPU per request, {what}, {size}", "µs")
    if context.quick:
        return
    for name, what in (("plain", "plain proxy_pass"), ("ours", "our edge")):
        rates = spread(one.result.per_second for one in found[name])
        report.add(f"edge.rps.{name}.{size}", rates, f"requests per second, {what}, {size}", "/s")
    if with_unlimited:
        ratio = paired(_cpu(found["unlimited"]), _cpu(found["plain"]))
        report.add(f"edge.cpu_ratio_unlimited.{size}", ratio, f"CPU without limits ÷ plain proxy_pass, {size}", "×")
        cost = paired(_cpu(found["ours"]), _cpu(found["unlimited"]), "difference")
        report.add(f"edge.cpu.limits.{size}", cost, f"CPU per request of the limits, {size}", "µs")


def _inform(stage: Stage, size: str, body: Path) -> None:
    targets = {
        "plain": stage.target("plain", stage.plain, body, "sk-none"),
        "direct": stage.target("direct", stage.upstream, body, "sk-none"),
        "logged": stage.edge_target("logged", stage.logged, body),
    }
    found = _rounds(targets, stage.context.effort.rounds)
    logged = paired(_cpu(found["logged"]), _cpu(found["plain"]))
    what = f"the same with the sample's JSON access log, {size}"
    stage.report.add(f"edge.cpu_ratio_logged.{size}", logged, what, "×")
    direct = spread(_cpu(found["direct"]))
    stage.report.add(f"edge.cpu.direct.{size}", direct, f"CPU per request, upstream alone (no edge), {size}", "µs")


def _flood(stage: Stage, body: Path) -> None:
    targets = {
        "plain": stage.target("plain-401", stage.plain, body, "sk-none", path="/unauthorized"),
        "ours": stage.target("ours-401", stage.ours.nginx, body, "sk-none", request=wrk.FLOOD),
    }
    flood = _rounds(targets, stage.context.effort.rounds, expect_errors=True)
    ratio = paired(_cpu(flood["ours"]), _cpu(flood["plain"]))
    what = "401 with a new wrong key each ÷ nginx `return 401`, CPU"
    stage.report.add("edge.flood_cpu_ratio", ratio, what, "×")
    stage.report.add("edge.flood_cpu", spread(_cpu(flood["ours"])), "CPU per 401", "µs")
    rates = spread(one.result.per_second for one in flood["ours"])
    stage.report.add("edge.flood_rps", rates, "401s per second", "/s")


def run(context: Context) -> Report:
    report = Report("edge")
    report.conditions.update(connections=CONNECTIONS, rounds=2 * context.effort.rounds + 1, seconds=SECONDS)
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
