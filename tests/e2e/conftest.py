from pathlib import Path

import httpx
import pytest

import gateway_stack
import quirk_stack
from quirk_clients.matrix import Matrix

FOLDER = Path(__file__).resolve().parent
MATRIX = pytest.StashKey[Matrix]()


def pytest_configure(config):
    config.stash[MATRIX] = Matrix()


def pytest_terminal_summary(terminalreporter, config):
    if (matrix := config.stash[MATRIX]).cells:
        terminalreporter.section("quirks as clients see them")
        terminalreporter.write_line("\n".join(matrix.lines()))


def pytest_collection_modifyitems(items):
    """Nothing hangs for ever: a test without a limit of its own gets this one (fixtures included)."""
    for item in items:
        if item.path.parent == FOLDER and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """One edge and one executor with the doubles, shared by all tests: each looks at its own traces only."""
    # A unix socket's path is short.
    with gateway_stack.running(tmp_path_factory.mktemp("s")) as running:
        yield running


@pytest.fixture
def own_stack(tmp_path_factory):
    """A stack that the test may break."""
    with gateway_stack.running(tmp_path_factory.mktemp("o")) as running:
        yield running


@pytest.fixture(scope="module")
def corpus_stack(tmp_path_factory):
    """A stack whose models are the files of the quirk corpus."""
    with quirk_stack.running(tmp_path_factory.mktemp("q")) as running:
        yield running


@pytest.fixture(scope="session")
def matrix(request):
    return request.config.stash[MATRIX]


@pytest.fixture
def quiet(stack):
    """The stack, with the doubles' records empty."""
    stack.forget()
    return stack


@pytest.fixture
def client(stack):
    with stack.client() as http:
        yield http


@pytest.fixture(autouse=True)
def still_alive(request):
    """No test may take the gateway down."""
    yield
    if "stack" in request.fixturenames:
        running = request.getfixturevalue("stack")
        answer = httpx.get(running.url + "/ready", verify=running.tls())
        assert answer.status_code == 200, answer.text
