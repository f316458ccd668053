"""What all pytest suites share: the build under test, and selection by requirement id.

A test names what it shows with @pytest.mark.item("S1-36"); `./dev test --item S1-36` runs just those.
"""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--item", metavar="ID", help="run only the tests marked with this requirement id")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "item(*ids): the requirement ids that a test shows")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--item")
    if not wanted:
        return
    chosen, left_out = [], []
    for item in items:
        ids = {name for mark in item.iter_markers("item") for name in mark.args}
        (chosen if wanted in ids else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = chosen


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def preset() -> str:
    """The CMake preset under test, as ./dev test chose it."""
    return os.environ.get("AGW_PRESET", "asan")


@pytest.fixture(scope="session")
def build_dir(preset: str) -> Path:
    path = Path(os.environ.get("AGW_BUILD_DIR", REPOSITORY / "build" / preset))
    if not path.is_dir():
        pytest.exit(f"{path} is not built: run the tests through ./dev test", returncode=2)
    return path
