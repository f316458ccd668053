"""Upstreams that fail, in a configuration beside the one that is measured, and requests to them all the time."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from . import bodies
from .errors import BenchError
from .load import Endpoint
from .whole_stack import CONFIG

# Each call does all that it can to be served: breakers would end that after the first few.
UPSTREAMS = """\
upstreams:
  dead:
    base_url: "http://127.0.0.1:{dead}/v1"
    models: [any]
    breaker_failures: 0
    retry_backoff: 20ms
  mute:
    base_url: "http://127.0.0.1:{mute}/v1"
    models: [any]
    breaker_failures: 0
    first_byte_timeout: 2s
  nameless:
    base_url: "http://{name}:8080/v1"
    models: [any]
    breaker_failures: 0
    connect_timeout: 2s
    retries: 0
"""
NAME = "llm.example.test"  # nobody says what its address is
EVERY = 0.05  # seconds between two requests of one kind
LANES = 50  # that wait at a time, of one kind
TIMEOUT = 20.0  # seconds


@dataclass(frozen=True)
class Ports:
    dead: int  # nobody listens
    mute: int  # accepts, and says nothing


@contextlib.contextmanager
def ports() -> Iterator[Ports]:
    with socket.create_server(("127.0.0.1", 0)) as dead, socket.create_server(("127.0.0.1", 0), backlog=512) as mute:
        dead_port = dead.getsockname()[1]
        dead.close()
        yield Ports(dead_port, mute.getsockname()[1])


def write_config(folder: Path, chosen: Ports) -> Path:
    folder.mkdir()
    for file in CONFIG.iterdir():
        text = file.read_text()
        if file.name == "gateway.yaml":
            more = UPSTREAMS.format(dead=chosen.dead, mute=chosen.mute, name=NAME)
            if text.count("\nupstreams:\n") != 1:
                raise BenchError(f"{file}: expected one line `upstreams:`")
            text = text.replace("\nupstreams:\n", "\n" + more)
        (folder / file.name).write_text(text)
    return folder


@dataclass
class Requests:
    """What came of those to one upstream."""

    statuses: dict[int, int] = field(default_factory=dict)
    late: int = 0  # not sent in time, because all lanes waited
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, status: int) -> None:
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1


def _ask(endpoint: Endpoint, body: bytes, found: Requests, free: threading.Semaphore) -> None:
    url = urlsplit(endpoint.url)
    headers = {"Content-Type": "application/json", **dict(one.split(": ", 1) for one in endpoint.headers)}
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=TIMEOUT)
    try:
        connection.request("POST", url.path, body, headers)
        answer = connection.getresponse()
        answer.read()
        found.note(answer.status)
    except (OSError, http.client.HTTPException):
        found.note(0)
    finally:
        connection.close()
        free.release()


@contextlib.contextmanager
def asked(endpoint: Endpoint, upstream: str) -> Iterator[Requests]:
    """Requests to `upstream`, on a timetable, while the block runs."""
    found, over, free = Requests(), threading.Event(), threading.Semaphore(LANES)
    body = bodies.chat(1024, f"{upstream}/any")
    lanes: list[threading.Thread] = []

    def send_all() -> None:
        due = time.monotonic()
        while not over.wait(max(0.0, due - time.monotonic())):
            due += EVERY
            if not free.acquire(blocking=False):
                found.late += 1
                continue
            lane = threading.Thread(target=_ask, args=(endpoint, body, found, free))
            lanes.append(lane)
            lane.start()

    clock = threading.Thread(target=send_all)
    clock.start()
    try:
        yield found
    finally:
        over.set()
        clock.join()
        for lane in lanes:
            lane.join()
