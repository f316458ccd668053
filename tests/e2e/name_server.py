"""A name server for one stack alone, which answers, or hangs, as a test says."""

import os
import shlex
import shutil
import socket
import struct
import threading
from pathlib import Path

PORT = 53  # the only one that resolv.conf knows
HEADER = struct.Struct("!HHHHHH")
ANSWERED, NO_SUCH_NAME = 0x8180, 0x8183
A = 1


def why_not() -> str | None:
    """A stack with a resolv.conf of its own needs a namespace for mounts."""
    if os.geteuid() != 0:
        return "needs root: a name server of the test's own has port 53 and a namespace for mounts"
    if shutil.which("unshare") is None or os.system("unshare -m true 2>/dev/null") != 0:
        return "namespaces for mounts cannot be made here"
    return None


class NameServer:
    """Every name of `.test` is 127.0.0.1; other names do not exist. Names that hang are heard, and not answered."""

    def __init__(self):
        # An address of the loopback net that nobody else uses.
        self.address = f"127.53.{os.getpid() // 250 % 250 + 1}.{os.getpid() % 250 + 1}"
        self.lock = threading.Lock()
        self.hanging: set[str] = set()
        self.all_hang = False
        self.asked: list[str] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, PORT))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def prefix(self, directory: Path) -> tuple[str, ...]:
        """Starts programs that ask this server alone, each name for longer than any test waits."""
        resolv = directory / "resolv.conf"
        resolv.write_text(f"nameserver {self.address}\noptions timeout:30 attempts:2\n")
        command = f'mount --bind {shlex.quote(str(resolv))} "$(readlink -f /etc/resolv.conf)" && exec "$@"'
        return ("unshare", "--mount", "sh", "-ec", command, "sh")

    def hang(self, *names: str) -> None:
        with self.lock:
            self.hanging.update(names)

    def hang_for_all(self, hangs: bool) -> None:
        with self.lock:
            self.all_hang = hangs

    def times_asked(self, name: str) -> int:
        """For an address of version 4."""
        with self.lock:
            return self.asked.count(name)

    def end(self) -> None:
        self.hang_for_all(False)
        self.socket.sendto(b"", (self.address, PORT))  # wakes the thread, which then leaves
        self.thread.join(10)
        self.socket.close()

    def _serve(self) -> None:
        while True:
            query, peer = self.socket.recvfrom(4096)
            if not query:
                return
            name, kind, question = self._question(query)
            with self.lock:
                if kind == A:
                    self.asked.append(name)
                is_mute = self.all_hang or name in self.hanging
            if not is_mute:
                self.socket.sendto(self._answer(query, name, kind, question), peer)

    @staticmethod
    def _question(query: bytes) -> tuple[str, int, bytes]:
        labels, at = [], HEADER.size
        while size := query[at]:
            labels.append(query[at + 1 : at + 1 + size].decode())
            at += 1 + size
        end = at + 5  # the last, empty label, type and class
        return ".".join(labels).lower(), int.from_bytes(query[at + 1 : at + 3], "big"), query[HEADER.size : end]

    @staticmethod
    def _answer(query: bytes, name: str, kind: int, question: bytes) -> bytes:
        number = int.from_bytes(query[:2], "big")
        if not name.endswith(".test"):
            return HEADER.pack(number, NO_SUCH_NAME, 1, 0, 0, 0) + question
        if kind != A:
            return HEADER.pack(number, ANSWERED, 1, 0, 0, 0) + question
        record = struct.pack("!HHHIH", 0xC00C, A, 1, 1, 4) + socket.inet_aton("127.0.0.1")
        return HEADER.pack(number, ANSWERED, 1, 1, 0, 0) + question + record
