"""examples/lua beside the module, in one nginx: each sees and keeps what the other does."""

import pathlib
import threading

import pytest

from edge_config import LOCATIONS
from edge_harness import Edge
from edge_keys import SECRET, key_line
from edge_module import ROOT
from fake_executor import stream_of
from proof_check import assert_proof_holds
from raw_client import build_request

MODULES = [pathlib.Path("/usr/lib/nginx/modules") / name for name in ("ndk_http_module.so", "ngx_http_lua_module.so")]
EXAMPLE = ROOT / "examples/lua/lua.conf"
CHAT = '{"model":"m"}'
LOAD = "".join(f"load_module {module};\n" for module in MODULES)
MORE = """
        location = /v1/seen {
            agent_scope chat;
            access_by_lua_block {
                ngx.shared.chats_by_model:incr("seen", 1, 0)
                ngx.req.set_header("X-Seen", ngx.var.agent_key_id .. " " .. ngx.var.agent_model)
            }
            proxy_pass http://executors;
        }
        location = /chats { content_by_lua_block { ngx.print(ngx.shared.chats_by_model:get(ngx.var.arg_model) or 0) } }
"""

pytestmark = pytest.mark.skipif(not all(module.exists() for module in MODULES),
                                reason="the Debian package libnginx-mod-http-lua is not installed")


def with_lua_first(edge, listen):
    agent = f"load_module {edge.module};"
    return edge.render(listen).replace(LOAD, "").replace(agent, LOAD + agent)


@pytest.fixture(params=["agent-first", "lua-first"])
def edge(request, tmp_path, executor):
    keys = "".join(key_line(name, "allow=default/*") for name in ("alice", "bob", "carol"))
    edge = Edge(tmp_path / "edge", executor.address, keys, main=LOAD, http=f"include {EXAMPLE};",
                locations=LOCATIONS + MORE, workers=2)
    with edge.running(edge.render if request.param == "agent-first" else lambda listen: with_lua_first(edge, listen)):
        yield edge


def counted(edge, model):
    with edge.connect() as client:
        response = client.request("GET", f"/chats?model={model}", key=None)
    assert response.status == 200
    return int(response.body)


@pytest.mark.parametrize("key, team", [("alice", "research"), ("bob", "support"), ("carol", None)])
def test_the_executor_gets_a_header_that_depends_on_the_key(edge, executor, key, team):
    with edge.connect() as client:
        # One that the client sends itself is replaced or removed.
        assert client.chat(CHAT, [("X-Team", "board")], key=key).status == 200
        request = executor.last()
        assert (request.header("X-Agent-Key-Id"), request.header("X-Team")) == (key, team)
        assert_proof_holds(request, SECRET)
        assert request.body == CHAT.encode()
        assert client.request("GET", "/v1/models", [("X-Team", "board")], key=key).status == 200
        assert executor.last().header("X-Team") == team


def test_nobody_has_no_team(edge, executor):
    with edge.connect() as client:
        assert client.request("GET", "/ready", [("X-Team", "board")], key=None).status == 200
    assert executor.last().header("X-Team") is None


@pytest.mark.parametrize("is_late", [False, True], ids=["at-once", "body-late"])
def test_the_model_is_known_to_lua(edge, executor, is_late):
    request = build_request("POST", "/v1/chat/completions", body=CHAT)
    with edge.connect() as client:
        if is_late:
            client.send(request[:-5])
            edge.wait_for(lambda: edge.status()["uploads"] == 1, "upload")
            client.send(request[-5:])
        else:
            client.send(request)
        response = client.response()
    assert (response.status, response.header("X-Served-Model")) == (200, "default/m")
    assert executor.last().header("X-Team") == "research"
    edge.wait_for(lambda: counted(edge, "default/m") == 1, "count")


def test_lua_decides_after_the_edge(edge, executor):
    def ask(body, key="alice"):
        with edge.connect() as client:
            return client.request("POST", "/v1/seen", body=body, key=key).status

    assert [ask(CHAT, "nobody"), ask('{"model":"x/m"}'), ask("{}"), ask("")] == [401, 403, 400, 400]
    assert counted(edge, "seen") == 0
    assert ask(CHAT) == 200
    assert (executor.last().header("X-Seen"), counted(edge, "seen")) == ("alice default/m", 1)


def test_refusals_are_the_edges(edge, executor):
    with edge.connect() as client:
        refused = [(client.chat('{"model":"x/m"}'), 403, "agent_not_allowed", "x/m"),
                   (client.chat(CHAT, key="nobody"), 401, "invalid_api_key", None),
                   (client.chat('{"model":"m","model":"n"}'), 400, "duplicate_key", None),
                   (client.request("GET", "/nothing"), 404, "not_found", None)]
    for response, status, code, model in refused:
        assert (response.status, response.error["code"], response.header("X-Served-Model")) == (status, code, model)
    assert executor.requests == []
    edge.wait_for_rest()
    assert counted(edge, "x/m") == 0


def test_streams_and_their_usage_pass_both(edge, executor):
    usage = ': agent-usage {"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}\n\n'
    executor.respond = stream_of("data: 1\n\n", usage + "data: [DONE]\n\n")
    with edge.connect() as client:
        response = client.chat('{"model":"m","stream":true}')
        assert (response.status, response.body) == (200, b"data: 1\n\ndata: [DONE]\n\n")
        assert response.header("X-Served-Model") == "default/m"
    assert edge.logged(response.header("X-Request-Id"))["total"] == 3


def test_a_reload_brings_lua(make_edge, executor):
    edge = make_edge()
    with edge.connect() as client:
        assert client.chat(CHAT).header("X-Served-Model") is None
    edge.values.update(main=LOAD, http=f"include {EXAMPLE};")
    edge.config_file.write_text(edge.render(f"127.0.0.1:{edge.port}"))
    edge.replace_workers()
    with edge.connect() as client:
        assert client.chat(CHAT).header("X-Served-Model") == "default/m"
    assert executor.last().header("X-Team") == "research"


def test_a_reload_keeps_both(edge, executor):
    go = threading.Event()

    def respond(request, connection):
        connection.start_stream([("X-Agent-Stream", "openai")])
        connection.chunk("data: 1\n\n")
        assert go.wait(20)
        return True

    executor.respond = respond
    with edge.connect() as client:
        client.send(build_request("POST", "/v1/chat/completions", body='{"model":"m","stream":true}'))
        assert client.head().status == 200
        assert client.chunk() == b"data: 1\n\n"
        edge.replace_workers()
        go.set()
        assert b'"run_lost"' in client.chunk()
        assert client.chunk() == b""
    executor.respond = lambda request, connection: connection.answer()
    with edge.connect() as client:
        assert client.chat(CHAT).header("X-Served-Model") == "default/m"
    edge.wait_for(lambda: counted(edge, "default/m") == 2, "count over the reload")
