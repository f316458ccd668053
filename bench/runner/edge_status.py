"""What an edge says of itself: agent_status."""

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

from .errors import BenchError

PATH = "/bench/status"
_PREFIX = "agent_gateway_edge_"
REST_WAIT = 5.0  # seconds

Status = dict[str, Any]  # names without the prefix; a family with labels is the sum of its numbers


def parse(text: str) -> Status:
    found: Status = {}
    for name, value in json.loads(text).items():
        number = sum(one["value"] for one in value) if isinstance(value, list) else value
        found[name.removeprefix(_PREFIX)] = number
    return found


class EdgeStatus:
    """Asks over one connection, so that asking often costs little."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def read(self) -> Status:
        try:
            self._connection.request("GET", PATH)
            answer = self._connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise BenchError(f"the edge's status cannot be read: {error}") from error
        if answer.status != 200:
            raise BenchError(f"the edge's status cannot be read: HTTP {answer.status}")
        return parse(text)

    def wait_for(self, wanted: Callable[[Status], bool], every: float, at_most: float) -> Status | None:
        """The first answer that is as wanted; None when none came in time. Times are seconds."""
        deadline = time.monotonic() + at_most
        while not wanted(status := self.read()):
            if time.monotonic() > deadline:
                return None
            time.sleep(every)
        return status

    def close(self) -> None:
        self._connection.close()


AT_REST = ("open_chats", "slots", "reserved_tokens", "ledger_entries")
NEVER = ("limited_total", "limited_dry_run_total", "limits_full_total", "ledger_recovered_total", "limit_rebuilds_total")


def check_at_rest(port: int, limited: int) -> None:
    """When all requests have ended nothing is held any more, and none was refused. `limited`: how many parties had limits;
    that they were kept at all is checked too, because without them the bench would measure nothing."""
    status = EdgeStatus(port)
    try:
        found = status.wait_for(lambda now: not any(now[name] for name in AT_REST), 0.05, REST_WAIT) or status.read()
    finally:
        status.close()
    wrong = {name: found[name] for name in (*AT_REST, *NEVER) if found[name]}
    if wrong:
        raise BenchError(f"after the last request the edge still says: {wrong}")
    if found["limit_states"] != limited:
        raise BenchError(f"the edge has kept limits of {found['limit_states']} parties, not of {limited}")
