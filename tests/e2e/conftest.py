from pathlib import Path

import httpx
import pytest

import gateway_stack

FOLDER = Path(__file__).resolve().parent


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
