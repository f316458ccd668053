"""An executor's reloads, asked for and looked at as administrators do: through the edge, or by a signal."""

import http.client
import json
import os
import signal
import ssl
import time
from dataclasses import dataclass
from typing import Any

from .errors import BenchError
from .whole_stack import WholeStack

LOAD_WAIT = 30.0  # seconds; what is not loaded by then never will be
LOOK = 0.002  # seconds between two looks


@dataclass(frozen=True)
class Load:
    """One version that was loaded and came into use. Seconds."""

    load: float  # reading and checking it, and what was said about it
    swap: float  # until every thread had it


def read_load(before: dict[str, Any], after: dict[str, Any], trigger: str) -> Load:
    """What the executor said of itself before and after one load; both are its "gateway"."""
    if after["failure_count"] != before["failure_count"]:
        raise BenchError(f"a version was refused: {after['last_error']}")
    loads = after["success_count"] - before["success_count"]
    generations = after["generation"] - before["generation"]
    if (loads, generations, after["last_trigger"]) != (1, 1, trigger):
        what = f"{loads} loads by {after['last_trigger']}, {generations} new generations"
        raise BenchError(f"one load by {trigger} was to be seen, and there were {what}")
    duration, swap = after["last_duration_seconds"], after["last_swap_seconds"]
    return Load(duration - swap, swap)


class ReloadControl:
    """Asks over one connection, so that asking often costs little."""

    def __init__(self, stack: WholeStack) -> None:
        trust = ssl.create_default_context(cafile=str(stack.admin.ca))
        self._connection = http.client.HTTPSConnection("localhost", stack.admin.port, timeout=LOAD_WAIT, context=trust)
        self._headers = {"Authorization": f"Bearer {stack.admin.key}"}
        (self._pid,) = stack.executor_pids

    def close(self) -> None:
        self._connection.close()

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", "/admin/reload")["gateway"]
        return found

    def refresh(self) -> Load:
        """Loads what has been changed, now."""
        before = self.status()
        self._ask("POST", "/agents/refresh")
        return read_load(before, self.status(), "request")

    def signal(self) -> None:
        os.kill(self._pid, signal.SIGHUP)

    def wait_for_attempts(self, count: int) -> dict[str, Any]:
        """Until so many loads since its start have ended."""
        deadline = time.monotonic() + LOAD_WAIT
        while (found := self.status())["attempt_count"] < count:
            if time.monotonic() > deadline:
                raise BenchError(f"after {LOAD_WAIT} s there were {found['attempt_count']} loads, not {count}")
            time.sleep(LOOK)
        return found

    def _ask(self, method: str, path: str) -> Any:
        try:
            self._connection.request(method, path, headers=self._headers)
            answer = self._connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise BenchError(f"{method} {path}: {error}") from error
        if answer.status != 200:
            raise BenchError(f"{method} {path}: HTTP {answer.status} {text[:500]}")
        return json.loads(text)
