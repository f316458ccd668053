"""`edge`: what the module costs nginx. An upstream that answers at once, alone, behind a plain proxy and behind our edge."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from . import bodies, cpu, edge_nginx, nginx, wrk
from .context import Context
from .report import Report
from .stats import paired, spread

# Reads the request's body whole before it answers, as an executor does: nginx's own `return` would not, and a proxy
# closes the connection to an upstream that answers too early. `mirror` is the stock directive that reads a body.
UPSTREAM = """\
    server {{
        listen 127.0.0.1:{port};
        listen unix:{socket};
        location / {{
            mirror /read;
            try_files /none @answer;
        }}
        location @answer {{
            add_header X-Agent-Usage '{{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}';
            add_header X-Agent-Run-Id 0123456789abcdef;
            return 200 '{answer}';
        }}
        location = /read {{
            internal;
            return 204;
        }}
    }}
"""
SIZES = {"1k": 1024, "16k": 16 * 1024, "400k": 400 * 1024}
CONNECTIONS = 16
SECONDS = 1  # of one measurement
PATH = "/v1/chat/completions"


def _answer() -> str:
    content = "A short answer of the upstream. " * 24
    return (
        '{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"demo","choices":[{"index":0,'
        f'"message":{{"role":"assistant","content":"{content}"}},"finish_reason":"stop"}}],'
        '"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}'
    )


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


def run(context: Context) -> Report:
    report = Report("edge")
    report.conditions.update(connections=CONNECTIONS, rounds=2 * context.effort.rounds + 1, seconds=SECONDS)
    folder = context.directory
    socket, port = folder / "up.sock", nginx.free_port()
    upstream_conf = UPSTREAM.format(port=port, socket=socket, answer=_answer())
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(nginx.run(folder / "upstream", upstream_conf, port))
        plain_port = nginx.free_port()
        plain_conf = nginx.plain_proxy(f"unix:{socket}", plain_port)
        plain = stack.enter_context(nginx.run(folder / "plain", plain_conf, plain_port))
        ours = stack.enter_context(edge_nginx.run(context, folder / "ours", socket, log=False))
        logged = stack.enter_context(edge_nginx.run(context, folder / "logged", socket, log=True))

        def target(name: str, server: nginx.Nginx, body: Path, key: str = "", path: str = PATH, request: str = "") -> Target:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key or 'sk-none'}"}
            script = wrk.write_script(folder / f"{name}-{body.name}.lua", body, headers, request)
            return Target(f"http://127.0.0.1:{server.port}{path}", script, server.pids)

        for size, length in SIZES.items():
            body = bodies.write(folder / f"{size}.json", bodies.chat(length, "demo/demo"))
            judged = {"plain": target("plain", plain, body), "ours": target("ours", ours.nginx, body, ours.key)}
            informing = {
                "direct": target("direct", upstream, body),
                "logged": target("logged", logged.nginx, body, logged.key),
            }
            found = _rounds(judged, context.effort.rounds + 1 if context.quick else 2 * context.effort.rounds + 1)
            report.add(f"edge.cpu_ratio.{size}", paired(_cpu(found["ours"]), _cpu(found["plain"])))
            for name, what in (("plain", "plain proxy_pass"), ("ours", "our edge")):
                report.add(f"edge.cpu.{name}.{size}", spread(_cpu(found[name])), f"CPU per request, {what}, {size}", "µs")
            if context.quick:
                continue
            for name, what in (("plain", "plain proxy_pass"), ("ours", "our edge")):
                rates = spread(one.result.per_second for one in found[name])
                report.add(f"edge.rps.{name}.{size}", rates, f"requests per second, {what}, {size}", "/s")
            found = _rounds({"plain": judged["plain"]} | informing, context.effort.rounds)
            report.add(
                f"edge.cpu_ratio_logged.{size}",
                paired(_cpu(found["logged"]), _cpu(found["plain"])),
                f"the same with the sample's JSON access log, {size}",
                "×",
            )
            report.add(
                f"edge.cpu.direct.{size}",
                spread(_cpu(found["direct"])),
                f"CPU per request, upstream alone (no edge), {size}",
                "µs",
            )

        if context.quick:
            return report
        body = folder / "1k.json"
        flooded = {
            "plain": target("plain-401", plain, body, path="/unauthorized"),
            "ours": target("ours-401", ours.nginx, body, request=wrk.FLOOD),
        }
        flood = _rounds(flooded, context.effort.rounds, expect_errors=True)
        report.add(
            "edge.flood_cpu_ratio",
            paired(_cpu(flood["ours"]), _cpu(flood["plain"])),
            "401 with a new wrong key each ÷ nginx `return 401`, CPU",
            "×",
        )
        report.add("edge.flood_cpu", spread(_cpu(flood["ours"])), "CPU per 401", "µs")
        rates = spread(one.result.per_second for one in flood["ours"])
        report.add("edge.flood_rps", rates, "401s per second", "/s")
    return report
