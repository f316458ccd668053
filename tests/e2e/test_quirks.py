"""Every answer of the quirk corpus, over real sockets and through the whole stack, as plain models' clients get it."""

import pytest

from gateway_stack import secret_of
from quirk_stack import KEY_ID, PREFIX, QUIRKS
from replay import Gateway, check


@pytest.fixture(scope="module")
def gateway(corpus_stack) -> Gateway:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", corpus_stack["SSL_CERT_FILE"])
        yield Gateway(corpus_stack.url, secret_of(KEY_ID))


@pytest.mark.parametrize("name", QUIRKS)
def test_the_client_gets_what_the_file_says(gateway, name):
    assert check(gateway, QUIRKS[name], PREFIX + name, exact=True) == []
