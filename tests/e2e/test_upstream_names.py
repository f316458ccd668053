"""Upstreams whose names are looked up slowly or not at all, at a real name server that the test can silence."""

import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

import gateway_stack
from admin_gateway import AdminGateway
from config_edits import ConfigFile
from gateway_stack import assert_error, chat, wait_until
from name_server import NameServer, why_not
from upstream_doubles import LlmProcess, StatusServer, ending

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

CONNECT_TIMEOUT_S = 2
AT_ONCE_S = 1.5  # for what must not wait, on a busy machine with sanitizers
FRESH_S = 10  # for so long an address is used as it is: docs/upstreams.md, Names
THREADS = 4
MUTE = [f"mute{number}" for number in range(4)]
CONFIG = """
version: 1
server: {{threads: {threads}, metrics_listen: "127.0.0.1:0", drain_timeout: 3s}}
upstreams:
  address: {{base_url: "http://127.0.0.1:{port}/v1", models: [any]}}
"""
UPSTREAM = """\
  {name}:
    base_url: "http://{name}.test:{port}/v1"
    models: [any]
    connect_timeout: {connect}s
    retries: 0
    breaker_failures: 0
    max_concurrent: {most}
    queue_timeout: 100ms
    health_interval: 1h
"""


@dataclass
class Upstreams:
    gateway: AdminGateway
    names: NameServer
    restarted: LlmProcess  # whose name is `restarted`

    def ask(self, model: str, **more):
        """A client of its own: the answer, and how long it took."""
        began = time.monotonic()
        with self.gateway.stack.client() as client:
            answer = client.post("/v1/chat/completions", json=chat(model, **more))
        return answer, time.monotonic() - began

    def outcomes(self, name: str) -> dict:
        return self.gateway.get("/admin/metrics")["upstream_breakdown"].get(name, {"outcomes": {}})["outcomes"]


@pytest.fixture(scope="module")
def upstreams(tmp_path_factory):
    directory = tmp_path_factory.mktemp("n")
    with contextlib.ExitStack() as doubles:
        names = doubles.enter_context(ending(NameServer()))
        # Each call needs a connection of its own, and so the name.
        port = doubles.enter_context(ending(StatusServer({"Connection": "close"}))).server.server_port
        script = directory / "script.json"
        script.write_text(json.dumps({"models": {"*": {"turns": [{"text": "here again"}]}}}))
        restarted = doubles.enter_context(ending(LlmProcess(directory, "restarted", script)))
        config = directory / "source"
        config.mkdir()
        limits = dict.fromkeys(MUTE, 1) | {"quick": 0, "later": 0, "kept": 0, "restarted": 0}
        ports = {"restarted": restarted.port}
        (config / "gateway.yaml").write_text(
            CONFIG.format(port=port, threads=THREADS)
            + "".join(UPSTREAM.format(name=name, port=ports.get(name, port), connect=CONNECT_TIMEOUT_S, most=most)
                      for name, most in limits.items()))
        names.hang(*(f"{name}.test" for name in MUTE))
        try:
            stack = gateway_stack.start(directory, config=config, prefix=names.prefix(directory))
            with stack.admin_client() as admin, stack.client() as client:
                yield Upstreams(AdminGateway(stack, admin, client, ConfigFile(stack.config_file)), names, restarted)
        finally:
            gateway_stack.stop(directory)


@pytest.mark.parametrize("stream", [False, True])
def test_a_name_that_hangs_is_an_error_in_time_and_holds_nobody_up(upstreams, stream):
    """All that hang at the same time, while others are asked for by address, by a known and by a new name."""
    before = {name: upstreams.outcomes(name).get("timeout", 0) for name in MUTE}
    for _ in range(2):  # with one slot: each has to give it back
        with ThreadPoolExecutor(len(MUTE)) as pool:
            late = [pool.submit(upstreams.ask, f"{name}/any", stream=stream) for name in MUTE]
            wait_until(lambda: all(upstreams.gateway.entry("/upstreams", name)["in_flight"] == 1 for name in MUTE),
                       "all of them wait", CONNECT_TIMEOUT_S)
            others = [upstreams.ask(f"{name}/any", stream=stream)
                      for name in ("quick", "address", "later" if stream else "quick") * 4]
            assert not any(one.done() for one in late), "these were asked while those waited"
            answers = [one.result() for one in late]
        assert [answer.status_code for answer, _ in others] == [200] * len(others)
        assert max(took for _, took in others) < AT_ONCE_S
        for name, (answer, took) in zip(MUTE, answers, strict=True):
            assert CONNECT_TIMEOUT_S - 0.1 < took < CONNECT_TIMEOUT_S + 1
            assert_error(answer, 504, "upstream_timeout")
            line = upstreams.gateway.stack.request_line(answer)
            assert f"{name}.test" in line["error_detail"] and "name server" in line["error_detail"]
    for name in MUTE:
        assert upstreams.outcomes(name) == {"timeout": before[name] + 2}
        shown = upstreams.gateway.entry("/upstreams", name)
        assert (shown["in_flight"], shown["queued"]) == (0, 0)


def test_looks_say_so(upstreams):
    for name in MUTE:
        shown = wait_until(lambda name=name: (one := upstreams.gateway.entry("/upstreams", name))["last_checked"] and one,
                           "the first look has ended")
        assert shown["healthy"] is False and "name server" in shown["last_error"]
        assert upstreams.gateway.metric("upstream_healthy", upstream=name) == 0


def test_a_name_that_is_known_is_used_while_the_name_server_is_silent(upstreams):
    """Whichever thread serves a request: that one of them has looked the name up is enough."""
    answer, _ = upstreams.ask("kept/any")
    assert answer.status_code == 200, answer.text
    upstreams.names.hang_for_all(True)
    try:
        looked_up = time.monotonic()
        asked = upstreams.names.times_asked("kept.test")
        while time.monotonic() < looked_up + FRESH_S + 1:
            with ThreadPoolExecutor(4 * THREADS) as pool:
                answers = list(pool.map(lambda _: upstreams.ask("kept/any"), range(4 * THREADS)))
            assert [answer.status_code for answer, _ in answers] == [200] * len(answers)
            assert max(took for _, took in answers) < AT_ONCE_S
            time.sleep(0.5)
        assert upstreams.names.times_asked("kept.test") > asked, "it was looked up anew, and nobody waited for that"
    finally:
        upstreams.names.hang_for_all(False)


def test_a_server_that_restarts_while_the_name_server_is_silent_is_found_again(upstreams):
    """Its addresses did not answer, and there is nobody who would know others."""
    answer, _ = upstreams.ask("restarted/any")
    assert answer.status_code == 200, answer.text
    upstreams.names.hang_for_all(True)
    try:
        upstreams.restarted.kill()
        for _ in range(2 * THREADS):
            answer, took = upstreams.ask("restarted/any")
            assert_error(answer, 502, "upstream_unreachable")
            assert took < CONNECT_TIMEOUT_S
        upstreams.restarted.start()
        for _ in range(2 * THREADS):
            answer, took = upstreams.ask("restarted/any")
            assert answer.status_code == 200 and took < CONNECT_TIMEOUT_S, answer.text
    finally:
        upstreams.names.hang_for_all(False)
