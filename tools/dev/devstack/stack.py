"""A whole stack: start it, wait until it is ready, watch it, stop it."""

import http.client
import os
import signal
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn

from . import process, procfs, real_llm, record, services
from .credentials import Certificates, Keys, make_certificates, make_edge_secret, make_keys
from .edge_conf import EdgePorts
from .folder import DirectoryLock, empty
from .ready import READY_WAIT, UnixConnection, wait_ready
from .record import Child, Record
from .report import StackError, say
from .services import Layout

PORT_TRIES = 5
# Where Python, Node and curl look for a CA. A machine may have set the last two for its own; they would win.
CA_VARIABLES = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
OWNER_WAIT = 40.0  # seconds that `down` gives a ./dev run or ./dev up to clean up by itself


@dataclass(frozen=True)
class Options:
    executors: int = 1
    edges: int = 1
    config: Path | None = None
    base_port: int | None = None
    preferred_port: int | None = None  # taken when it is free
    environment: dict[str, str] = field(default_factory=dict)  # of the executors; wins over the doubles' URLs
    plain: bool = False  # each edge also listens without TLS, for measurements
    tune: Callable[[str], str] | None = None  # what is done to an edge's nginx.conf at last


@dataclass
class Stack:
    layout: Layout
    record: Record
    certificates: Certificates
    keys: Keys
    urls: dict[str, str]  # of the doubles
    edges: list[EdgePorts]

    def child(self, name: str) -> Child:
        return next(child for child in self.record.children if child.name == name)

    def exports(self) -> dict[str, str]:
        values = {}
        for index, ports in enumerate(self.edges, start=1):
            suffix = "" if index == 1 else f"_{index}"
            values[f"AGENT_URL{suffix}"] = f"https://localhost:{ports.public}"
            values[f"AGENT_ADMIN_URL{suffix}"] = f"https://localhost:{ports.admin}"
            values[f"EDGE_PID{suffix}"] = str(self.child(f"edge-{index}").pid)
        for child in self.record.children:
            if child.kind == "executor":
                number = child.name.removeprefix("executor-")
                suffix = "" if number == "1" else f"_{number}"
                values[f"EXECUTOR_PID{suffix}"] = str(child.pid)
                values[f"AGENT_EXECUTOR_SOCKET{suffix}"] = str(self.layout.executor_socket(int(number)))
        for name, variable in (("llm", "LLM_PID"), ("mcp", "MCP_PID"), ("http-tool", "HTTP_PID")):
            values[variable] = str(self.child(name).pid)
        return {
            **values,
            **self.urls,
            "AGENT_KEY": self.keys.user,
            "AGENT_ADMIN_KEY": self.keys.admin,
            "AGENT_LOG_DIR": str(self.layout.log),
            "AGENT_DIR": str(self.layout.directory),
            **{name: str(self.certificates.ca) for name in CA_VARIABLES},
        }


def _open_directory(directory: Path) -> tuple[Record, DirectoryLock]:
    created = not directory.exists()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = DirectoryLock(directory)
    try:
        old = record.load(directory)
        if old is not None:
            if any(child.alive for child in old.children):
                raise StackError(f"a stack runs in {directory}; stop it first: ./dev down --dir {directory}")
            created = old.created_directory
            _stop_children(old)  # what outlived its parent in a crash
            empty(directory)
        elif set(os.listdir(directory)) - {"log", record.NEW_FILE_NAME}:
            raise StackError(f"{directory} is neither empty nor a stack's; choose another --dir")
        else:
            created = created or bool(os.listdir(directory))  # the remains of a stack: the folder was ours
            empty(directory)
        fresh = record.new_record(directory, created)
        fresh.save()
    except BaseException:
        lock.release()
        raise
    return fresh, lock


def _stop_children(stopped: Record) -> None:
    for kind in ("edge", "executor", "double"):
        children = [child for child in stopped.children if child.kind == kind]
        killed = process.stop(children, stopped.directory)
        if killed:
            say(f"had to kill {', '.join(killed)}")


def _choose_ports(options: Options, number: int) -> EdgePorts:
    public, admin, plain = services.free_ports(3)
    if options.base_port is not None:
        public = options.base_port + number - 1
        admin = public + services.ADMIN_PORT_OFFSET
        for port in (public, admin):
            if not services.is_free(port):
                raise StackError(f"port {port} is taken: choose another --base-port")
    elif options.preferred_port is not None and number == 1:
        # The sample's second listener is just above its first.
        wanted = options.preferred_port
        public = wanted if services.is_free(wanted) else public
        admin = wanted + 1 if services.is_free(wanted + 1) else admin
    return EdgePorts(public, admin, plain if options.plain else None)


def _start_edges(
    options: Options,
    layout: Layout,
    started: Record,
    sockets: tuple[Path, ...],
    tls: Certificates,
    keys: Keys,
    include: Path | None,
) -> list[EdgePorts]:
    started_edges: list[EdgePorts] = []
    context = ssl.create_default_context(cafile=str(tls.ca))
    for number in range(1, options.edges + 1):
        deadline = time.monotonic() + READY_WAIT
        for attempt in range(1, PORT_TRIES + 1):
            ports = _choose_ports(options, number)
            edge = services.start_edge(
                started, layout, number, ports, sockets, tls, keys, include, options.tune
            )

            def connect(port: int = ports.public) -> http.client.HTTPConnection:
                return http.client.HTTPSConnection("localhost", port, timeout=5, context=context)

            try:
                wait_ready(edge, layout, connect, deadline)
                started_edges.append(ports)
                break
            except StackError as error:
                taken = "Address already in use" in str(error)
                if not taken or options.base_port is not None or attempt == PORT_TRIES:
                    raise
                started.children.remove(edge)
                started.save()
    return started_edges


def start(directory: Path, repository: Path, preset: str, options: Options) -> tuple[Stack, DirectoryLock]:
    """Starts everything and waits until it answers. On any failure what was started is stopped again."""

    def own(name: str) -> Path | None:
        """The user's file of that name in DIR, when it is there."""
        path = options.config / name if options.config else None
        return path if path and path.exists() else None

    layout = Layout(repository, preset, directory)
    services.require_built(layout)
    layout.executor_socket(options.executors)  # says early when the path is too long
    started, lock = _open_directory(directory)
    try:
        layout.log.mkdir()
        layout.run.mkdir(mode=0o700)
        tls = make_certificates(directory / "tls")
        make_edge_secret(directory / "edge_secret")
        keys = make_keys(directory / "api_keys", own("api_keys"))
        script = own("llm.json") or repository / "tests" / "fakes" / "scripts" / "demo.json"
        own_config = own("gateway.yaml")
        config = own_config or repository / "config" / "gateway.yaml"
        urls = services.start_doubles(started, layout, script, options.base_port)
        environment = {**urls, **({} if own_config else real_llm.DEMO), **options.environment}
        numbers = range(1, options.executors + 1)
        sockets = tuple(layout.executor_socket(number) for number in numbers)
        executors = [services.start_executor(started, layout, i, config, environment) for i in numbers]
        deadline = time.monotonic() + READY_WAIT
        for executor, path in zip(executors, sockets, strict=True):
            wait_ready(executor, layout, partial(UnixConnection, path), deadline)
        include = own("nginx.d")
        edges = _start_edges(options, layout, started, sockets, tls, keys, include)
        return Stack(layout, started, tls, keys, urls, edges), lock
    except BaseException:
        finish(started, keep_logs=False)
        lock.release()
        raise


def start_executor_again(layout: Layout, number: int, program: procfs.Program) -> Child:
    """Another process of an executor that drains or is dead; `program` is what that one ran. Its socket's path
    must be free by now. On record like the others, and ready when this returns."""
    lock = DirectoryLock(layout.directory)
    try:
        found = record.load(layout.directory)
        if found is None:
            raise StackError(f"no stack in {layout.directory}")
        name = f"executor-{number}"
        added = {key: value for key, value in program.environment.items() if os.environ.get(key) != value}
        child = process.start(found, name, "executor", program.command, added, layout.output(name))
        connect = partial(UnixConnection, layout.executor_socket(number))
        wait_ready(child, layout, connect, time.monotonic() + READY_WAIT)
        return child
    finally:
        lock.release()


def give_up_ownership(started: Record) -> None:
    """`up` is done: from now on only `down` looks after the stack."""
    started.owner_pid = 0
    started.owner_start_time = 0
    started.save()


def watch(stack: Stack) -> NoReturn:
    """Raises when a part of the stack ended."""
    while True:
        for child in stack.record.children:
            services.require_alive(child, stack.layout)
        time.sleep(0.2)


def finish(stopped: Record, keep_logs: bool) -> list[str]:
    """Stops all, removes all. Returns the sanitizer reports that were there."""
    _stop_children(stopped)
    directory = stopped.directory
    reports = [process.tail(path, 200) for path in services.sanitizer_reports(directory / "log")]
    empty(directory, frozenset({"log"}) if keep_logs else frozenset())
    if stopped.created_directory and not os.listdir(directory):
        directory.rmdir()
    return reports


def stop(directory: Path, keep_logs: bool) -> list[str] | None:
    """None when there is no stack in D."""
    found = record.load(directory)
    if found is None:
        return None
    if found.owner_alive:
        os.kill(found.owner_pid, signal.SIGTERM)
        deadline = time.monotonic() + OWNER_WAIT
        while procfs.is_running(found.owner_pid, found.owner_start_time):
            if time.monotonic() > deadline:
                os.kill(found.owner_pid, signal.SIGKILL)
                deadline += OWNER_WAIT
            time.sleep(0.05)
        found = record.load(directory)
        if found is None:
            return []
    lock = DirectoryLock(directory)
    try:
        gone = [child.name for child in found.children if not child.alive]
        if gone:
            say(f"had ended before: {', '.join(gone)}")
        return finish(found, keep_logs)
    finally:
        lock.release()
