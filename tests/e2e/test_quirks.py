"""Every answer of the quirk corpus, over real sockets and through the whole stack, as plain models' clients get it."""

import sys
from collections.abc import Iterator

import pytest

import gateway_stack
from gateway_stack import ROOT, secret_of

sys.path.insert(0, str(ROOT / "tests/wire/quirks"))

from corpus import load  # noqa: E402
from quirk_server import QuirkServer  # noqa: E402
from replay import Gateway, check  # noqa: E402

QUIRKS = load()
CONFIG = """\
version: 1
upstreams:
  quirks:
    base_url: "http://127.0.0.1:{port}/v1"
    api_key: {key}
    models: [{models}]
    breaker_failures: 0  # it fails all the time, which is its job
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("q")  # a unix socket's path is short
    source = directory / "source"
    source.mkdir()
    with QuirkServer(QUIRKS) as server, pytest.MonkeyPatch.context() as patch:
        config = CONFIG.format(port=server.port, key=gateway_stack.LLM_KEY, models=", ".join(QUIRKS))
        (source / "gateway.yaml").write_text(config)
        try:
            stack = gateway_stack.start(directory, config=source)
            patch.setenv("SSL_CERT_FILE", stack["SSL_CERT_FILE"])
            yield Gateway(stack.url, secret_of("quirks"))
        finally:
            gateway_stack.stop(directory)


@pytest.mark.parametrize("name", QUIRKS)
def test_the_client_gets_what_the_file_says(gateway, name):
    assert check(gateway, QUIRKS[name], f"quirks/{name}", exact=True) == []
