import sys
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fakes"))
import doubles  # noqa: E402

FOLDER = Path(__file__).resolve().parent
LLM_KEY = "llm-key-of-the-tests"


def pytest_collection_modifyitems(items):
    """Nothing hangs for ever: a test without a limit of its own gets this one (fixtures included)."""
    for item in items:
        if item.path.parent == FOLDER and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(120))


@pytest.fixture(scope="session")
def llm_key():
    return LLM_KEY


@pytest.fixture(scope="module")
def llm(tmp_path_factory):
    directory = tmp_path_factory.mktemp("llm")
    with doubles.scripted_llm(directory, doubles.FAKES / "scripts/test.json", "--expect-key", LLM_KEY) as double:
        yield double


@pytest.fixture
def client(llm):
    with httpx.Client(base_url=llm.url, timeout=10) as http:
        http.delete("/_requests").raise_for_status()
        yield http
