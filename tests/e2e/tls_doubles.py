"""TLS servers as upstreams: one that keeps what it saw of each connection, and what a proxy would see."""

import contextlib
import json
import socket
import ssl
import threading
from dataclasses import dataclass, field

from certificates import Identity

ANSWER = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "in private"}, "finish_reason": "stop"}]}


@dataclass
class Seen:
    """Of one connection."""

    server_name: str | None = None
    protocol: str | None = None
    resumed: bool = False
    requests: list[str] = field(default_factory=list)  # "POST /v1/chat/completions"


class TlsServer:
    """Answers chats over connections that stay open; the model `goodbye` is answered with Connection: close."""

    def __init__(self, identity: Identity, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3):
        self.lock = threading.Lock()
        self.connections: list[Seen] = []  # those whose handshake was good
        self.failed = 0
        self.names: dict[int, str | None] = {}  # what was asked for, by socket
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(identity.certificate, identity.key)
        self.context.maximum_version = newest
        self.context.set_alpn_protocols(["http/1.1"])
        self.context.sni_callback = self._named
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def chats(self) -> list[Seen]:
        """The connections that had one; looks come over others."""
        with self.lock:
            return [seen for seen in self.connections if "POST /v1/chat/completions" in seen.requests]

    def end(self) -> None:
        self.listener.close()

    def _named(self, peer: ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        self.names[id(peer)] = name

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                peer, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        wrapped = self.context.wrap_socket(peer, server_side=True, do_handshake_on_connect=False)
        with wrapped:
            try:
                wrapped.do_handshake()
            except OSError:
                with self.lock:
                    self.failed += 1
                return
            seen = Seen(self.names.pop(id(wrapped), None), wrapped.selected_alpn_protocol(), wrapped.session_reused)
            with self.lock:
                self.connections.append(seen)
            with contextlib.suppress(OSError), wrapped.makefile("rb") as reader:
                while self._answer(wrapped, reader, seen):
                    pass

    def _answer(self, peer: ssl.SSLSocket, reader, seen: Seen) -> bool:
        first = reader.readline()
        if not first:
            return False
        size = 0
        while (line := reader.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        request = reader.read(size)
        with self.lock:
            seen.requests.append(b" ".join(first.split()[:2]).decode())
        is_last = size > 0 and json.loads(request)["model"] == "goodbye"
        body = json.dumps(ANSWER if size > 0 else {"data": []}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        peer.sendall(head.encode() + (b"Connection: close\r\n\r\n" if is_last else b"\r\n") + body)
        return not is_last


class Recorder:
    """A proxy's place: takes connections, keeps the first bytes of each, and says nothing."""

    def __init__(self):
        self.heard: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def environment(self) -> dict[str, str]:
        """What makes programs that look for a proxy use it."""
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        found = {name: self.url for name in names} | {name.lower(): self.url for name in names}
        return found | {"NO_PROXY": "", "no_proxy": ""}

    def end(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                peer, _ = self.listener.accept()
                with peer:
                    peer.settimeout(1)
                    self.heard.append(b"(nothing)")
                    with contextlib.suppress(TimeoutError):
                        self.heard[-1] = peer.recv(4096)
