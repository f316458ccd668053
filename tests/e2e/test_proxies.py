"""The environment's proxies are not for the gateway: a run with a model, an MCP server and an HTTP tool goes past them."""

import gateway_stack
from gateway_stack import chat
from tls_doubles import Recorder
from upstream_doubles import ending


def test_a_run_asks_nobody_in_between(tmp_path_factory):
    directory = tmp_path_factory.mktemp("p")
    with ending(Recorder()) as proxy:
        try:
            stack = gateway_stack.start(directory, environment=proxy.environment())
            with stack.client() as client:
                answer = client.post("/v1/chat/completions", json=chat("parallel"))
            assert answer.status_code == 200, answer.text
            assert stack.mcp_calls() and stack.http_calls() and stack.llm_requests()
        finally:
            gateway_stack.stop(directory)
        assert proxy.heard == []
