"""A running stack of `./dev up`, its keys and its doubles, for the tests of this folder."""

import contextlib
import hashlib
import http.client
import json
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

E2E = Path(__file__).resolve().parent
ROOT = E2E.parent.parent
CONFIG = E2E / "config"
SCRIPT = ROOT / "tests/fakes/scripts/test.json"
LLM_KEY = "llm-key-of-the-tests"  # also in config/gateway.yaml
ERROR_KEYS = {"message", "type", "param", "code"}
START_TIMEOUT_S = 180
STOP_TIMEOUT_S = 120
REPORT = re.compile(
    r"\[(?:alert|emerg)\]|AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|ThreadSanitizer|runtime error:"
)

# Keys of the tests beside the two of the stack: what they may do is written in the key file. The sample's default
# limits are not what these tests are about.
UNLIMITED = "requests=10m/s tokens=100m/s streams=100k"
EXTRA_KEYS = {
    "limited": f"allow=default/allowed scopes=chat {UNLIMITED}",
    "denied": f"allow=* deny=default/forbidden scopes=chat {UNLIMITED}",
    "expired": "allow=* scopes=chat expires=2020-01-01T00:00:00Z",
    "nothing": f"scopes=chat {UNLIMITED}",
    "quirks": f"allow=quirks/* scopes=chat {UNLIMITED}",
    "other-scope": "allow=* scopes=mcp requests=10m/s",
    "chain": f"allow=scripted/* scopes=chat {UNLIMITED}",  # of a gateway that is its own upstream
}


def secret_of(key_id: str) -> str:
    return "agk_" + hashlib.sha256(f"end-to-end {key_id}".encode()).hexdigest()[:43]


def wait_until(condition, what: str, seconds: float = 10):
    """The first true result of `condition`."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)
    return result


def has_ended(pid: int) -> bool:
    """The first thread may be gone while others still hold the sockets: wait for the last one."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state in "ZX" and len(os.listdir(f"/proc/{pid}/task")) <= 1
    except (FileNotFoundError, ProcessLookupError):
        return True


@dataclass
class Stack:
    directory: Path
    environment: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.environment[name]

    @property
    def url(self) -> str:
        return self["AGENT_URL"]

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("https://").split(":")
        return host, int(port)

    @property
    def config_file(self) -> Path:
        """The executors' own, in a folder beside the stack's."""
        return self.directory.parent / "config/gateway.yaml"

    @property
    def log_directory(self) -> Path:
        return Path(self["AGENT_LOG_DIR"])

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self["SSL_CERT_FILE"])

    def client(self, key: str | None = None, **options) -> httpx.Client:
        """`key`: a secret; the user's key of the stack when it is left out, none when it is empty."""
        secret = self["AGENT_KEY"] if key is None else key
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        options.setdefault("timeout", 30)
        options.setdefault("base_url", self.url)
        return httpx.Client(verify=self.tls(), headers=headers, **options)

    def admin_client(self, key: str | None = None) -> httpx.Client:
        """Of the listener for administrators; their key when it is left out."""
        return self.client(self["AGENT_ADMIN_KEY"] if key is None else key, base_url=self["AGENT_ADMIN_URL"])

    def connection(self) -> http.client.HTTPSConnection:
        """One HTTP/1.1 connection, used again as long as the edge keeps it."""
        host, port = self.address
        return http.client.HTTPSConnection(host, port, timeout=30, context=self.tls())

    def socket(self) -> ssl.SSLSocket:
        host, port = self.address
        return self.tls().wrap_socket(socket.create_connection((host, port), timeout=30), server_hostname=host)

    def socket_with_chat(self, model: str, stream: bool = False, **more) -> ssl.SSLSocket:
        """A connection on which a chat has been asked for; what comes, and when it ends, is the caller's."""
        payload = json.dumps(chat(model, stream=stream, **more)).encode()
        peer = self.socket()
        peer.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + f"Authorization: Bearer {self['AGENT_KEY']}\r\nContent-Length: {len(payload)}\r\n\r\n".encode()
            + payload
        )
        return peer

    # The doubles.

    def llm_requests(self) -> list[dict]:
        return httpx.get(self["LLM_URL"] + "/_requests", timeout=30).raise_for_status().json()

    def llm_stats(self) -> dict:
        return httpx.get(self["LLM_URL"] + "/_stats").raise_for_status().json()

    def mcp_calls(self) -> list[dict]:
        return httpx.get(self["MCP_URL"].removesuffix("/mcp") + "/_calls").raise_for_status().json()

    def http_calls(self) -> list[dict]:
        return httpx.get(self["HTTP_URL"] + "/_calls").raise_for_status().json()

    def forget(self) -> None:
        """Empties what the doubles recorded, once none of them is busy any more."""
        wait_until(lambda: self.llm_stats()["open"] == 0, "the LLM double is idle")
        httpx.delete(self["LLM_URL"] + "/_requests").raise_for_status()
        httpx.delete(self["MCP_URL"].removesuffix("/mcp") + "/_calls").raise_for_status()
        httpx.delete(self["HTTP_URL"] + "/_calls").raise_for_status()

    # Logs.

    def log_lines(self, request_id: str) -> list[dict]:
        """Every JSON line of any log that has this request id; `log_file` says which log."""
        found = []
        for path in sorted(self.log_directory.rglob("*.log")):
            for line in path.read_text(errors="replace").splitlines():
                if request_id in line and line.startswith("{"):
                    entry = json.loads(line)
                    if entry.get("request_id") == request_id:
                        found.append({**entry, "log_file": path.name})
        return found

    def request_line(self, answer) -> dict:
        """What the executor has logged of the request; it does that once the answer is on its way."""
        request_id = answer.headers["x-request-id"]

        def found():
            executors = [line for line in self.log_lines(request_id) if line["log_file"].startswith("executor")]
            return [line for line in executors if line["event"] == "request"]

        (line,) = wait_until(found, "the request is in the log")
        return line

    def executor_events(self, number: int) -> list[dict]:
        lines = (self.log_directory / f"executor-{number}.log").read_text().splitlines()
        return [json.loads(line) for line in lines]


def prepare_config(directory: Path, source: Path) -> Path:
    config = directory / "config"
    shutil.copytree(source, config)
    lines = [
        f"{key_id} sha256:{hashlib.sha256(secret_of(key_id).encode()).hexdigest()} {words}\n"
        for key_id, words in EXTRA_KEYS.items()
    ]
    (config / "api_keys").write_text("".join(lines))
    return config


def _dev(*arguments, timeout: float, added: dict[str, str] | None = None, prefix: tuple[str, ...] = ()) -> str:
    # What is tested is built already: a test that compiled would run into its time limit.
    preset = {"AGW_PRESET": os.environ.get("AGW_PRESET", "asan"), "AGW_NO_BUILD": "1"}
    environment = {**os.environ, **preset, **(added or {})}
    done = subprocess.run(
        [*prefix, ROOT / "dev", *arguments],
        env=environment, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"./dev {' '.join(map(str, arguments))}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def start(
    directory: Path,
    *options,
    config: Path = CONFIG,
    script: Path = SCRIPT,
    environment: dict[str, str] | None = None,
    prefix: tuple[str, ...] = (),
) -> Stack:
    """`environment` is added to that of the stack's programs; `prefix` is a program that starts them all."""
    config = prepare_config(directory, config)
    arguments = ("up", "--dir", directory / "d", "--config", config, *options)
    output = _dev(*arguments, timeout=START_TIMEOUT_S, added=environment, prefix=prefix)
    exports = {}
    for line in output.splitlines():
        words = shlex.split(line)
        assert len(words) == 2 and words[0] == "export", f"not an export line: {line}"
        name, value = words[1].split("=", 1)
        exports[name] = value
    stack = Stack(directory / "d", exports)
    content = {**json.loads(script.read_text()), "expect_key": LLM_KEY}
    httpx.put(stack["LLM_URL"] + "/_script", json=content).raise_for_status()
    return stack


def stop(directory: Path, secrets: tuple[str, ...] = ()) -> None:
    """Stops the stack and fails when a log holds a sanitizer's report, an alert of nginx, or a secret."""
    secrets = (LLM_KEY, "agk_", *secrets)
    _dev("down", "--dir", directory / "d", "--keep-logs", timeout=STOP_TIMEOUT_S)
    bad = []
    for path in sorted((directory / "d").rglob("*")):
        if not path.is_file():
            continue
        for line in path.read_text(errors="replace").splitlines():
            if REPORT.search(line) or any(secret in line for secret in secrets):
                bad.append(f"{path.name}: {line[:500]}")
    assert not bad, "\n".join(bad[:50])


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Stack]:
    try:
        yield start(directory)
    finally:
        stop(directory)


def read_until(peer: ssl.SSLSocket, mark: bytes) -> bytes:
    received = b""
    while mark not in received:
        piece = peer.recv(65536)
        assert piece, received
        received += piece
    return received


def assert_error(answer, status: int, code: str | None = None, param: str | None = "any") -> dict:
    """`answer` is (status, headers, body) or an httpx response; its body must be OpenAI's error object."""
    got_status, headers, body = (
        answer if isinstance(answer, tuple) else (answer.status_code, answer.headers, answer.content)
    )
    text = body.decode("utf-8", "replace")
    assert got_status == status, f"{got_status} instead of {status}: {text[:500]}"
    assert headers["content-type"].startswith("application/json"), text[:500]
    document = json.loads(body)
    assert set(document) == {"error"} and set(document["error"]) == ERROR_KEYS, text[:500]
    error = document["error"]
    assert isinstance(error["message"], str) and error["message"] and isinstance(error["type"], str)
    assert error["code"] is None or isinstance(error["code"], str)
    if code is not None:
        assert error["code"] == code, text[:500]
    if param != "any":
        assert error["param"] == param, text[:500]
    return error


def chat(model: str, text: str = "Hello", stream: bool = False, **more) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream, **more}


def data_of(text: str) -> list[str]:
    """The data of each event of a chat stream; comments may stand between, nothing else."""
    blocks = text.split("\n\n")
    assert blocks.pop() == "", "the stream ends in the middle of an event"
    data = []
    for block in blocks:
        if block.startswith(":"):
            assert "\n" not in block and "usage" not in block, block
            continue
        assert block.startswith("data: ") and "\n" not in block, block
        data.append(block.removeprefix("data: "))
    return data
