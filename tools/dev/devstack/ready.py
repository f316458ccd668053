"""Asks the parts of a stack whether they are ready."""

import http.client
import socket
import time
from collections.abc import Callable
from pathlib import Path

from . import services
from .record import Child
from .report import StackError
from .services import Layout

READY_WAIT = 60.0  # seconds
PATHS = ("/health", "/ready")
Connect = Callable[[], http.client.HTTPConnection]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _probe(connection: http.client.HTTPConnection, path: str) -> str | None:
    """None when `path` answers 200, else why not."""
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
        return None if status == 200 else f"{path} answers {status}"
    except (OSError, http.client.HTTPException) as error:
        return f"{path}: {error}"
    finally:
        connection.close()


def wait_ready(child: Child, layout: Layout, connect: Connect, deadline: float) -> None:
    why: str | None = "not asked yet"
    while time.monotonic() < deadline:
        services.require_alive(child, layout)
        why = next((problem for path in PATHS if (problem := _probe(connect(), path))), None)
        if why is None:
            return
        time.sleep(0.05)
    words = services.last_words(child, layout)
    raise StackError(f"{child.name} is not ready after {READY_WAIT:.0f} s ({why}); its last words:\n{words}")
