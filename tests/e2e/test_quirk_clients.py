"""The quirk corpus as users see it: through the whole stack and the clients that they have, unmodified.

quirk_clients/clients.py says which, and what each cannot show. The matrix stands at the end of pytest's output.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway_stack import secret_of
from quirk_clients.clients import CLIENTS, ask
from quirk_clients.matrix import row_order
from quirk_stack import KEY_ID, PREFIX, QUIRKS

pytestmark = pytest.mark.item("S1-15")

ROWS = sorted({file.quirk for file in QUIRKS.values()}, key=row_order)
each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)


@pytest.fixture(scope="module")
def seen_by(request, corpus_stack):
    """What a client saw of all files. Those of the tests that were chosen are asked, once, two at a time."""
    environment = {
        "AGENT_URL": corpus_stack.url,
        "AGENT_KEY": secret_of(KEY_ID),
        "SSL_CERT_FILE": corpus_stack["SSL_CERT_FILE"],
        "NODE_EXTRA_CA_CERTS": corpus_stack["NODE_EXTRA_CA_CERTS"],
    }
    ours = [item for item in request.session.items if item.path == request.path]
    wanted = dict.fromkeys(item.callspec.params["client"] for item in ours)
    with ThreadPoolExecutor(max_workers=2) as pool:
        seen = {client: pool.submit(ask, client, list(QUIRKS.values()), PREFIX, environment) for client in wanted}
        yield lambda client: seen[client].result()


@pytest.mark.parametrize("quirk", ROWS)
@each_client
def test_the_client_sees_the_clean_answer(seen_by, matrix, client, quirk):
    seen = seen_by(client)
    asked = [file for file in QUIRKS.values() if file.quirk == quirk and client.is_asked(file)]
    found = {file.name: client.problems(file, seen[file.name]) for file in asked}
    matrix.add(quirk, client.name, list(found.values()).count([]), len(found))
    wrong = [f"{name}: {problem}" for name, problems in found.items() for problem in problems]
    assert not wrong, "\n".join(wrong)


@each_client
def test_what_a_client_is_said_not_to_show_it_does_not_show(seen_by, client):
    assert client.idle_limits(QUIRKS, seen_by(client)) == []
