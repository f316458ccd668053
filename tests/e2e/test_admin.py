"""What administrators are told about agents that ran, that failed, and that cannot be built."""

import shutil
import subprocess

import pytest

import admin_gateway
from admin_gateway import named
from gateway_stack import ROOT, assert_error, chat, wait_until

GET = ("/agents", "/agents/errors", "/admin/metrics", "/admin/reload", "/tools", "/mcp/servers", "/upstreams")
POST = ("/agents/refresh", "/tools/refresh", "/upstreams/refresh")
MOST_ERRORS = 200


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with admin_gateway.running(tmp_path_factory.mktemp("a")) as running:
        yield running


def ask(gateway, model: str, stream: bool = False, **headers: str):
    return gateway.client.post("/v1/chat/completions", json=chat(model, "How is it in Oslo?", stream=stream), headers=headers)


@pytest.mark.parametrize("method_and_path", [*(("GET", path) for path in GET), *(("POST", path) for path in POST)],
                         ids=lambda value: value[1])  # fmt: skip
def test_only_administrators_at_their_own_listener(gateway, method_and_path):
    method, path = method_and_path
    with gateway.stack.admin_client(gateway.stack["AGENT_KEY"]) as user:
        assert_error(user.request(method, path), 403, "scope_not_granted")
    with gateway.stack.client(gateway.stack["AGENT_ADMIN_KEY"]) as public:
        assert public.request(method, path).status_code == 404
    with gateway.stack.admin_client("") as nobody:
        assert_error(nobody.request(method, path), 401, "invalid_api_key")
    other = {"GET": "POST", "POST": "GET"}[method]
    assert_error(gateway.admin.request(other, path), 405, "method_not_allowed")


def test_agents_are_described_whether_they_run_or_not(gateway):
    agents = gateway.get("/agents")
    assert agents == gateway.post("/agents/refresh")
    assert [agent["name"] for agent in agents] == ["assistant", "unlucky", "refused", "cut", "unbuildable"]
    assert named(agents, "assistant") == {
        "name": "assistant", "namespace": "default", "qualified_name": "default/assistant",
        "display_name": "The assistant", "kind": "declarative", "model": "tools", "upstream": "scripted",
        "description": "Uses two tools.", "tools": ["get_weather", "get_time"],
        "metadata": {"team": "weather", "level": 3}, "status": "ok", "error": None,
            "upstreams": [{"name": "scripted", "model": "tools"}],
    }  # fmt: skip
    broken = named(agents, "unbuildable")
    assert (broken["qualified_name"], broken["kind"], broken["status"]) == ("lab/unbuildable", "sdk", "error")
    assert "needs a worker" in broken["error"]


def errors_of(gateway, ids: list[str]) -> list[dict]:
    """The newest entries, once the error of the last of these requests is among them."""
    return wait_until(lambda: (errors := gateway.get("/agents/errors")) and errors[0]["request_id"] == ids[-1] and errors,
                      "the last error is noted")


def test_the_latest_errors_name_the_requests_of_clients(gateway):
    ask(gateway, "assistant").raise_for_status()
    assert "failed" in ask(gateway, "unlucky").raise_for_status().text, "a tool's failure is the model's to handle"
    answers = [
        ask(gateway, "refused"),
        ask(gateway, "refused", stream=True),
        ask(gateway, "cut", stream=True),
        ask(gateway, "lab/unbuildable"),
        ask(gateway, "refused", **{"X-Request-Id": "chosen-by-the.client"}),
    ]
    assert [answer.status_code for answer in answers] == [502, 502, 200, 503, 502]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert ids[-1] == "chosen-by-the.client"
    errors = errors_of(gateway, ids)
    newest = errors[: len(ids)][::-1]
    assert [error["request_id"] for error in newest] == ids, "each, the latest first, and nothing else"
    assert [error["agent_id"] for error in newest] == [
        "default/refused", "default/refused", "default/cut", "lab/unbuildable", "default/refused"]  # fmt: skip
    assert [error["error_stage"] for error in newest] == ["run", "run", "run", "build", "run"]
    assert {error["event"] for error in newest} == {"agent_run_failed"}
    assert [error["module_path"] for error in newest] == [None, None, None, "lab.agents:make", None]
    assert newest[0]["message"] == answers[0].json()["error"]["message"]
    assert all(error["message"] and error["details"] for error in newest)
    times = [error["timestamp"] for error in errors]
    assert times == sorted(times, reverse=True)
    # What could not be built was said at the start, too, before anybody asked.
    first = errors[-1]
    assert (first["event"], first["agent_id"], first["request_id"]) == ("agent_unavailable", "lab/unbuildable", None)


def test_a_clients_mistake_is_not_the_agents(gateway):
    before = gateway.get("/agents/errors")
    body = chat("assistant", n=2)
    assert_error(gateway.client.post("/v1/chat/completions", json=body), 400, "unsupported_parameter")
    assert_error(ask(gateway, "nobody"), 404, "model_not_found")
    assert gateway.get("/agents/errors") == before


def test_no_more_than_the_latest_are_kept(gateway):
    ids = []
    for _ in range(MOST_ERRORS + 5):
        answer = ask(gateway, "lab/unbuildable")
        assert_error(answer, 503, "agent_unavailable")
        ids.append(answer.headers["x-request-id"])
    assert [error["request_id"] for error in errors_of(gateway, ids)] == ids[: -MOST_ERRORS - 1 : -1]


def test_both_forms_of_the_metrics_agree(gateway):
    for model, stream in (("assistant", False), ("assistant", True), ("unlucky", False), ("refused", False)):
        ask(gateway, model, stream)
    counted = gateway.get("/admin/metrics")
    # That request itself is counted when it has ended.
    statuses = {**counted["requests_by_status"], "200": counted["requests_by_status"]["200"] + 1}

    def requests(metrics):
        return {labels: value for (name, labels), value in metrics.items() if name == "requests_total"}

    metrics = wait_until(lambda: (now := gateway.metrics()) and sum(requests(now).values()) == sum(statuses.values()) and now,
                         "the last request is counted")  # fmt: skip
    by_status, streamed = {}, 0
    for labels, value in requests(metrics).items():
        by_status[dict(labels)["status"]] = by_status.get(dict(labels)["status"], 0) + value
        streamed += value if dict(labels)["streaming"] == "true" else 0
    assert by_status == statuses and counted["total_requests"] == sum(statuses.values()) - 1
    assert streamed == counted["streaming_requests"] >= 1
    assert metrics["request_duration_seconds_count", frozenset()] == sum(statuses.values())
    assert 0 < counted["min_latency_ms"] <= counted["average_latency_ms"] <= counted["max_latency_ms"]

    tools = counted["tool_breakdown"]
    assert set(tools) == {"get_weather", "get_time", "fail"} and tools["fail"]["failures"] == tools["fail"]["invocations"] >= 1
    for name, tool in tools.items():
        labels = {"tool": name, "provider": tool["provider"]}
        ok, failed = (metrics["tool_invocations_total", frozenset({**labels, "status": status}.items())]
                      for status in ("ok", "error"))  # fmt: skip
        assert (ok + failed, failed) == (tool["invocations"], tool["failures"])
        assert metrics["tool_duration_seconds_count", frozenset(labels.items())] == tool["invocations"]
    assert counted["tool_invocations"] == sum(tool["invocations"] for tool in tools.values())
    assert counted["tool_failures"] == sum(tool["failures"] for tool in tools.values())


def test_metrics_show_what_runs(gateway):
    state = gateway.get("/admin/reload")["gateway"]
    assert gateway.metric("config_generation") == state["generation"] and gateway.metric("config_valid") == 1
    gateway.file.by_rename(gateway.file.broken(1)[0])
    try:
        assert_error(gateway.admin.post("/agents/refresh"), 422, "configuration_invalid")
        assert gateway.metric("config_valid") == 0
        assert gateway.metric("config_reloads_total", result="refused") == state["failure_count"] + 1
        assert gateway.metric("config_generation") == state["generation"]
    finally:
        gateway.use(gateway.file.base)
    assert gateway.metric("config_valid") == 1
    agents = [agent["status"] for agent in gateway.get("/agents")]
    for status in ("ok", "error"):
        assert gateway.metric("agents", status=status) == agents.count(status) > 0


def promtool():
    fetched = ROOT / ".dev/tools/promtool"
    return str(fetched) if fetched.exists() else shutil.which("promtool")


@pytest.mark.skipif(promtool() is None, reason="promtool is not there: ./dev setup fetches it")
def test_promtool_has_nothing_to_say(gateway):
    ask(gateway, "assistant").raise_for_status()
    result = subprocess.run([promtool(), "check", "metrics"], input=gateway.metrics_text(), capture_output=True, text=True,
                            timeout=60)  # fmt: skip
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
