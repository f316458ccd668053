"""Limits under many requests at once: exact over several workers."""

import threading

import pytest

from edge_keys import key_line
from limited_chats import CHAT, CHAT_TOKENS, with_usage
from raw_client import build_request


def statuses(edge, count, send, lanes=50):
    """`count` requests at once: pipelined on `lanes` connections. How often each status came."""
    found = {}
    lock = threading.Lock()
    ready = threading.Barrier(lanes)

    def lane():
        with edge.connect() as client:
            ready.wait()
            client.send(send * (count // lanes))
            for _ in range(count // lanes):
                status = client.response().status
                with lock:
                    found[status] = found.get(status, 0) + 1

    threads = [threading.Thread(target=lane) for _ in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.item("S1-80")
def test_ten_thousand_requests_at_once_over_four_workers_admit_the_burst(make_edge, executor):
    edge = make_edge(workers=4, keys=key_line("alice", "allow=* requests=60/h burst=20"))
    found = statuses(edge, 10_000, build_request("GET", "/v1/models"))
    assert found == {200: 20, 429: 9_980}
    assert len(executor.requests) == 20
    assert edge.status()["limited_total{per=key,limit=requests}"] == 9_980


def test_ten_thousand_token_reservations_at_once_admit_what_the_limit_holds(make_edge, executor):
    executor.respond = with_usage(CHAT_TOKENS)
    edge = make_edge(workers=4, keys=key_line("alice", f"allow=* tokens={CHAT_TOKENS * 20}/h"))
    found = statuses(edge, 10_000, build_request("POST", "/v1/chat/completions", body=CHAT))
    assert found == {200: 20, 429: 9_980}
    status = edge.wait_for_rest()
    assert status["limited_total{per=key,limit=tokens}"] == 9_980
    assert status["tokens_total{kind=total}"] == CHAT_TOKENS * 20


def test_streams_at_once_over_four_workers_are_admitted_up_to_the_limit(make_edge, executor):
    gone = threading.Event()

    def respond(request, connection):
        connection.start_stream()
        connection.chunk("data: 1\n\n")
        gone.wait(20)
        return True

    executor.respond = respond
    edge = make_edge(workers=4, keys=key_line("alice", "allow=* streams=20"))
    clients = [edge.connect() for _ in range(200)]
    for client in clients:
        client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
    found = [client.head().status for client in clients]
    assert (found.count(200), found.count(429)) == (20, 180)
    status = edge.status()
    assert (status["slots"], status["open_chats"], status["ledger_entries"]) == (20, 20, 20)
    for client in clients:
        client.sock.close()
    edge.wait_for_rest()
    gone.set()


def test_two_clients_fighting_for_the_last_token(make_edge, executor):
    executor.respond = with_usage(CHAT_TOKENS)
    for attempt in range(10):
        edge = make_edge(workers=2, keys=key_line("alice", f"allow=* tokens={CHAT_TOKENS}/h"))
        found = statuses(edge, 2, build_request("POST", "/v1/chat/completions", body=CHAT), lanes=2)
        assert found == {200: 1, 429: 1}, attempt


@pytest.mark.parametrize("what", ["upload", "wait", "stream"])
def test_a_client_that_leaves_gives_back_its_slot(make_edge, executor, what):
    def respond(request, connection):
        if what == "stream":
            connection.start_stream()
            connection.chunk("data: 1\n\n")
        connection.wait_for_hangup()
        return True

    executor.respond = respond
    edge = make_edge(workers=2, keys=key_line("alice", "allow=* streams=1000 tokens=100m/d"))
    request = build_request("POST", "/v1/chat/completions", body=CHAT)
    for _ in range(50):
        with edge.connect() as client:
            client.send(request[:-5] if what == "upload" else request)
            if what == "stream":
                client.head()
                client.chunk()
            elif what == "wait":
                edge.wait_for(lambda: executor.requests, "request")
    edge.wait_for_rest()
