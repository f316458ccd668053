"""Upstreams that are well or not, and models that they list: /upstreams, and /v1/models, which waits for nobody."""

import json
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

import admin_gateway
from gateway_stack import ROOT, assert_error, chat, wait_until

sys.path.append(str(ROOT / "tests/fakes"))
import doubles  # noqa: E402

KEY = "hunter2-of-another-upstream"
HEALTH_TIMEOUT_S = 2


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with admin_gateway.running(tmp_path_factory.mktemp("u")) as running:
        yield running


def script_of(*models: str) -> dict:
    """A server that takes one key, whose models tell their names."""
    turns = {"turns": [{"text": "I am {{model}}", "fragments": "words"}]}
    return {"expect_key": KEY, "refuse_other_keys": True, "models": dict.fromkeys(models, turns)}


@contextmanager
def llm(tmp_path, *models: str, port: str = "0"):
    script = tmp_path / "script.json"
    script.write_text(json.dumps(script_of(*models)))
    with doubles.scripted_llm(tmp_path, script, "--listen", f"127.0.0.1:{port}") as double:
        yield double


@pytest.fixture
def other(gateway):
    """Takes an upstream `other` into use, described by further lines; without it again afterwards."""

    def use(url: str, *more: str, key: str = KEY) -> None:
        lines = (f"base_url: {url}/v1", f"api_key: {key}", "health_interval: 1h", f"health_timeout: {HEALTH_TIMEOUT_S}s", *more)
        described = "".join(f"    {line}\n" for line in lines)
        gateway.use(gateway.file.base.replace("upstreams:\n", f"upstreams:\n  other:\n{described}", 1))

    yield use
    gateway.use(gateway.file.base)


def looked_at(gateway, name: str = "other") -> dict:
    """What a look that is made now finds."""
    begin = time.time()
    (found,) = [upstream for upstream in gateway.post("/upstreams/refresh") if upstream["name"] == name]
    assert found["last_checked"] >= begin - 0.01
    assert found == gateway.entry("/upstreams", name)
    return found


def models_of(gateway, upstream: str = "other") -> list[str]:
    models = gateway.client.get("/v1/models").raise_for_status().json()["data"]
    return [model["id"].partition("/")[2] for model in models if model["owned_by"] == upstream]


def says(gateway, model: str) -> str:
    answer = gateway.client.post("/v1/chat/completions", json=chat(model)).raise_for_status().json()
    return answer["choices"][0]["message"]["content"]


def test_upstreams_of_the_configuration(gateway):
    well = looked_at(gateway, "scripted")
    assert (well["base_url"], well["models"]) == ("***", 1), "it came from the environment"
    assert (well["healthy"], well["last_error"], well["discover"]) == (True, None, False)
    assert (well["health_path"], well["health_timeout"]) == ("/models", 5)
    absent = looked_at(gateway, "absent")
    assert absent["healthy"] is False and absent["last_error"] and absent["models"] == 0
    assert absent["base_url"] == "http://127.0.0.1:9/v1", "its query may hold a secret"
    assert gateway.metric("upstream_healthy", upstream="scripted") == 1
    assert gateway.metric("upstream_healthy", upstream="absent") == 0


def test_a_refused_key_a_server_that_stops_and_one_that_is_back(gateway, other, tmp_path):
    with llm(tmp_path, "a") as double:
        port = double.url.rpartition(":")[2]
        other(double.url, key="hunter2-but-wrong")
        found = looked_at(gateway)
        assert (found["healthy"], found["last_error"]) == (
            False, "answered with status 401: it refuses the credential")  # fmt: skip
        assert gateway.metric("upstream_healthy", upstream="other") == 0
        other(double.url)
        found = looked_at(gateway)
        assert (found["healthy"], found["last_error"]) == (True, None)
        assert httpx.get(double.url + "/_stats").json()["model_lists"] >= 2
        assert httpx.get(double.url + "/_requests").json() == []
    found = looked_at(gateway)
    assert found["healthy"] is False and found["last_error"]
    assert gateway.metric("upstream_healthy", upstream="other") == 0
    with llm(tmp_path, "a", port=port):
        assert looked_at(gateway)["healthy"] is True
    states = [(entry["event"]) for entry in gateway.stack.executor_events(1)
              if entry["event"].startswith("upstream_") and entry.get("upstream") == "other"]  # fmt: skip
    assert states == ["upstream_unhealthy", "upstream_healthy", "upstream_unhealthy", "upstream_healthy"], "each change once"


@pytest.mark.parametrize(("allow", "healthy"), [("true", True), ("false", False)])
def test_a_server_that_does_not_know_the_path(gateway, other, tmp_path, allow, healthy):
    with llm(tmp_path, "a") as double:
        other(double.url, "health_path: /healthz", f"health_allow_404: {allow}")
        assert looked_at(gateway)["healthy"] is healthy


def test_looks_go_on_by_themselves(gateway, other, tmp_path):
    with llm(tmp_path, "a") as double:
        other(double.url, "discover: true")
        gateway.use(gateway.stack.config_file.read_text().replace("health_interval: 1h", "health_interval: 200ms", 1))
        wait_until(lambda: httpx.get(double.url + "/_stats").json()["model_lists"] >= 4, "looks")
        httpx.put(double.url + "/_script", json=script_of("later")).raise_for_status()
        wait_until(lambda: models_of(gateway) == ["later"], "the models of a later look")
    wait_until(lambda: gateway.entry("/upstreams", "other")["healthy"] is False, "the look that finds it gone")
    assert models_of(gateway) == ["later"]


def test_models_that_an_upstream_lists_are_served(gateway, other, tmp_path):
    with llm(tmp_path, "m-1", "family/m-2") as double:
        other(double.url, "discover: true", "models: [m-1, hidden]")
        found = looked_at(gateway)
        assert (found["discover"], found["models"]) == (True, 3)
        assert sorted(models_of(gateway)) == ["family/m-2", "hidden", "m-1"]
        assert says(gateway, "other/m-1") == "I am m-1" and says(gateway, "other/family/m-2") == "I am family/m-2"
        one = gateway.client.get("/v1/models/other%2Ffamily%2Fm-2").raise_for_status().json()
        assert one["metadata"] == {"namespace": "other", "kind": "model"}

        httpx.put(double.url + "/_script", json=script_of("m-3")).raise_for_status()
        assert sorted(models_of(gateway)) == ["family/m-2", "hidden", "m-1"], "nobody has looked since"
        assert looked_at(gateway)["models"] == 3
        assert sorted(models_of(gateway)) == ["hidden", "m-1", "m-3"]
        assert says(gateway, "other/m-3") == "I am m-3"
        gone = gateway.client.post("/v1/chat/completions", json=chat("other/family/m-2"))
        assert_error(gone, 404, "model_not_found")

        # Described otherwise, it is asked anew; what it listed is served meanwhile.
        other(double.url, "discover: true", "models: [m-1, hidden]", "idle_timeout: 1m")
        assert sorted(models_of(gateway)) == ["hidden", "m-1", "m-3"]
    found = looked_at(gateway)
    assert found["healthy"] is False and found["models"] == 3
    assert sorted(models_of(gateway)) == ["hidden", "m-1", "m-3"]
    failed = gateway.client.post("/v1/chat/completions", json=chat("other/m-3"))
    assert_error(failed, 502, "upstream_unreachable")
    gateway.use(gateway.file.base)
    assert models_of(gateway) == [], "with the upstream its models go"


def test_the_list_of_models_waits_for_nobody(gateway, other, tmp_path):
    """The server is there and says nothing, and a look at it is under way."""
    with llm(tmp_path, "m-1") as double:
        other(double.url, "discover: true")
        assert looked_at(gateway)["models"] == 1
        os.kill(double.process.pid, signal.SIGSTOP)
        try:
            looks = []
            thread = threading.Thread(target=lambda: looks.append(looked_at(gateway)))
            begin = time.monotonic()
            thread.start()
            times = []
            while thread.is_alive():
                asked = time.monotonic()
                assert models_of(gateway) == ["m-1"]
                times.append(time.monotonic() - asked)
            thread.join()
            took = time.monotonic() - begin
        finally:
            os.kill(double.process.pid, signal.SIGCONT)
        assert looks[0]["healthy"] is False
        assert took > HEALTH_TIMEOUT_S * 0.9, "the look waited for the server"
        assert len(times) > 20 and max(times) < 1, "and the list did not"
