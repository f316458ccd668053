"""Keys change, and nobody is dropped."""

import signal
import threading

from edge_harness import DEADLINE
from edge_keys import key_line
from raw_client import build_request

CHAT = '{"model":"m","stream":true}'


def test_a_removed_key_is_refused_by_every_worker(make_edge, executor):
    edge = make_edge(workers=2, keys=key_line("alice") + key_line("bob"))
    with edge.connect() as bob, edge.connect() as alice:
        # Half a request each: these connections belong to workers that will drain after the reload.
        bob_request = build_request("GET", "/v1/models", key="bob")
        bob.send(bob_request[:20])
        alice.send(build_request("GET", "/v1/models", key="alice")[:20])
        with edge.connect() as client:
            assert client.request("GET", "/v1/models", key="bob").status == 200
        edge.write_keys(key_line("alice"))
        edge.reload()
        bob.send(bob_request[20:])
        assert bob.response().status == 401
        alice.send(build_request("GET", "/v1/models", key="alice")[20:])
        assert alice.response().status == 200
    with edge.connect() as client:
        response = client.request("GET", "/v1/models", key="bob")
        assert (response.status, response.error["code"]) == (401, "invalid_api_key")


def test_an_added_key_and_new_rules_count(edge, executor):
    edge.write_keys(key_line("alice", "allow=other") + key_line("carol"))
    edge.reload()
    with edge.connect() as client:
        assert client.chat(CHAT).status == 403
        assert client.chat(CHAT, key="carol").status == 200


def test_a_bad_key_file_leaves_the_old_keys(edge, executor):
    edge.write_keys(key_line("alice") + "bob not-a-hash\n")
    edge.process.send_signal(signal.SIGHUP)
    edge.expect_error(f"agent_keys {edge.keys_file}:2: ")
    with edge.connect() as client:
        assert client.request("GET", "/v1/models").status == 200
        assert client.request("GET", "/v1/models", key="bob").status == 401
    edge.write_keys(key_line("bob"))
    edge.reload()
    with edge.connect() as client:
        assert client.request("GET", "/v1/models").status == 401
        assert client.request("GET", "/v1/models", key="bob").status == 200


def test_another_number_of_keys_needs_another_zone(edge, executor):
    config = edge.config_file.read_text()
    edge.config_file.write_text(config.replace("keys=1000", "keys=500"))
    edge.process.send_signal(signal.SIGHUP)
    edge.expect_error("was made for keys=1000 and is live; for keys=500 change its size or name")
    with edge.connect() as client:
        assert client.request("GET", "/v1/models").status == 200
    edge.config_file.write_text(config.replace("agents:4m keys=1000", "agents:5m keys=500"))
    edge.reload()
    with edge.connect() as client:
        assert client.request("GET", "/v1/models").status == 200


def test_a_stream_goes_on_across_reloads(edge, executor):
    go = threading.Event()

    def respond(request, connection):
        connection.start_stream()
        connection.chunk("data: 1\n\n")
        assert go.wait(DEADLINE)
        connection.chunk("data: 2\n\n")
        connection.end_stream()

    executor.respond = respond
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", body=CHAT))
        assert client.head().status == 200
        assert client.chunk() == b"data: 1\n\n"
        for _ in range(3):
            edge.reload()
        go.set()
        assert client.chunk() == b"data: 2\n\n"
        assert client.chunk() == b""


def test_reloads_under_load_lose_no_request(make_edge, executor):
    edge = make_edge(workers=2)
    stop = threading.Event()
    failures = []
    counts = []

    def load():
        count = 0
        while not stop.is_set():
            # A connection per request: nginx may close idle ones at a reload.
            with edge.connect() as client:
                status = client.chat(CHAT, [("Connection", "close")]).status
            count += 1
            if status != 200:
                failures.append(status)
        counts.append(count)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(5):
        edge.write_keys(key_line("alice") + key_line(f"extra{i}"))
        edge.reload()
    stop.set()
    for thread in threads:
        thread.join(DEADLINE)
    assert not failures
    assert len(counts) == 4 and min(counts) > 0
    assert "generation 6" in edge.errors()
