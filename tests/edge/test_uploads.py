"""Uploads that the edge refuses before it has their body, by a wrong key or by their size, as real clients see them.

An early refusal crosses the client's upload. Over HTTP/1.1 the edge goes on reading for a moment, so that the answer is
not lost in a reset. Over HTTP/2 the answer comes with a reset of the stream, for which some clients are not prepared:
so the edge reads up to 1 MiB to its end first, and of larger bodies only that is asserted which does not depend on who
is quicker. docs/uploads.md shows what was seen.
"""

import itertools
import re
import socket
from collections import Counter

import httpx
import pytest

from certificates import make_certificate, trusting
from edge_harness import DEADLINE, Edge
from edge_keys import secret_of
from edge_module import ROOT
from raw_client import Client, build_request
from upload_clients import Uploader, body_of

KB = 1024
SIZES = {"1 KB": KB, "64 KB": 64 * KB, "500 KB": 500 * KB, "1 MB": KB * KB, "5 MB": 5 * KB * KB, "50 MB": 50 * KB * KB}
PROTOCOLS = ["HTTP/1.1", "HTTP/2"]
CLIENTS = {"curl": Uploader.curl, "httpx": Uploader.httpx, "openai for Python": Uploader.openai}
# Refusal -> (address, secret, code).
REFUSALS = {"401": ("/wide/v1", "agk_wrong", "invalid_api_key"),
            "413": ("/narrow/v1", secret_of("alice"), "request_too_large")}
LOCATIONS = """
        location = /wide/v1/chat/completions {
            agent_scope chat;
            client_max_body_size 100m;
            client_body_buffer_size 512k;
            proxy_pass http://executors;
        }
        location = /narrow/v1/chat/completions {
            agent_scope chat;
            client_max_body_size 1000;
            proxy_pass http://executors;
        }
        location = /health { return 200 '{"status":"ok"}'; }
"""
TRIES = 5
TRIES_IN_DOUBT = 2
TIMEOUT_IN_DOUBT = 1  # seconds; a client that has missed the answer waits for all of it



def is_certain(protocol, size):
    return protocol == "HTTP/1.1" or SIZES[size] <= KB * KB


CASES = list(itertools.product(REFUSALS, PROTOCOLS, SIZES, CLIENTS))
CERTAIN = [case for case in CASES if is_certain(*case[1:3])]
IN_DOUBT = [case for case in CASES if not is_certain(*case[1:3])]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def edge(tmp_path_factory, certificate):
    """Nothing is passed on: there is no executor."""
    edge = Edge(tmp_path_factory.mktemp("edge"), tls=True, listen_options="ssl http2", locations=LOCATIONS,
                http=f"ssl_certificate {certificate[0]}; ssl_certificate_key {certificate[1]};")
    with edge.running():
        yield edge


@pytest.fixture(scope="module")
def uploader(edge, certificate, tmp_path_factory):
    directory = tmp_path_factory.mktemp("bodies")

    def make(refusal, protocol):
        path, secret, _ = REFUSALS[refusal]
        return Uploader(edge.url(path), secret, certificate[0], directory, protocol == "HTTP/2")
    return make


@pytest.fixture(scope="module")
def look(request, edge, uploader):
    """How often a client saw what, and what the edge logged; each case is tried once. At the end all is printed."""
    found = {}
    numbers = itertools.count()

    def look(refusal, protocol, size, client):
        case = refusal, protocol, size, client
        if case not in found:
            is_sure = is_certain(protocol, size)
            seen, logged = Counter(), Counter()
            for _ in range(TRIES if is_sure else TRIES_IN_DOUBT):
                request_id = f"upload-{next(numbers)}"
                timeout = DEADLINE / 4 if is_sure else TIMEOUT_IN_DOUBT
                seen[CLIENTS[client](uploader(refusal, protocol), SIZES[size], request_id, timeout)] += 1
                entry = edge.logged(request_id)
                logged[str(entry["status"]), entry["error"]] += 1
            found[case] = seen, logged
        return found[case]

    yield look
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n\nrefusal | protocol | body | client | seen")
        for case, (seen, _) in found.items():
            print(" | ".join((*case, ", ".join(f"{what}: {count}" for what, count in seen.items()))))


@pytest.mark.parametrize(("refusal", "protocol", "size", "client"), CERTAIN)
def test_the_status_is_always_seen(look, refusal, protocol, size, client):
    seen, _ = look(refusal, protocol, size, client)
    assert seen == {refusal: TRIES}


@pytest.mark.parametrize(("refusal", "protocol", "size", "client"), IN_DOUBT)
def test_a_larger_upload_never_gets_another_answer(look, refusal, protocol, size, client):
    """The client sees the refusal, or that the upload failed; whatever it sees, the edge has refused it."""
    seen, logged = look(refusal, protocol, size, client)
    assert {what for what in seen if what.isdigit()} <= {refusal}
    assert logged == {(refusal, REFUSALS[refusal][2]): TRIES_IN_DOUBT}


def connect(edge, certificate):
    """HTTP/1.1 over TLS, byte by byte."""
    sock = socket.create_connection(("127.0.0.1", edge.port), timeout=DEADLINE)
    return Client(trusting(certificate[0]).wrap_socket(sock, server_hostname="127.0.0.1"))


def head_of_upload(refusal, size, headers=()):
    path, secret, _ = REFUSALS[refusal]
    return build_request("POST", f"{path}/chat/completions",
                         [("Authorization", f"Bearer {secret}"), ("Content-Length", str(size)), *headers], key=None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_client_that_waits_is_never_told_to_continue(edge, certificate, refusal, size):
    with connect(edge, certificate) as client:
        client.send(head_of_upload(refusal, SIZES[size], [("Expect", "100-continue")]))
        response = client.response()
        assert (response.status, response.error["code"]) == (int(refusal), REFUSALS[refusal][2])
        assert client.is_closed()  # nobody can know whether the body would still come


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("refusal", REFUSALS)
def test_curl_that_waits_sends_nothing(uploader, refusal, size):
    said, log = uploader(refusal, "HTTP/1.1").run_curl(
        SIZES[size], "wait", DEADLINE, "-v", "-H", "Expect: 100-continue", "--expect100-timeout", str(DEADLINE),
        "-w", "%{http_code} %{size_upload}")
    assert said == f"{refusal} 0", log
    assert "> Expect: 100-continue" in log and "100 Continue" not in log


@pytest.mark.parametrize("refusal", REFUSALS)
def test_expect_over_http2(uploader, refusal):
    said, log = uploader(refusal, "HTTP/2").run_curl(SIZES["64 KB"], "wait", DEADLINE, "-v", "-H",
                                                     "Expect: 100-continue", "-w", "%{http_code}")
    assert said == refusal, log
    assert re.findall(r"^< HTTP/2 (\d+)", log, re.MULTILINE) == [refusal]


@pytest.mark.parametrize("size", [KB, 64 * KB])
@pytest.mark.parametrize("refusal", REFUSALS)
def test_the_connection_goes_on_after_a_small_body(edge, certificate, refusal, size):
    with connect(edge, certificate) as client:
        for _ in range(3):
            client.send(head_of_upload(refusal, size) + b"x" * size)
            response = client.response()
            assert (response.status, response.header("Connection")) == (int(refusal), "keep-alive")
            assert client.request("GET", "/health", key=None).status == 200


@pytest.mark.parametrize("refusal", REFUSALS)
def test_the_connection_ends_after_a_larger_body(edge, certificate, refusal):
    with connect(edge, certificate) as client:
        client.send(head_of_upload(refusal, 64 * KB + 1))
        response = client.response()
        assert (response.status, response.header("Connection")) == (int(refusal), "close")
        assert client.is_closed()


@pytest.mark.parametrize("size", ["1 KB", "64 KB"])
@pytest.mark.parametrize("refusal", REFUSALS)
def test_httpx_uses_the_connection_again(edge, certificate, refusal, size):
    """It sends a body to its end even when the answer is there; curl may stop and close, by its own choice."""
    path, secret, _ = REFUSALS[refusal]
    with httpx.Client(base_url=edge.url(), verify=trusting(certificate[0]), timeout=DEADLINE) as client:
        refused = client.post(f"{path}/chat/completions", content=body_of(SIZES[size]),
                              headers={"Authorization": f"Bearer {secret}"})
        following = client.get("/health")
        assert [refused.status_code, following.status_code] == [int(refusal), 200]
        first, second = (response.extensions["network_stream"].get_extra_info("client_addr")
                         for response in (refused, following))
        assert first == second


def test_the_page_shows_what_was_seen(look):
    page = (ROOT / "docs/uploads.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\|(.*)\|$", page, re.MULTILINE)
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert rows[0][2:] == list(CLIENTS)
    described = {(protocol, size): cells for protocol, size, *cells in rows[2:]}
    assert list(described) == list(itertools.product(PROTOCOLS, SIZES))
    for (protocol, size), cells in described.items():
        assert len(cells) == len(CLIENTS) and all(cells)
        if is_certain(protocol, size):
            seen = [sum((look(refusal, protocol, size, client)[0] for refusal in REFUSALS), Counter())
                    for client in CLIENTS]
            assert cells == [", ".join(counts) for counts in seen], f"{protocol}, {size}"
