import pytest

from edge_harness import Edge
from fake_executor import FakeExecutor


@pytest.fixture
def executor():
    fake = FakeExecutor()
    yield fake
    fake.close()
    assert not fake.errors, fake.errors


@pytest.fixture
def make_edge(tmp_path, executor):
    """Starts edges; after the test each must stop cleanly, with nothing alarming in its log."""
    started = []

    def make(**options):
        options.setdefault("executor", executor.address)
        edge = Edge(tmp_path / f"edge{len(started)}", **options)
        started.append(edge)
        return edge.start()

    yield make
    for edge in started:
        edge.stop()


@pytest.fixture
def edge(make_edge):
    return make_edge()
