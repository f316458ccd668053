"""A stack with three executors that come and go while it is used."""

import contextlib
import json
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gateway_stack
from gateway_stack import E2E, ROOT, Stack, has_ended, wait_until

sys.path += [str(ROOT / "tests/edge"), str(ROOT / "tools/dev")]

from devstack import process, procfs  # noqa: E402
from devstack.record import Child  # noqa: E402
from devstack.services import Layout  # noqa: E402
from devstack.stack import start_executor_again  # noqa: E402
from worker_processes import is_alive, is_leaving  # noqa: E402

CONFIG = E2E / "fleet_config"
SCRIPT = ROOT / "tests/fakes/scripts/fleet.json"
EXECUTORS = (1, 2, 3)
WORKERS = 2  # of the edge, as ./dev up has it
OPEN_FILES = 4096  # what the test, an edge's worker or an executor may need
# Idle connections of the edge are closed after 10 s (conf/nginx.conf): that long a stopped executor waits for them.
EXECUTOR_EXIT_S = 30


class Fleet:
    def __init__(self, stack: Stack):
        self.stack = stack
        self.layout = Layout(ROOT, os.environ.get("AGW_PRESET", "asan"), stack.directory)
        self.pids = {number: int(stack[_name("EXECUTOR_PID", number)]) for number in EXECUTORS}
        self.sockets = {number: Path(stack[_name("AGENT_EXECUTOR_SOCKET", number)]) for number in EXECUTORS}
        self.replacements: list[Child] = []

    def drain(self, number: int) -> None:
        """Until it takes nothing new; what it has begun goes on."""
        os.kill(self.pids[number], signal.SIGTERM)
        wait_until(lambda: not self.sockets[number].exists(), f"executor {number} left its socket")

    def kill(self, number: int) -> None:
        os.kill(self.pids[number], signal.SIGKILL)
        wait_until(lambda: has_ended(self.pids[number]), f"executor {number} is dead")

    def replace(self, number: int) -> int:
        """Another one at the same socket, and ready; the one before drains. Returns the pid of that one."""
        old = self.pids[number]
        program = procfs.read_program(old)
        self.drain(number)
        child = start_executor_again(self.layout, number, program)
        self.replacements.append(child)
        self.pids[number] = child.pid
        return old

    def wait_for_end(self, pid: int) -> None:
        wait_until(lambda: has_ended(pid), f"executor with pid {pid} ended", EXECUTOR_EXIT_S)

    def drains(self, number: int) -> list[int]:
        """How many requests were open when an executor began to stop; it must have stopped in peace since."""
        events = self.stack.executor_events(number)
        begun = [entry["open_requests"] for entry in events if entry["event"] == "drain_started"]
        stopped = [entry for entry in events if entry["event"] == "stopped"]
        assert len(stopped) == len(begun), f"executor {number} did not stop as it should: {events[-5:]}"
        return begun

    def workers(self) -> list[int]:
        master = self.stack["EDGE_PID"]
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def reload_edge(self) -> set[int]:
        """Until the workers of before take no new connection. Returns those."""
        old = set(self.workers())
        os.kill(int(self.stack["EDGE_PID"]), signal.SIGHUP)

        def are_replaced() -> bool:
            fresh = [pid for pid in self.workers() if pid not in old and not is_leaving(pid)]
            return len(fresh) == WORKERS and all(is_leaving(pid) for pid in old)

        wait_until(are_replaced, "new workers", 30)
        return old

    def wait_for_workers_end(self, pids: set[int]) -> None:
        wait_until(lambda: not any(is_alive(pid) for pid in pids), "the old workers ended", EXECUTOR_EXIT_S)

    def served_by(self, request_ids: set[str]) -> dict[str, list[int]]:
        """For each request the executors that it was tried with, in order; from the edge's access log, which is
        written a second later at most."""
        entries = wait_until(lambda: self._logged(request_ids), "access log")
        numbers = {f"unix:{path}": number for number, path in self.sockets.items()}
        return {
            request_id: [numbers[address] for address in entry["upstream_addr"].split(", ")]
            for request_id, entry in entries.items()
        }

    def _logged(self, request_ids: set[str]) -> dict[str, dict] | None:
        text = (self.stack.log_directory / "edge-1" / "access.log").read_text()
        complete_lines = text[: text.rfind("\n") + 1].splitlines()
        entries = {entry["request_id"]: entry for entry in map(json.loads, complete_lines)}
        return {key: entries[key] for key in request_ids} if request_ids <= entries.keys() else None

    def upstream_requests(self) -> Counter[str]:
        """How often the model was asked for the sake of each request."""
        chats = [record for record in self.stack.llm_requests() if record["path"] == "/v1/chat/completions"]
        return Counter(record["headers"].get("x-request-id", "") for record in chats)

    def reap(self) -> None:
        """The replacements are children of this process; by now they have ended."""
        for child in self.replacements:
            assert process.poll(child) is not None, f"{child.name} (pid {child.pid}) still runs"


def _name(variable: str, number: int) -> str:
    return variable if number == 1 else f"{variable}_{number}"


@contextlib.contextmanager
def _many_open_files() -> Iterator[None]:
    """For this process and what it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard >= OPEN_FILES, f"these tests need {OPEN_FILES} open files"
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Fleet]:
    with _many_open_files():
        fleet = None
        try:
            options = ("--executors", str(len(EXECUTORS)))
            fleet = Fleet(gateway_stack.start(directory, *options, config=CONFIG, script=SCRIPT))
            yield fleet
        finally:
            gateway_stack.stop(directory)
            if fleet is not None:
                fleet.reap()
