"""`flood`: what 20,000 wrong keys a second do to the good requests beside them, and what it costs to refuse one."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import bodies, edge_nginx, edge_status, load, nginx, quick_upstream, wrk
from .closed_loop import CONNECTIONS, Target, cpu_of, rounds
from .context import Context
from .edge_nginx import Edge, Setup
from .edge_status import EdgeStatus, Status
from .errors import BenchError
from .report import Report
from .stats import paired, percentile, spread

PATH = "/v1/chat/completions"
RATE = 20_000  # wrong keys a second
GOOD_RATE = 400  # good requests a second, on a timetable
SECONDS = 2.0  # of good requests, with the flood or without
MS = 1000


@dataclass(frozen=True)
class Stage:
    """The servers of the bench, all up at once; one at a time has work."""

    context: Context
    body: Path
    plain: nginx.Nginx
    sample: Edge  # refuses with 429 once agent_auth_limit is used up, at once in a flood
    open: Edge  # has no agent_auth_limit: refuses with 401

    def script(self, name: str, key: str, request: str = "") -> Path:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        return wrk.write_script(self.context.directory / f"{name}.lua", self.body, headers, request)


@contextlib.contextmanager
def _stage(context: Context) -> Iterator[Stage]:
    folder = context.directory
    socket = folder / "up.sock"
    body = bodies.write(folder / "1k.json", bodies.chat(1024, "demo/demo", user="user-1042@example.org"))
    with contextlib.ExitStack() as stack:
        stack.enter_context(quick_upstream.run(folder / "upstream", socket))
        plain_port = nginx.free_port()
        plain_conf = nginx.plain_proxy(f"unix:{socket}", plain_port)
        plain = stack.enter_context(nginx.run(folder / "plain", plain_conf, plain_port))
        sample = stack.enter_context(edge_nginx.run(context, folder / "sample", socket, Setup()))
        unguarded = stack.enter_context(edge_nginx.run(context, folder / "open", socket, Setup(auth_limit=False)))
        yield Stage(context, body, plain, sample, unguarded)


@dataclass(frozen=True)
class Party:
    """Who is flooded, and asked by others meanwhile."""

    name: str
    good: load.Endpoint
    flood_url: str


def _parties(stage: Stage) -> list[Party]:
    def address(server: nginx.Nginx, path: str = PATH) -> str:
        return f"http://127.0.0.1:{server.port}{path}"

    def party(name: str, edge: Edge) -> Party:
        good = load.Endpoint(address(edge.nginx), (f"Authorization: Bearer {edge.key}",))
        return Party(name, good, address(edge.nginx))

    plain = Party("plain", load.Endpoint(address(stage.plain)), address(stage.plain, "/unauthorized"))
    return [plain, party("sample", stage.sample), party("open", stage.open)]


def _rounds(context: Context) -> int:
    return context.effort.rounds + 1 if context.quick else 2 * context.effort.rounds + 1


@dataclass(frozen=True)
class Beside:
    """One round: p99 of the good requests in ms, alone and beside the flood, and the rate of the flood."""

    quiet: float
    flooded: float
    rate: float


class Rounds:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._announce = stage.context.directory / "flood-has-begun"
        self._script = stage.script("flood", "", wrk.FLOOD + wrk.timetable(RATE, self._announce))

    def _p99(self, party: Party) -> float:
        """Fails when one of the requests does."""
        with load.paced(self._stage.context, party.name, party.good, self._stage.body, GOOD_RATE, SECONDS) as requests:
            return percentile((one.took for one in requests.finish()), 0.99) * MS

    def _flooded(self, party: Party) -> tuple[float, float]:
        with wrk.flood(party.flood_url, self._script, self._announce, RATE) as flood:
            p99 = self._p99(party)
            return p99, flood.stop().per_second

    def one(self, party: Party, flood_first: bool) -> Beside:
        if flood_first:
            flooded, rate = self._flooded(party)
            return Beside(self._p99(party), flooded, rate)
        quiet = self._p99(party)
        return Beside(quiet, *self._flooded(party))


def _beside(stage: Stage) -> dict[str, list[Beside]]:
    """Many short rounds, as in closed_loop; the first warms up. The order changes, so that none always comes after the
    same other one."""
    runner, parties = Rounds(stage), _parties(stage)
    found: dict[str, list[Beside]] = {party.name: [] for party in parties}
    for number in range(_rounds(stage.context) + 1):
        for party in parties if number % 2 == 0 else reversed(parties):
            measured = runner.one(party, flood_first=number % 2 == 1)
            if number:
                found[party.name].append(measured)
    return found


def _report_beside(stage: Stage, report: Report) -> None:
    found = _beside(stage)

    def ratio(name: str) -> tuple[list[float], list[float]]:
        return [one.flooded for one in found[name]], [one.quiet for one in found[name]]

    report.add("flood.p99_ratio", paired(*ratio("sample")))
    report.add("flood.p99_ratio_401", paired(*ratio("open")), "the same without agent_auth_limit: only 401s", "×")
    what = "the same for a plain nginx whose flood gets `return 401`"
    report.add("flood.p99_ratio_plain", paired(*ratio("plain")), what, "×")
    for name, server in (("sample", "our edge"), ("open", "our edge without agent_auth_limit"), ("plain", "plain nginx")):
        flooded, quiet = ratio(name)
        report.add(f"flood.p99_quiet.{name}", spread(quiet), f"p99 of good requests without the flood, {server}", "ms")
        report.add(f"flood.p99_flooded.{name}", spread(flooded), f"p99 of good requests beside the flood, {server}", "ms")
        rates = spread(one.rate for one in found[name])
        report.add(f"flood.rate.{name}", rates, f"wrong keys per second, {server}", "/s")


def _report_cpu(stage: Stage, report: Report) -> None:
    def target(name: str, server: nginx.Nginx, key: str, refused: bool, path: str = PATH) -> Target:
        script = stage.script(name, key, wrk.FLOOD if refused else "")
        return Target(f"http://127.0.0.1:{server.port}{path}", script, server.pids, refused)

    targets = {
        "proxied": target("proxied", stage.sample.nginx, stage.sample.key, False),
        "sample": target("refused-429", stage.sample.nginx, "", True),
        "open": target("refused-401", stage.open.nginx, "", True),
        "plain": target("refused-plain", stage.plain, "", True, "/unauthorized"),
    }
    found = rounds(targets, _rounds(stage.context))
    report.add("flood.cpu_ratio_401", paired(cpu_of(found["open"]), cpu_of(found["proxied"])))
    report.add("flood.cpu_ratio_429", paired(cpu_of(found["sample"]), cpu_of(found["proxied"])))
    for name, what in (
        ("proxied", "CPU per proxied request of our edge"),
        ("open", "CPU per 401 of our edge"),
        ("sample", "CPU per 429 of our edge"),
        ("plain", "CPU per `return 401` of plain nginx"),
    ):
        report.add(f"flood.cpu.{name}", spread(cpu_of(found[name])), what, "µs")


# Of what an address has failed to do: the sample's agent_auth_limit is 120 a minute.
MOSTLY = 0.99


def check_refusals(sample: Status, unguarded: Status) -> None:
    """That the sample's edge limited nearly every wrong key and the other none: otherwise the figures are of something else."""
    failures, limited = sample["auth_failures_total"], sample["auth_limited_total"]
    if not failures or limited < MOSTLY * failures:
        raise BenchError(f"the sample's edge limited {limited:,.0f} of {failures:,.0f} wrong keys, not nearly all")
    if unguarded["auth_limited_total"] or not unguarded["auth_failures_total"]:
        raise BenchError(f"the edge without agent_auth_limit limited {unguarded['auth_limited_total']:,.0f} wrong keys, not none")


def _status(edge: Edge) -> Status:
    with contextlib.closing(EdgeStatus(edge.nginx.port)) as status:
        return status.read()


def run(context: Context) -> Report:
    report = Report("flood")
    report.conditions.update(rounds=_rounds(context), connections=CONNECTIONS)
    with _stage(context) as stage:
        if not context.quick:
            report.conditions.update(wrong_keys_per_second=RATE, good_requests_per_second=GOOD_RATE, seconds=SECONDS)
            _report_beside(stage, report)
        _report_cpu(stage, report)
        check_refusals(_status(stage.sample), _status(stage.open))
        for edge in (stage.sample, stage.open):
            # Limited as a good request is; in a quick run nobody asks the second one for one.
            parties = 0 if context.quick and edge is stage.open else len(edge_nginx.LIMITED)
            edge_status.check_at_rest(edge.nginx.port, parties)
    return report
