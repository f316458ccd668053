"""docs/api.md lists the routes and log events that the code has, and no others."""

import re
from pathlib import Path

ROUTE = re.compile(r'Route\{"(?P<path>[^"]+)",\s*"(?P<method>[A-Z]+)"')
ROW = re.compile(r"^\| (?P<method>[A-Z]+) \| `(?P<path>/[^`]*)` \|", re.MULTILINE)
EVENT = re.compile(r'(?:Level::\w+,\s*|leaveAtOnce\()"(?P<name>[a-z_.]+)"')


def page(repository: Path) -> str:
    return (repository / "docs" / "api.md").read_text(encoding="utf-8")


def test_every_route_has_its_row(repository: Path) -> None:
    source = (repository / "executor" / "api" / "router.cpp").read_text(encoding="utf-8")
    routes = {(found["method"], found["path"]) for found in ROUTE.finditer(source)}
    rows = {(found["method"], found["path"]) for found in ROW.finditer(page(repository))}
    assert routes and rows == routes


def test_every_log_event_is_described(repository: Path) -> None:
    events = set()
    for source in (repository / "executor").rglob("*.cpp"):
        events |= {found["name"] for found in EVENT.finditer(source.read_text(encoding="utf-8"))}
    assert events
    assert {event for event in events if f"`{event}`" not in page(repository)} == set()
