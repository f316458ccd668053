"""What real clients make of a stream whose executor dies: curl, and the official OpenAI clients for Python and Node.

Every client meets every way of dying over every protocol that it speaks: HTTP/1.1, HTTP/2 in clear (h2c) and HTTP/2
over TLS. The client for Node is the exception: its fetch speaks HTTP/1.1 only, also to a server that offers HTTP/2, so
for it there are HTTP/1.1 in clear and over TLS.

docs/broken-streams.md shows the results; the last test compares it with what was seen.
"""

import contextlib
import json
import re

import pytest

from broken_stream_clients import SHOW_PROTOCOL, WAYS
from certificates import make_certificate
from edge_harness import Edge
from edge_module import ROOT
from fake_executor import FakeExecutor
from test_stream_end import DEATHS, assert_clean, chat_event, locations

CASES = [(client, protocol, death) for client, ways in WAYS.items() for protocol in ways for death in DEATHS]


def die(request, connection):
    """In the way that the request's model names."""
    respond, _, _ = DEATHS[json.loads(request.body)["model"]]
    return respond(request, connection)


@pytest.fixture(scope="module")
def executor():
    fake = FakeExecutor()
    fake.respond = die
    yield fake
    fake.close()
    assert not fake.errors, fake.errors


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def edges(tmp_path_factory, executor, certificate):
    tls = f"ssl_certificate {certificate[0]}; ssl_certificate_key {certificate[1]};"
    listeners = {"clear": {}, "h2c": {"listen_options": "http2"},
                 "tls": {"listen_options": "ssl http2", "tls": True, "http": tls}}
    directory = tmp_path_factory.mktemp("edges")
    with contextlib.ExitStack() as running:
        yield {name: running.enter_context(Edge(directory / name, executor.address, locations=locations(),
                                                server=SHOW_PROTOCOL, **options).running())
               for name, options in listeners.items()}


@pytest.fixture(scope="module")
def look(request, edges, executor, certificate):
    """What a client sees; each case is tried once. At the end all that was seen is printed."""
    found = {}

    def look(client, protocol, death):
        if (client, protocol, death) not in found:
            name, ask, _ = WAYS[client][protocol]
            before = len(executor.requests)
            seen = ask(edges[name], death, certificate[0])
            found[client, protocol, death] = seen, len(executor.requests) - before
        return found[client, protocol, death]

    yield look
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n\nclient | protocol | death | seen")
        for case, (seen, _) in sorted(found.items()):
            print(" | ".join((*case, str(seen))))


@pytest.mark.parametrize(("client", "protocol", "death"), CASES)
def test_the_error_arrives_after_all_that_came_before_it(look, client, protocol, death):
    _, before, code = DEATHS[death]
    seen, _ = look(client, protocol, death)
    assert seen.protocol == WAYS[client][protocol][2]
    assert (seen.end, seen.code) == ("exit 0" if client == "curl" else "APIError", code), seen
    assert "".join(map(chat_event, seen.texts)) == before
    if client == "curl":
        assert_clean(seen.body, before, code)


@pytest.mark.parametrize(("client", "protocol", "death"), CASES)
def test_nothing_is_asked_again(look, client, protocol, death):
    """SDKs repeat some failures by themselves, as often as they like; a run that has begun must not be one of them."""
    _, requests = look(client, protocol, death)
    assert requests == 1


def test_the_page_shows_what_was_seen(look):
    page = (ROOT / "docs/broken-streams.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\|(.*)\|$", page, re.MULTILINE)
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert rows[0][2:] == list(WAYS)
    described = {row[0].strip("`"): row[2:] for row in rows[2:]}
    assert described == {death: [cell_of(look, client, death) for client in WAYS] for death in DEATHS}


def cell_of(look, client, death):
    by_protocol = {protocol: str(look(client, protocol, death)[0]) for protocol in WAYS[client]}
    if len(set(by_protocol.values())) == 1:
        return next(iter(by_protocol.values()))
    return "; ".join(f"{protocol}: {seen}" for protocol, seen in by_protocol.items())
