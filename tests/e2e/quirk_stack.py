"""A stack whose upstream is the quirk corpus, each file a plain model `quirks/NAME`."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import gateway_stack
from gateway_stack import ROOT, Stack

sys.path.insert(0, str(ROOT / "tests/wire/quirks"))

from corpus import load  # noqa: E402
from quirk_server import QuirkServer  # noqa: E402

QUIRKS = load()
PREFIX = "quirks/"
KEY_ID = "quirks"
CONFIG = """\
version: 1
upstreams:
  quirks:
    base_url: "http://127.0.0.1:{port}/v1"
    api_key: {key}
    models: [{models}]
    breaker_failures: 0  # it fails on purpose, and often
    retry_backoff: 1ms
    retry_backoff_max: 1ms
"""


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Stack]:
    source = directory / "source"
    source.mkdir()
    with QuirkServer(QUIRKS) as server:
        config = CONFIG.format(port=server.port, key=gateway_stack.LLM_KEY, models=", ".join(QUIRKS))
        (source / "gateway.yaml").write_text(config)
        try:
            yield gateway_stack.start(directory, config=source)
        finally:
            gateway_stack.stop(directory)
