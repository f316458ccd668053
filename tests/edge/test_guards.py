"""Guards against floods: failures to authenticate of one address, and bodies that arrive slowly."""

import subprocess
import threading

import pytest

from edge_harness import Edge
from edge_keys import key_line, secret_of
from raw_client import build_request


def test_an_address_may_fail_so_often(make_edge):
    edge = make_edge(workers=4, server="agent_auth_limit 3/h;")
    statuses = []
    for number in range(10):
        with edge.connect() as client:
            response = client.request("GET", "/v1/models", key=f"wrong-{number}")
            statuses.append(response.status)
    assert statuses == [401] * 3 + [429] * 7
    assert response.error["code"] == "rate_limit_exceeded"
    assert response.error["message"] == "Too many requests of this address had no valid API key. Try again later."
    assert 1_100 < int(response.header("Retry-After")) <= 1_200
    with edge.connect() as client:
        # A good key of the same address is not held to it.
        assert client.request("GET", "/v1/models").status == 200
        assert client.request("GET", "/v1/models", key=None).status == 429
    status = edge.status()
    assert status["auth_limited_total"] == 8
    assert status["auth_failures_total{reason=unknown}"] == 10


def test_each_address_has_its_own_count(make_edge):
    edge = make_edge(server="agent_auth_limit 2/h; set_real_ip_from 127.0.0.1; real_ip_header X-Client;")
    with edge.connect() as client:
        def ask(address):
            return client.request("GET", "/v1/models", [("X-Client", address)], key="nobody").status
        assert [ask("192.0.2.1") for _ in range(3)] == [401, 401, 429]
        assert ask("192.0.2.2") == 401
        assert [ask("2001:db8:1:1::1"), ask("2001:db8:1:1::ffff"), ask("2001:db8:1:1:5::1")] == [401, 401, 429]
        assert ask("2001:db8:1:2::1") == 401
        assert ask("::ffff:192.0.2.1") == 429


def test_ten_thousand_addresses_cost_no_more_than_ten(make_edge):
    edge = make_edge(server="agent_auth_limit 1/d burst=2; set_real_ip_from 127.0.0.1; real_ip_header X-Client;")

    def send(first, last):
        with edge.connect() as client:
            client.send(b"".join(build_request("GET", "/v1/models", [("X-Client", f"10.0.{n >> 8}.{n & 255}")], key="nobody")
                                 for n in range(first, last)))
            return [client.response().status for _ in range(first, last)]

    statuses = [status for first in range(0, 10_000, 500) for status in send(first, first + 500)]
    # The few that share both of their places with others that fail are held to less.
    assert set(statuses) <= {401, 429} and statuses.count(401) > 5_000
    with edge.connect() as client:
        assert client.request("GET", "/v1/models").status == 200


def test_switched_off_in_a_location(make_edge):
    edge = make_edge(http="agent_auth_limit 1/h;", locations="""
        location = /on { agent_scope chat; proxy_pass http://executors; }
        location = /off { agent_scope chat; agent_auth_limit off; proxy_pass http://executors; }""")
    with edge.connect() as client:
        found = [client.request("GET", path, key=None).status for path in ("/on", "/on", "/off", "/off", "/off")]
        assert found == [401, 429, 401, 401, 401]


@pytest.mark.parametrize("words, message", [
    ("3", 'invalid parameter "3" in "agent_auth_limit"; write COUNT/WINDOW, as in 10/m'),
    ("3/m 5", 'invalid parameter "5" in "agent_auth_limit"; write burst=COUNT'),
    ("3/m burst=0", 'invalid parameter "burst=0" in "agent_auth_limit"'),
    ("3/m; agent_auth_limit off", '"agent_auth_limit" directive is duplicate'),
    ("", 'invalid number of arguments in "agent_auth_limit"'),
])
def test_a_wrong_auth_limit(tmp_path, words, message):
    succeeded, said = Edge(tmp_path / "edge", server=f"agent_auth_limit {words};").check()
    assert not succeeded
    assert message in said


# agent_max_uploads

CHAT = '{"model":"m"}'


def half_sent(edge, size=100_000):
    client = edge.connect()
    client.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer {secret_of('alice')}\r\n"
                f"Content-Length: {size}\r\n\r\n" + CHAT)
    return client


def test_so_many_bodies_may_be_arriving(make_edge):
    edge = make_edge(workers=2, http="agent_max_uploads 5;")
    clients = [half_sent(edge) for _ in range(5)]
    edge.wait_for(lambda: edge.status()["uploads"] == 5, "uploads")
    with half_sent(edge) as refused:
        response = refused.response()
        assert (response.status, response.error["code"]) == (503, "overloaded")
        assert response.header("Retry-After") == "1"
    with edge.connect() as client:
        # A body that is here with its headers takes no place.
        assert client.chat(CHAT).status == 200
    clients[0].send(" " * (100_000 - len(CHAT)))
    assert clients[0].response().status == 200
    for client in clients[1:]:
        client.sock.close()
    edge.wait_for(lambda: edge.status()["uploads"] == 0, "end of uploads")
    with half_sent(edge) as again:
        again.send(" " * (100_000 - len(CHAT)))
        assert again.response().status == 200
    assert edge.status()["uploads_refused_total"] == 1


def test_uploads_of_a_killed_worker_are_forgotten(make_edge):
    edge = make_edge(http="agent_max_uploads 3;")
    clients = [half_sent(edge) for _ in range(3)]
    edge.wait_for(lambda: edge.status()["uploads"] == 3, "uploads")
    edge.expected.append("exited on signal 9")
    subprocess.run(["kill", "-9", str(edge.worker_pids()[0])], check=True)
    edge.wait_for(lambda: edge.errors().count("start worker process") >= 2, "new worker")
    edge.wait_for(lambda: edge.status()["uploads"] == 0, "end of uploads")
    for client in clients:
        client.sock.close()
    with edge.connect() as client:
        assert client.chat(CHAT).status == 200


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_wrong_bound_of_uploads(tmp_path, value):
    succeeded, said = Edge(tmp_path / "edge", http=f"agent_max_uploads {value};").check()
    assert not succeeded
    assert f'invalid value "{value}" in "agent_max_uploads"; write a count of at least 1' in said


def test_slow_senders_do_not_hinder_others(make_edge):
    """Hundreds of bodies that drip; meanwhile requests are answered, and nothing stays when the senders leave."""
    edge = make_edge(workers=2, connections=2048, http="agent_max_uploads 200;", keys=key_line("alice", "allow=* streams=1000"))
    stop = threading.Event()
    clients = [half_sent(edge, 1_000_000) for _ in range(200)]

    def drip():
        while not stop.is_set():
            for client in clients:
                client.send(" ")
            stop.wait(0.05)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        for _ in range(50):
            with edge.connect() as client:
                assert client.chat(CHAT).status == 200
    finally:
        stop.set()
        thread.join()
        for client in clients:
            client.sock.close()
    edge.wait_for_rest()
    edge.wait_for(lambda: edge.status()["uploads"] == 0, "end of uploads")
