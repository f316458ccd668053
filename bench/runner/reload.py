"""`reload`: a configuration of 1,000 agents is loaded, put into use, noticed, started with, and served from."""

import http.client
import random
import time

from . import bodies, load, reload_control, reload_cost, snapshot_program, whole_stack
from .agent_files import ASKED, FILES, MANY, AgentFiles
from .context import REPOSITORY, Context
from .errors import BenchError
from .reload_control import Load, ReloadControl
from .report import Report
from .start_up import Starts
from .stats import percentile, spread
from .whole_stack import WholeStack

MS = 1000
LOADS, FEWEST = 60, 20  # beside requests: as many as there is time for
RATE = 200  # requests per second beside loads
BESIDE = 15.0  # seconds of requests
LAST_LOAD = 2.0  # seconds before their end
CHANGES = 30  # that are timed from the write on
STARTS = 10
SAMPLE = REPOSITORY / "config" / "gateway.yaml"
LIVE_WAIT = 30.0  # seconds; a change that is not live by then never will be
LOOK = 0.003  # seconds between two looks for a change


def _files(context: Context, name: str) -> AgentFiles:
    files = AgentFiles(context.directory / name / "now", context.directory / name / "spare")
    files.write()
    return files


def _report_snapshot(context: Context, report: Report) -> None:
    few, many = _files(context, "few-files"), _files(context, "many-files")
    few.use_few()
    snapshot_program.report_snapshot(context, report, [few.path, many.path])


def _load_all(files: AgentFiles, control: ReloadControl) -> Load:
    files.change_all()
    return control.refresh()


def _load_one(files: AgentFiles, control: ReloadControl) -> Load:
    files.prepare()
    files.change()
    return control.refresh()


def _loads_beside(context: Context, stack: WholeStack, files: AgentFiles, control: ReloadControl) -> list[Load]:
    chooser, found = random.Random(1), []
    body = whole_stack.body(context, "beside", bodies.chat(1024, f"default/{ASKED}"))
    with load.paced(context, "beside", stack.ours, body, RATE, BESIDE) as requests:
        time.sleep(0.5)  # until the first of them have come
        last = time.monotonic() + BESIDE - LAST_LOAD
        while time.monotonic() < last and len(found) < LOADS:
            found.append(_load_all(files, control))
            time.sleep(chooser.uniform(0.02, 0.15))  # any moment of what else happens
        requests.finish()
    if len(found) < FEWEST:
        raise BenchError(f"there was time for {len(found)} loads beside requests, not for {FEWEST}")
    return found


def _report_loads(context: Context, stack: WholeStack, files: AgentFiles, control: ReloadControl, report: Report) -> None:
    at_rest = [_load_all(files, control) for _ in range(LOADS // 2)]
    one_file = [_load_one(files, control) for _ in range(LOADS // 2)]
    beside = _loads_beside(context, stack, files, control)
    report.conditions.update(loads=len(at_rest) + len(one_file) + len(beside), requests_per_second=RATE)
    report.add("reload.load", spread(one.load * MS for one in at_rest))
    report.add("reload.load_beside", spread(one.load * MS for one in beside), f"the same beside {RATE} requests a second", "ms")
    changed = f"the same when one of {FILES + 1} files has changed"
    report.add("reload.load_one_file", spread(one.load * MS for one in one_file), changed, "ms")
    report.add("reload.swap", spread([max(one.swap for one in beside) * MS]))
    report.add("reload.swap_beside", spread(one.swap * MS for one in beside), "the same, each", "ms")
    report.add("reload.swap_at_rest", spread(one.swap * MS for one in at_rest), "the same without requests", "ms")


class _Asker:
    """Asks the edge for one model again and again."""

    def __init__(self, stack: WholeStack) -> None:
        endpoint = stack.ours
        host, _, _ = endpoint.url.removeprefix("http://").partition("/")
        self._connection = http.client.HTTPConnection(host, timeout=LIVE_WAIT)
        self._headers = dict(header.split(": ", 1) for header in endpoint.headers)

    def close(self) -> None:
        self._connection.close()

    def wait_for(self, model: str) -> None:
        deadline = time.monotonic() + LIVE_WAIT
        while (status := self._status(f"/v1/models/{model}")) != 200:
            if status != 404:
                raise BenchError(f"/v1/models/{model} answers {status}")
            if time.monotonic() > deadline:
                raise BenchError(f"a change was not in use {LIVE_WAIT} s after the write")
            time.sleep(LOOK)

    def _status(self, path: str) -> int:
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def _live_after(stack: WholeStack, files: AgentFiles, changes: int) -> list[float]:
    """Seconds from each rename until a request had what it brought."""
    chooser, found = random.Random(1), []
    asker, control = _Asker(stack), ReloadControl(stack)
    try:
        before = control.status()
        for _ in range(changes):
            files.prepare()
            time.sleep(chooser.uniform(0.2, 1.2))  # any moment between two looks of the executor
            begin = time.monotonic()
            files.change()
            asker.wait_for(files.newest)
            found.append(time.monotonic() - begin)
            after = control.wait_for_attempts(before["attempt_count"] + 1)
            reload_control.read_load(before, after, "file")
            before = after
    finally:
        asker.close()
        control.close()
    return found


def _report_live(context: Context, report: Report) -> None:
    files = _files(context, "live-files")
    inner = Context(context.directory / "live", context.preset, context.effort, context.quick)
    inner.directory.mkdir()
    with whole_stack.run(inner, config=files.folder) as stack:
        after = _live_after(stack, files, context.count(CHANGES))
    report.conditions.update(changes=len(after))
    report.add("reload.live", spread([max(after) * MS]))
    report.add("reload.live_each", spread(one * MS for one in after), "the same, each", "ms")


def _report_starts(context: Context, report: Report) -> None:
    files = _files(context, "start-files")
    starts = Starts(context)
    many, sample = [], []
    for number in range(context.count(STARTS, 3) + 1):
        times = starts.once(files.path), starts.once(SAMPLE)
        if number:  # the first brings the program into memory
            many.append(times[0] * MS)
            sample.append(times[1] * MS)
    report.conditions.update(starts=len(many))
    report.add("reload.start", spread(many))
    report.add("reload.start_p90", spread([percentile(many, 0.9)]), "the same, p90", "ms")
    report.add("reload.start_sample", spread(sample), "start → ready, the sample's three agents", "ms")


def run(context: Context) -> Report:
    report = Report("reload")
    report.conditions.update(agents=MANY, files=FILES + 1)
    files = _files(context, "files")
    inner = Context(context.directory / "asked", context.preset, context.effort, context.quick)
    inner.directory.mkdir()
    # Loads when the bench says so, and at no other time.
    with whole_stack.run(inner, config=files.folder, environment={"AGENT_GATEWAY_WATCH": "false"}) as stack:
        control = ReloadControl(stack)
        try:
            if not context.quick:
                _report_loads(inner, stack, files, control, report)
            reload_cost.report_cpu(inner, stack, files, control, report)
            if not context.quick:
                reload_cost.report_p99(inner, stack, files, control, report)
            reload_cost.report_memory(inner, stack, files, control, report)
        finally:
            control.close()
    if not context.quick:
        _report_live(context, report)
        _report_starts(context, report)
        _report_snapshot(context, report)
    return report
