import time

import httpx
import pytest

import doubles

pytestmark = pytest.mark.item("S1-93")


@pytest.fixture(scope="module")
def tool(tmp_path_factory):
    with doubles.http_tool(tmp_path_factory.mktemp("tool")) as double:
        with httpx.Client(base_url=double.url, timeout=5) as client:
            yield client


def test_tells_the_time_by_get_and_post(tool):
    tool.delete("/_calls")
    assert tool.get("/time", params={"city": "Oslo"}).json() == {"city": "Oslo", "time": "12:34"}
    assert tool.post("/time", json={"city": "Köln"}).json() == {"city": "Köln", "time": "12:34"}
    first, second = tool.get("/_calls").json()
    assert first["time"] <= first["ended"] <= second["time"]
    assert (first["method"], first["path"], first["query"]) == ("GET", "/time", {"city": "Oslo"})
    assert second["body"] == {"city": "Köln"}


def test_the_record_hides_secrets(tool):
    tool.delete("/_calls")
    tool.get("/echo", headers={"Authorization": "Bearer hidden-value", "X-Trace": "t"})
    assert "hidden-value" not in tool.get("/_calls").text
    headers = tool.get("/_calls").json()[0]["headers"]
    assert headers["authorization"] == "(not shown)" and headers["x-trace"] == "t"


def test_fails_as_asked(tool):
    assert tool.get("/fail", params={"status": 503}).status_code == 503
    assert tool.post("/fail", json={}).status_code == 500


def test_a_caller_that_does_not_wait_is_recorded(tool):
    tool.delete("/_calls")
    assert tool.get("/slow", params={"delay": 0.01}).json() == {"slept": 0.01}
    with pytest.raises(httpx.ReadTimeout):
        tool.get("/slow", params={"delay": 30}, timeout=0.3)
    gone = time.time()
    for _ in range(100):
        calls = tool.get("/_calls").json()
        if [call["status"] for call in calls] == ["done", "peer_closed"]:
            assert calls[0]["ended"] - calls[0]["time"] >= 0.01
            assert abs(calls[1]["ended"] - gone) < 1
            return
        assert calls[-1]["status"] != "open" or calls[-1]["ended"] is None
    raise AssertionError(calls)
