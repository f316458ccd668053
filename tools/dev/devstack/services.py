"""The programs of a stack, in the order in which they start: doubles, executors, edges."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import edge_conf, process
from .credentials import Certificates, Keys
from .record import Child, Record
from .report import StackError

# Ports with --base-port P: edges from P, their listeners for administrators and the doubles at a fixed distance.
ADMIN_PORT_OFFSET = 50
DOUBLE_PORT_OFFSET = {"llm": 100, "mcp": 101, "http-tool": 102}
MAX_EDGES = 16
MAX_EXECUTORS = 16
PORT_FILE_WAIT = 30.0  # seconds; a sanitizer build on a busy machine is slow
MAX_UNIX_PATH = 107  # bytes, of sockaddr_un without its final NUL


@dataclass(frozen=True)
class Layout:
    """Paths inside D and inside the repository."""

    repository: Path
    preset: str
    directory: Path

    @property
    def build(self) -> Path:
        return self.repository / "build" / self.preset

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def run(self) -> Path:
        return self.directory / "run"

    @property
    def python(self) -> Path:
        return self.repository / ".venv" / "bin" / "python"

    @property
    def executor(self) -> Path:
        return self.build / "executor" / "agent-executor"

    @property
    def edge_preset(self) -> str:
        """Where the edge's module is from: tsan builds none, as nginx itself would have to know ThreadSanitizer."""
        return "asan" if self.preset == "tsan" else self.preset

    @property
    def module(self) -> Path:
        return self.repository / "build" / self.edge_preset / "ngx_module" / "ngx_http_agent_module.so"

    @property
    def scripted_llm(self) -> Path:
        return self.build / "tests" / "fakes" / "scripted_llm"

    def output(self, name: str) -> Path:
        return self.log / f"{name}.out"

    def executor_socket(self, number: int) -> Path:
        path = self.run / f"executor-{number}.sock"
        if len(os.fsencode(path)) > MAX_UNIX_PATH:
            raise StackError(f"{path} is too long for a unix socket; choose a shorter folder with --dir")
        return path


def require_built(layout: Layout) -> None:
    for path in (layout.executor, layout.module, layout.scripted_llm, layout.python):
        if not path.exists():
            preset = layout.edge_preset if path == layout.module else layout.preset
            raise StackError(f"{path.relative_to(layout.repository)} is missing: ./dev build {preset}")


def _sanitizer_environment(layout: Layout, leaks: bool) -> dict[str, str]:
    """Reports go to files of D/log, named asan.PID and ubsan.PID. Who measures memory gives ASAN_OPTIONS of their own."""
    if layout.preset not in ("asan", "tsan"):
        return {}
    given = os.environ.get("ASAN_OPTIONS", "")
    return {
        "ASAN_OPTIONS": f"{given}:detect_leaks={int(leaks)}:log_path={layout.log}/asan".lstrip(":"),
        "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={layout.log}/ubsan",
        "TSAN_OPTIONS": f"log_path={layout.log}/tsan",
    }


def _preload(layout: Layout) -> dict[str, str]:
    """Debian's nginx knows nothing of sanitizers, so the module's run-time library has to come first."""
    if layout.edge_preset != "asan":
        return {}
    paths = []
    for library in ("libasan.so", "libubsan.so"):
        done = subprocess.run(
            ["g++", f"-print-file-name={library}"], capture_output=True, text=True, check=True, timeout=30
        )
        paths.append(done.stdout.strip())
    return {"LD_PRELOAD": " ".join(paths)}


def sanitizer_reports(log: Path) -> list[Path]:
    return sorted(path for kind in ("asan", "ubsan", "tsan") for path in log.glob(f"{kind}.*"))


def last_words(child: Child, layout: Layout) -> str:
    paths = [
        layout.output(child.name),
        layout.log / f"{child.name}.log",
        layout.log / child.name / "error.log",
    ]
    paths += [report for report in sanitizer_reports(layout.log) if report.suffix == f".{child.pid}"]
    return "\n".join(text for path in paths if (text := process.tail(path)))


def require_alive(child: Child, layout: Layout) -> None:
    end = process.poll(child)
    if end is not None:
        raise StackError(f"{child.name} {end}; its last words:\n{last_words(child, layout)}")


def _wait_for_port(child: Child, port_file: Path, layout: Layout) -> int:
    deadline = time.monotonic() + PORT_FILE_WAIT
    while True:
        try:
            text = port_file.read_text()
        except FileNotFoundError:
            text = ""
        if text.endswith("\n"):  # written whole
            return int(text)
        require_alive(child, layout)
        if time.monotonic() > deadline:
            raise StackError(f"{child.name} did not say its port within {PORT_FILE_WAIT:.0f} s")
        time.sleep(0.02)


def start_doubles(record: Record, layout: Layout, script: Path, base_port: int | None) -> dict[str, str]:
    """Where the programs started are asked."""
    fakes = layout.repository / "tests" / "fakes"

    def port(name: str) -> str:
        return "0" if base_port is None else str(base_port + DOUBLE_PORT_OFFSET[name])

    commands = {
        "llm": [str(layout.scripted_llm), "--listen", f"127.0.0.1:{port('llm')}", "--script", str(script)],
        "mcp": [str(layout.python), "-B", str(fakes / "mcp_python" / "server.py"), "--port", port("mcp")],
        "http-tool": [str(layout.python), "-B", str(fakes / "http_tool.py"), "--port", port("http-tool")],
    }
    children = {}
    for name, command in commands.items():
        children[name] = process.start(
            record,
            name,
            "double",
            [*command, "--port-file", str(layout.run / f"{name}.port")],
            _sanitizer_environment(layout, leaks=True),
            layout.output(name),
        )
    url = {
        name: f"http://127.0.0.1:{_wait_for_port(child, layout.run / f'{name}.port', layout)}"
        for name, child in children.items()
    }
    return {
        "LLM_URL": url["llm"],
        "LLM_BASE_URL": url["llm"] + "/v1",
        "MCP_URL": url["mcp"] + "/mcp",
        "HTTP_URL": url["http-tool"],
    }


def start_executor(
    record: Record, layout: Layout, number: int, config: Path, environment: dict[str, str]
) -> Child:
    name = f"executor-{number}"
    return process.start(
        record,
        name,
        "executor",
        [
            str(layout.executor),
            "serve",
            "--config",
            str(config),
            "--listen",
            f"unix:{layout.executor_socket(number)}",
        ],  # fmt: skip
        {
            **environment,
            **_sanitizer_environment(layout, leaks=True),
            "AGENT_GATEWAY_EDGE_SECRET_FILE": str(layout.directory / "edge_secret"),
            "AGENT_GATEWAY_LOG_FILE": str(layout.log / f"{name}.log"),
        },
        layout.output(name),
    )


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now. Somebody may take one before nginx does: the caller tries again."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def start_edge(
    record: Record,
    layout: Layout,
    number: int,
    ports: edge_conf.EdgePorts,
    sockets: tuple[Path, ...],
    certificates: Certificates,
    keys: Keys,
    include: Path | None,
    tune: Callable[[str], str] | None = None,
) -> Child:
    name = f"edge-{number}"
    prefix, log = layout.directory / name, layout.log / name
    for folder in (prefix / "tmp", log):
        folder.mkdir(parents=True, exist_ok=True)
    conf = prefix / "nginx.conf"
    sample = (layout.repository / "conf" / "nginx.conf").read_text(encoding="utf-8")
    paths = edge_conf.EdgePaths(
        module=layout.module,
        api_keys=keys.file,
        edge_secret=layout.directory / "edge_secret",
        certificate=certificates.certificate,
        key=certificates.key,
        prefix=prefix,
        log=log,
        include=include,
        executor_sockets=sockets,
    )
    text = edge_conf.render(sample, paths, ports)
    conf.write_text(tune(text) if tune else text)
    # The command line sets -e because nginx opens its error log before it reads the file.
    command = [
        "nginx",
        "-p",
        f"{prefix}/",
        "-e",
        str(log / "error.log"),
        "-c",
        str(conf),
        "-g",
        "daemon off;",
    ]
    return process.start(
        record,
        name,
        "edge",
        command,
        {**_preload(layout), **_sanitizer_environment(layout, leaks=False)},
        layout.output(name),
    )
