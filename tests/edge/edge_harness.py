"""Runs a real nginx with the module, in a directory of its own, on a port that the kernel chose."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

from edge_config import LOCATIONS, STATUS, nginx_conf
from edge_keys import SECRET, key_line
from edge_module import find_module, sanitizer_environment
from raw_client import Client, build_request
from worker_processes import is_alive, is_leaving

DEADLINE = 20  # seconds, for anything that should take none


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
        return nginx_conf(self, listen)

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
