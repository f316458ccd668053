"""agent_status: both forms, what it counts, and that Prometheus' own tool takes it."""

import re
import shutil
import subprocess

import pytest

from edge_keys import key_line
from edge_module import ROOT


def promtool():
    fetched = ROOT / ".dev/tools/promtool"
    return str(fetched) if fetched.exists() else shutil.which("promtool")


def families(text):
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


def test_the_two_forms_say_the_same(edge):
    with edge.connect() as client:
        client.request("GET", "/v1/models")
        client.request("GET", "/v1/models", key=None)
        response = client.request("GET", "/metrics", key=None)
        assert response.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        text = response.body.decode()
        document = client.request("GET", "/status", key=None).json()
    assert set(families(text)) == set(document) - {"key_file_problem"}
    assert document["key_file_problem"] is None
    assert 'agent_gateway_edge_requests_total{class="2xx"} 1\n' in text
    assert 'agent_gateway_edge_auth_failures_total{reason="missing"} 1\n' in text
    assert "agent_gateway_edge_keys 1\n" in text
    assert "agent_gateway_edge_key_file_valid 1\n" in text


@pytest.mark.skipif(promtool() is None, reason="promtool is not there: ./dev setup fetches it")
def test_promtool_has_nothing_to_say(edge):
    with edge.connect() as client:
        client.chat('{"model":"m"}')
        text = client.request("GET", "/metrics", key=None).body
    result = subprocess.run([promtool(), "check", "metrics"], input=text, capture_output=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_other_methods(edge):
    with edge.connect() as client:
        assert client.request("HEAD", "/metrics").status == 200
        response = client.request("POST", "/metrics", body="x")
        assert (response.status, response.error["code"]) == (405, "method_not_allowed")
        assert client.request("GET", "/metrics").status == 200


def test_it_can_be_guarded_like_any_location(make_edge):
    edge = make_edge(keys=key_line("alice") + key_line("root", "allow=* scopes=admin"),
                     locations="location = /metrics { agent_scope admin; agent_status; }")
    with edge.connect() as client:
        assert [client.request("GET", "/metrics", key=key).status for key in (None, "alice", "root")] == [401, 403, 200]


def test_counts_of_all_workers_are_one(make_edge):
    edge = make_edge(workers=4)
    edge.wait_for(lambda: edge.status()["workers"] == 4, "4 workers")
    for _ in range(60):
        with edge.connect() as client:
            assert client.request("GET", "/v1/models").status == 200
    # A request counts when it is over, a moment after its answer; those of agent_status count as well.
    status = edge.wait_for(lambda: (now := edge.status())["requests_total{class=2xx}"] >= 60 and now, "60 requests")
    assert status["workers"] == 4


def test_counts_survive_a_reload_and_workers_that_left(make_edge):
    edge = make_edge(workers=2)
    with edge.connect() as client:
        for _ in range(5):
            client.request("GET", "/v1/models")
        client.request("GET", "/v1/models", key="nobody")
    edge.reload()
    edge.wait_for(lambda: edge.status()["workers"] == 2, "old workers to leave")
    status = edge.status()
    assert status["requests_total{class=2xx}"] >= 5
    assert status["auth_failures_total{reason=unknown}"] == 1
    assert status["keys_generation"] == 2


def test_the_text_holds_no_secret_and_no_key_id(make_edge):
    edge = make_edge(keys=key_line("very-private-name", "allow=* requests=1/h"))
    with edge.connect() as client:
        client.request("GET", "/v1/models", key="very-private-name")
        text = client.request("GET", "/metrics", key=None).body + client.request("GET", "/status", key=None).body
    assert b"private" not in text and b"agk_" not in text
