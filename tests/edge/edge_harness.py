"""Runs a real nginx with the module, in a directory of its own, on a port that the kernel chose."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

from fake_executor import Message

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECRET = "edge-secret-of-the-tests-0123456789abcdef"
DEADLINE = 20  # seconds, for anything that should take none


def find_module():
    given = os.environ.get("AGW_MODULE")
    if given:
        return pathlib.Path(given).resolve()
    built = [
        path
        for preset in ("asan", "release", "dev")
        if (path := ROOT / "build" / preset / "ngx_module/ngx_http_agent_module.so").exists()
    ]
    assert built, "no ngx_http_agent_module.so under build/; build it or set AGW_MODULE"
    return max(built, key=lambda path: path.stat().st_mtime)


def sanitizer_environment(module):
    """A sanitised module needs its runtimes loaded before the stock nginx starts."""
    code = module.read_bytes()
    libraries = [name for name in ("libasan.so", "libubsan.so") if name.encode() in code]
    if not libraries:
        return {}
    paths = [
        subprocess.run(["g++", "-print-file-name=" + name], capture_output=True, text=True, check=True).stdout.strip()
        for name in libraries
    ]
    return {
        "LD_PRELOAD": ":".join(paths),
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }


def key_line(name, words="allow=* scopes=chat", secret=None):
    digest = hashlib.sha256((secret or secret_of(name)).encode()).hexdigest()
    return f"{name} sha256:{digest} {words}\n"


def secret_of(name):
    return "agk_" + name


LOG_FORMAT = """
    map $agent_total_tokens $log_total { "" null; default $agent_total_tokens; }
    log_format test escape=json '{"request_id":"$agent_request_id","method":"$request_method","path":"$agent_path",'
        '"status":$status,"key_id":"$agent_key_id","scopes":"$agent_scopes","model":"$agent_model",'
        '"stream":"$agent_stream","body":"$agent_body_status","prompt":"$agent_prompt_tokens",'
        '"completion":"$agent_completion_tokens","total":$log_total,"run_id":"$agent_run_id",'
        '"user":"$agent_user","limit":"$agent_limit_status","limited_by":"$agent_limited_by",'
        '"charged":"$agent_charged_tokens","error":"$agent_error_code"}';
"""

# In server {}: the process that answered.
SHOW_WORKER = "add_header X-Worker $pid always;"

ERROR_PAGES = """
        error_page 400 401 403 404 405 408 411 413 414 415 416 417 421 424 429 431 495 496 497
                   500 501 502 503 504 505 /agent_error;
        error_page 494 =431 /agent_error;
        location = /agent_error { internal; agent_error; }
"""

STATUS = "location = /status { access_log off; agent_status json; }"

LOCATIONS = """
        location = /v1/chat/completions {
            agent_scope chat;
            client_max_body_size 16m;
            client_body_buffer_size 512k;
            proxy_pass http://executors;
        }
        location /v1/ { agent_scope chat mcp runs admin; proxy_pass http://executors; }
        location = /tools { agent_scope admin; proxy_pass http://executors; }
        %s
        location = /metrics { access_log off; agent_status; }
        location = /ready { proxy_pass http://executors; }
        location = /health { return 200 '{"status":"ok"}'; }
        location / { return 404; }
""" % STATUS


class Edge:
    def __init__(self, directory, executor=None, keys=None, *, main="", http="", server="", locations=LOCATIONS,
                 zone="agents:4m keys=1000", workers=1, tls=False, listen_options="", connections=512,
                 environment=None, status_socket=False):
        """`status_socket`: agent_status is asked there, so that the listener may speak whatever a test wants."""
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.module = find_module()
        self.environment = {**os.environ, **sanitizer_environment(self.module), **(environment or {})}
        self.error_log = self.directory / "error.log"
        self.access_log = self.directory / "access.log"
        self.stderr = self.directory / "stderr.log"
        self.keys_file = self.directory / "api_keys"
        self.secret_file = self.directory / "edge_secret"
        self.config_file = self.directory / "nginx.conf"
        self.write_keys(keys if keys is not None else key_line("alice"))
        self.secret_file.write_text(SECRET + "\n")
        self.secret_file.chmod(0o600)
        self.process = None
        self.listener = None
        self.expected = []
        self.tls = tls
        self.status_socket = self.directory / "status.sock" if status_socket else None
        if status_socket:
            http += f"\n    server {{ listen unix:{self.status_socket}; {STATUS} }}\n"
        self.values = dict(main=main, http=http, server=server, locations=locations, zone=zone, workers=workers,
                           executor=executor or "127.0.0.1:1", listen_options=listen_options, connections=connections)

    # Files

    def write_keys(self, text):
        """As the documentation asks: by rename."""
        fresh = self.keys_file.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(self.keys_file)

    def render(self, listen):
        v = self.values
        return f"""
load_module {self.module};
daemon off;
{"user root;" if os.geteuid() == 0 else ""}
worker_processes {v["workers"]};
thread_pool agent threads=1;
pid {self.directory}/nginx.pid;
error_log {self.error_log} notice;
{v["main"]}
events {{ worker_connections {v["connections"]}; }}
http {{
    agent_zone {v["zone"]};
    agent_keys {self.keys_file};
    agent_edge_secret {self.secret_file};
{LOG_FORMAT}
    access_log {self.access_log} test;
    client_body_temp_path {self.directory}/client_body;
    proxy_temp_path {self.directory}/proxy;
    fastcgi_temp_path {self.directory}/fastcgi;
    uwsgi_temp_path {self.directory}/uwsgi;
    scgi_temp_path {self.directory}/scgi;
    default_type application/json;
    lingering_time 2s;
    lingering_timeout 1s;
    merge_slashes off;
    upstream executors {{ server {v["executor"]} max_fails=0; keepalive 16; }}
{v["http"]}
    server {{
        listen {listen} {v["listen_options"]};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;
        proxy_connect_timeout 2s;
        proxy_next_upstream_tries 0;
{ERROR_PAGES}
{v["server"]}
{v["locations"]}
    }}
}}
"""

    # nginx

    def check(self, config=None):
        """nginx -t: (succeeded, what it said)."""
        self.config_file.write_text(config or self.render(f"unix:{self.directory}/check.sock"))
        result = subprocess.run(self._command("-t"), env=self.environment, capture_output=True, text=True,
                                timeout=DEADLINE)
        return result.returncode == 0, result.stderr

    def start(self, config_for=None):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.config_file.write_text((config_for or self.render)(f"127.0.0.1:{self.port}"))
        # nginx takes over the socket as in a binary upgrade, so no port is ever given up and claimed again. It
        # believes such a socket to be non-blocking: workers that race for a connection would hang in accept.
        self.listener.setblocking(False)
        environment = {**self.environment, "NGINX": f"{self.listener.fileno()};"}
        with open(self.stderr, "wb") as stderr:
            self.process = subprocess.Popen(self._command(), env=environment, stderr=stderr,
                                            pass_fds=[self.listener.fileno()], start_new_session=True)
        self.wait_for(lambda: "start worker process" in self.errors(), "workers")
        self.listener.close()
        return self

    def _command(self, *arguments):
        # By its full path: a binary upgrade starts the same program without a search.
        return [shutil.which("nginx"), "-p", str(self.directory), "-c", str(self.config_file), "-e",
                str(self.error_log), *arguments]

    def errors(self):
        return self.error_log.read_text(errors="replace") if self.error_log.exists() else ""

    def wait_for(self, condition, what):
        end = time.monotonic() + DEADLINE
        while not (result := condition()):
            assert self.process is None or self.process.poll() is None, (
                f"nginx ended: {self.errors()}{self.stderr.read_text(errors='replace')}")
            assert time.monotonic() < end, f"no {what} within {DEADLINE} s: {self.errors()[-2000:]}"
            time.sleep(0.01)
        return result

    def expect_error(self, message):
        """Waits for an error that the test has provoked; the end of the test lets it pass."""
        self.expected.append(message)
        self.wait_for(lambda: message in self.errors(), message)

    def reload(self):
        generations = self.errors().count("agent_keys: ")
        self.process.send_signal(signal.SIGHUP)
        self.wait_for(lambda: self.errors().count("agent_keys: ") > generations, "new generation")

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)  # its own group: the workers too
                self.process.wait()
                raise AssertionError("nginx did not finish its requests: " + self.errors()[-2000:])
            self.process = None
        text = self.errors() + (self.stderr.read_text(errors="replace") if self.stderr.exists() else "")
        bad = re.findall(
            r".*(?:\[alert\]|\[emerg\]|exited on signal|open socket|AddressSanitizer|runtime error:).*", text)
        bad = [line for line in bad if not any(message in line for message in self.expected)]
        assert not bad, "\n".join(bad[:20]) + text[-4000:]

    @contextlib.contextmanager
    def running(self, config_for=None):
        self.start(config_for)
        try:
            yield self
        except BaseException:
            os.killpg(self.process.pid, signal.SIGKILL)  # what failed is what is told, and at once
            self.process.wait()
            raise
        self.stop()

    # Clients

    def url(self, path=""):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}{path}"

    def connect(self):
        return Client(socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE))

    def _connect_for_status(self):
        if self.status_socket is None:
            return self.connect()
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(DEADLINE)
        sock.connect(str(self.status_socket))
        return Client(sock)

    def status(self):
        """agent_status in one level: {"name": value, 'name{label="value",…}': value}."""
        with self._connect_for_status() as client:
            document = client.request("GET", "/status", key=None).json()
        flat = {}
        for name, value in document.items():
            name = name.removeprefix("agent_gateway_edge_")
            if not isinstance(value, list):
                flat[name] = value
                continue
            for sample in value:
                labels = ",".join(f"{label}={text}" for label, text in sample["labels"].items())
                flat[f"{name}{{{labels}}}"] = sample["value"]
        return flat

    def wait_for_rest(self):
        """Nothing is held for any request; the end of a request is noticed a moment after the client is gone."""
        def rests():
            status = self.status()
            held = ("slots", "reserved_tokens", "ledger_entries", "open_chats")
            return status if all(status[name] == 0 for name in held) else None
        return self.wait_for(rests, "rest")

    def worker_pids(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children]

    def connect_to_each_worker(self, count=1):
        """{worker: `count` connections that it has taken}; needs SHOW_WORKER. Which worker takes a connection is
        the kernel's choice, so many are made."""
        def serving():
            pids = [pid for pid in self.worker_pids() if not is_leaving(pid)]
            return pids if len(pids) == self.values["workers"] else None
        found = {pid: [] for pid in self.wait_for(serving, "workers")}

        def look():
            clients = [self.connect() for _ in range(8 * len(found))]
            for client in clients:
                client.send(build_request("GET", "/health", key=None))
            for client in clients:
                mine = found[int(client.response().header("X-Worker"))]
                mine.append(client) if len(mine) < count else client.sock.close()
            return all(len(clients) == count for clients in found.values())
        self.wait_for(look, "connection to each worker")
        return found

    def replace_workers(self):
        """A reload, until the workers of before take no new connection. Returns those of them that live on."""
        old = self.worker_pids()
        self.reload()

        def are_replaced():
            fresh = [pid for pid in self.worker_pids() if pid not in old and not is_leaving(pid)]
            return len(fresh) >= self.values["workers"] and all(is_leaving(pid) for pid in old)
        self.wait_for(are_replaced, "new workers")
        return [pid for pid in old if is_alive(pid)]

    def logged(self, request_id):
        """The access log's line for a request; it is written a moment after the answer."""
        def find():
            if not self.access_log.exists():
                return None
            for line in self.access_log.read_text().splitlines():
                entry = json.loads(line)
                if entry["request_id"] == request_id:
                    return entry
            return None
        return self.wait_for(find, f"log line of {request_id}")


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def is_alive(pid):
    return command_line(pid) != b""


def is_leaving(pid):
    """The worker is gone, or serves what it has begun and takes nothing new."""
    return not is_alive(pid) or b"shutting down" in command_line(pid)


class Response(Message):
    def __init__(self, status, headers, body):
        super().__init__(headers, body)
        self.status = status

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error object, after a look at its form: all four keys and nothing else."""
        assert self.header("Content-Type") == "application/json", self.headers
        document = self.json()
        assert list(document) == ["error"]
        assert set(document["error"]) == {"message", "type", "param", "code"}
        assert document["error"]["message"]
        return document["error"]


class Client:
    """HTTP/1.1 over a raw socket: says exactly what is sent, and sees exactly what comes."""

    def __init__(self, sock):
        self.sock = sock
        if sock.family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def request(self, method, target, headers=(), body=None, key="alice"):
        self.send(build_request(method, target, headers, body, key))
        return self.response(method)

    def chat(self, body, headers=(), key="alice"):
        return self.request("POST", "/v1/chat/completions", headers, body, key)

    def response(self, method="GET"):
        response = self.head()
        if method == "HEAD" or response.status in (204, 304):
            return response
        if response.header("Transfer-Encoding") == "chunked":
            while chunk := self.chunk():
                response.body += chunk
        else:
            response.body = self.take(int(response.header("Content-Length")))
        return response

    def head(self):
        version, status, *_ = self.line().decode("latin-1").split(" ", 2)
        assert version == "HTTP/1.1"
        headers = []
        while line := self.line():
            name, value = line.decode("latin-1").split(":", 1)
            headers.append((name, value.strip()))
        return Response(int(status), headers, b"")

    def chunk(self):
        """The next chunk; empty at the end of the stream."""
        size = int(self.line(), 16)
        data = self.take(size)
        assert self.line() == b""
        return data

    def line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def take(self, size):
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def is_closed(self):
        """Waits for the server's FIN."""
        assert self.buffer == b""
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True

    def _more(self):
        data = self.sock.recv(65536)
        assert data, f"connection closed after {self.buffer[-200:]!r}"
        self.buffer += data


def build_request(method, target, headers=(), body=None, key="alice"):
    lines = [f"{method} {target} HTTP/1.1", "Host: edge"]
    if key is not None:
        lines.append(f"Authorization: Bearer {secret_of(key)}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        body = body if isinstance(body, bytes) else body.encode()
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def make_certificate(directory):
    """A self-signed certificate for 127.0.0.1: (certificate file, key file)."""
    directory = pathlib.Path(directory)
    certificate, key = directory / "server.crt", directory / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=edge.test",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True)
    return certificate, key


def trusting(certificate):
    return ssl.create_default_context(cafile=str(certificate))


class HeldStreams:
    """What an executor answers: to a chat that asks for a stream its beginning, and the rest is the test's."""

    def __init__(self, answer=lambda request, connection: connection.answer()):
        self.answer = answer  # of everything else
        self.connections = {}

    def __call__(self, request, connection):
        if b'"stream":true' not in request.body:
            return self.answer(request, connection)
        # The edge closes the connection when the stream ends, so that it is never another request that comes here.
        connection.start_stream([("Connection", "close")])
        self.connections[request.header("X-Request-Id")] = connection
        connection.chunk("data: begin\n\n")
        connection.wait_for_hangup()
        return True

    def open(self, client, body='{"model":"m","stream":true}', key="alice"):
        return self.open_all([client], body, key)[0]

    def open_all(self, clients, body='{"model":"m","stream":true}', key="alice"):
        """On all of these connections at once."""
        for client in clients:
            client.send(build_request("POST", "/v1/chat/completions", body=body, key=key))
        return [HeldStream(client, self) for client in clients]


class HeldStream:
    """A client in the middle of its stream. `worker`: the process that serves it, with SHOW_WORKER."""

    def __init__(self, client, streams):
        self.client = client
        head = client.head()
        assert head.status == 200, head.status
        assert client.chunk() == b"data: begin\n\n"
        self.connection = streams.connections[head.header("X-Request-Id")]
        self.worker = int(head.header("X-Worker") or 0)

    def goes_on(self, text="data: more\n\n"):
        self.connection.chunk(text)
        return self.client.chunk() == text.encode()

    def end(self):
        """As the executor ends it; the client has seen all of it."""
        self.connection.end_stream()
        assert self.client.chunk() == b""
        self.client.sock.close()

    def abort(self):
        self.client.sock.close()
