"""What the Python doubles share: options, a listening socket of the kernel's choice, the port file, call records."""

import argparse
import os
import socket
import threading
import time
from pathlib import Path

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse

SECRET_HEADERS = {"authorization", "x-api-key", "cookie"}
MAX_RECORDS = 20_000


def parse_options(description: str, **extra) -> argparse.Namespace:
    """`extra` maps further option names (without the dashes) to their keyword arguments of add_argument."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0: chosen by the kernel")
    parser.add_argument("--port-file", type=Path, help="where to write the port once it listens")
    for name, arguments in extra.items():
        parser.add_argument("--" + name.replace("_", "-"), **arguments)
    return parser.parse_args()


def run(app, options: argparse.Namespace, path: str = "") -> None:
    """Serves `app` on 127.0.0.1 until SIGTERM. The first line on stdout is the URL, with `path` behind it."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    listener.listen(1024)
    port = listener.getsockname()[1]
    print(f"http://127.0.0.1:{port}{path}", flush=True)
    if options.port_file:
        partial = options.port_file.with_name(options.port_file.name + ".part")
        partial.write_text(f"{port}\n")
        os.replace(partial, options.port_file)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listener])


def visible_headers(headers) -> dict[str, str]:
    """Names in lower case; of a secret only that it was there."""
    return {
        name.lower(): "(not shown)" if name.lower() in SECRET_HEADERS else value
        for name, value in headers.items()
    }


class Records:
    """A bounded list of dictionaries, shown at GET and emptied by DELETE."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[dict] = []
        self._last_number = 0

    def add(self, **fields) -> dict:
        """The record may be changed afterwards: what is shown is its present state."""
        with self._lock:
            self._last_number += 1
            record = {"number": self._last_number, "time": time.time(), **fields}
            self._records.append(record)
            del self._records[:-MAX_RECORDS]
        return record

    async def endpoint(self, request: Request) -> JSONResponse:
        with self._lock:
            if request.method == "DELETE":
                self._records.clear()
                return JSONResponse({"ok": True})
            return JSONResponse([dict(record) for record in self._records])
