"""Upstreams behind TLS: what is sent and kept, and what is refused, whoever answers there."""

import contextlib
import ssl
import time
from dataclasses import dataclass

import pytest

import gateway_stack
from admin_gateway import AdminGateway
from certificates import OVER, Authority
from config_edits import ConfigFile
from gateway_stack import assert_error, chat, wait_until
from tls_doubles import Recorder, TlsServer
from upstream_doubles import BadServer, StatusServer, ending

SECRET = "hunter2-behind-tls"
CONNECT_TIMEOUT_S = 1
CONFIG = """
version: 1
server: {threads: 1, metrics_listen: "127.0.0.1:0", drain_timeout: 3s}
upstreams:
"""
UPSTREAM = """\
  {name}:
    base_url: "{url}/v1"
    api_key: {secret}
    models: [any, goodbye]
    {ca_file}
    connect_timeout: {connect}s
    max_concurrent: 1
    queue_timeout: 100ms
    retries: 0
    breaker_failures: 0
    health_interval: 1h
"""
# Name of the upstream: status, code and outcome of a call, and the cause that the log names.
REFUSED = {
    "expired": (502, "upstream_unreachable", "unreachable", "certificate has expired"),
    "other-name": (502, "upstream_unreachable", "unreachable", "hostname mismatch"),
    "other-address": (502, "upstream_unreachable", "unreachable", "IP address mismatch"),
    "unknown-ca": (502, "upstream_unreachable", "unreachable", "unable to get local issuer certificate"),
    "not-of-the-system": (502, "upstream_unreachable", "unreachable", "unable to get local issuer certificate"),
    "self-signed": (502, "upstream_unreachable", "unreachable", "self-signed certificate"),
    "plain": (502, "upstream_unreachable", "unreachable", "wrong version number"),
    "silent": (504, "upstream_timeout", "timeout", "TLS handshake"),
}


@dataclass
class Upstreams:
    gateway: AdminGateway
    servers: dict[str, TlsServer]
    proxy: Recorder

    def ask(self, model: str, **more):
        answer = self.gateway.client.post("/v1/chat/completions", json=chat(model, **more))
        self.gateway.answers.append(answer.text)
        return answer

    def outcomes(self, name: str) -> dict:
        return self.gateway.get("/admin/metrics")["upstream_breakdown"].get(name, {"outcomes": {}})["outcomes"]


def described(name: str, url: str, ca_file) -> str:
    line = f'ca_file: "{ca_file}"' if ca_file else "provider: any"
    return UPSTREAM.format(name=name, url=url, secret=SECRET, ca_file=line, connect=CONNECT_TIMEOUT_S)


@pytest.fixture(scope="module")
def upstreams(tmp_path_factory):
    directory = tmp_path_factory.mktemp("t")
    ours, others = Authority(directory, "ours"), Authority(directory, "others")
    good = ours.issue("good", "DNS:localhost")
    with contextlib.ExitStack() as doubles:
        enter = lambda double: doubles.enter_context(ending(double))  # noqa: E731
        servers = {
            "tls12": enter(TlsServer(good, ssl.TLSVersion.TLSv1_2)),
            "tls13": enter(TlsServer(good)),
            "expired": enter(TlsServer(ours.issue("expired", "DNS:localhost", OVER))),
            "other-name": enter(TlsServer(ours.issue("other", "DNS:other.test"))),
            "other-address": enter(TlsServer(good)),
            "unknown-ca": enter(TlsServer(others.issue("unknown", "DNS:localhost"))),
            "not-of-the-system": enter(TlsServer(good)),
            "self-signed": enter(TlsServer(others)),
        }
        urls = {name: server.url for name, server in servers.items()}
        urls["other-address"] = urls["other-address"].replace("localhost", "127.0.0.1")
        urls["plain"] = enter(StatusServer()).url.replace("http:", "https:")
        urls["silent"] = enter(BadServer("silent")).url.replace("http:", "https:")
        proxy = enter(Recorder())
        config = directory / "source"
        config.mkdir()
        (config / "gateway.yaml").write_text(CONFIG + "".join(
            described(name, url, None if name == "not-of-the-system" else ours.certificate)
            for name, url in urls.items()))
        try:
            stack = gateway_stack.start(directory, config=config, environment=proxy.environment())
            with stack.admin_client() as admin, stack.client() as client:
                gateway = AdminGateway(stack, admin, client, ConfigFile(stack.config_file))
                yield Upstreams(gateway, servers, proxy)
                assert [answer for answer in gateway.answers if SECRET in answer] == []
        finally:
            gateway_stack.stop(directory, secrets=(SECRET,))


@pytest.mark.parametrize("version", ["tls12", "tls13"])
def test_connections_are_used_again_and_sessions_resumed(upstreams, version):
    server = upstreams.servers[version]
    models = ["any", "any", "any", "goodbye", "any", "goodbye", "any"]
    answers = [upstreams.ask(f"{version}/{model}", stream=model == "any") for model in models]
    assert [answer.status_code for answer in answers] == [200] * len(answers), answers[0].text
    assert all("in private" in answer.text for answer in answers)
    first, second, third = server.chats()
    assert [len(seen.requests) for seen in (first, second, third)] == [4, 2, 1], "the server ended two of them"
    assert [seen.resumed for seen in (first, second, third)] == [False, True, True]
    assert {(seen.server_name, seen.protocol) for seen in (first, second, third)} == {("localhost", "http/1.1")}
    assert upstreams.outcomes(version) == {"ok": len(models)}
    assert upstreams.gateway.metric("upstream_healthy", upstream=version) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", REFUSED)
def test_who_is_not_trusted_is_sent_nothing(upstreams, name, stream):
    status, code, outcome, cause = REFUSED[name]
    before = upstreams.outcomes(name).get(outcome, 0)
    for _ in range(3):  # with one slot: each has to give it back
        began = time.monotonic()
        answer = upstreams.ask(f"{name}/any", stream=stream)
        assert time.monotonic() - began < CONNECT_TIMEOUT_S + 1
        assert_error(answer, status, code)
        assert cause not in answer.text, "that is for the log"
        line = upstreams.gateway.stack.request_line(answer)
        assert (line["error_code"], line["upstream"]) == (code, name)
        assert cause in line["error_detail"], line["error_detail"]
    assert upstreams.outcomes(name) == {outcome: before + 3}
    shown = upstreams.gateway.entry("/upstreams", name)
    assert (shown["in_flight"], shown["queued"]) == (0, 0)
    wait_until(lambda: upstreams.gateway.entry("/upstreams", name)["last_checked"], "the first look has ended")
    shown = upstreams.gateway.entry("/upstreams", name)
    assert shown["healthy"] is False and cause in shown["last_error"]
    assert upstreams.gateway.metric("upstream_healthy", upstream=name) == 0
    assert upstreams.gateway.metric("upstream_requests_total", upstream=name, outcome=outcome) == before + 3
    if name in upstreams.servers:
        server = upstreams.servers[name]
        assert server.chats() == []
        wait_until(lambda: server.failed + len(server.connections) >= before + 3, "the server saw them")


def test_the_proxy_of_the_environment_is_not_asked(upstreams):
    """The stack was started with it, and all of the tests above went past it."""
    assert upstreams.ask("tls13/any").status_code == 200
    assert upstreams.proxy.heard == []
