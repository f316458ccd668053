"""Wrong limits fail nginx -t, with the directive, what is wrong, and where."""

import pytest

from edge_harness import Edge
from edge_keys import key_line

CHAT = "location / { agent_scope chat; %s }"


@pytest.fixture
def make(tmp_path):
    return lambda **options: Edge(tmp_path / "edge", **options)


@pytest.mark.item("S1-114")
@pytest.mark.parametrize(
    "words, message",
    [
        ("requests=60", 'invalid parameter "requests=60" in "agent_limit"; write requests=COUNT/WINDOW'),
        ("requests=0/m", 'invalid parameter "requests=0/m" in "agent_limit"'),
        ("requests=-1/m", 'invalid parameter "requests=-1/m" in "agent_limit"'),
        ("requests=60/w", "with a window of s, m, h or d, as in requests=60/m"),
        ("requests=1.5/s", 'invalid parameter "requests=1.5/s" in "agent_limit"'),
        ("requests=9999999999/s", 'invalid parameter "requests=9999999999/s" in "agent_limit"'),
        ("requests=", 'invalid parameter "requests=" in "agent_limit"'),
        ("tokens=lots", 'invalid parameter "tokens=lots" in "agent_limit"; write tokens=COUNT/WINDOW'),
        ("tokens=100k", 'invalid parameter "tokens=100k" in "agent_limit"'),
        ("streams=0", 'invalid parameter "streams=0" in "agent_limit"; write streams=COUNT'),
        ("streams=8/m", 'invalid parameter "streams=8/m" in "agent_limit"'),
        ("streams=5000000000", 'invalid parameter "streams=5000000000" in "agent_limit"'),
        ("burst=20", '"agent_limit": burst= needs requests= beside it'),
        ("requests=60/m burst=0", 'invalid parameter "burst=0" in "agent_limit"; write burst=COUNT'),
        ("requests=60/m requests=30/m", 'parameter "requests=30/m" stands twice in "agent_limit"'),
        ("requests=60/m per=ip", 'invalid parameter "per=ip" in "agent_limit"; write per=key, per=user or per=agent'),
        ("requests=60/m mode=sync", 'invalid parameter "mode=sync" in "agent_limit"; limits of several edges together need Redis'),
        ("requests=60/m mode=fast", 'invalid parameter "mode=fast" in "agent_limit"; write mode=local'),
        ("requests=60/m on_redis_error=deny", 'unknown parameter "on_redis_error=deny" in "agent_limit"'),
        ("request=60/m", 'unknown parameter "request=60/m" in "agent_limit"; write requests=, burst=, tokens='),
        ("requests=60/m nodelay", 'unknown parameter "nodelay" in "agent_limit"'),
        ("per=user", '"agent_limit": limits nothing; write requests=, tokens= or streams='),
        ("per=user dry_run", '"agent_limit": limits nothing'),
        ("off requests=60/m", '"agent_limit": off stands with nothing but per='),
        ("off dry_run", '"agent_limit": off stands with nothing but per='),
        ("", 'invalid number of arguments in "agent_limit"'),
        ("requests=1/s; agent_limit tokens=5/s", '"agent_limit": stands twice at this level for the same per='),
    ],
)
def test_a_wrong_limit(make, words, message):
    edge = make(locations=CHAT % f"agent_limit {words};")
    succeeded, said = edge.check()
    assert not succeeded, said
    assert message in said
    assert f"{edge.config_file}:" in said


CAN_NEVER = '"agent_limit": %s can never apply: no location that it reaches has %s'


@pytest.mark.parametrize(
    "http, locations, what, needs",
    [
        ("", "location / { agent_limit requests=1/s; return 204; }", "requests=", '"agent_auth on" or "agent_scope"'),
        ("", "location / { agent_auth on; agent_limit tokens=1/s; }", "tokens=", '"agent_scope chat"'),
        ("", "location / { agent_scope mcp; agent_limit streams=1; }", "streams=", '"agent_scope chat"'),
        ("", "location / { agent_scope chat mcp; agent_limit requests=1/s per=user; }", "per=user", '"agent_scope chat"'),
        ("", "location / { agent_auth on; agent_limit requests=1/s per=agent; }", "per=agent", '"agent_scope chat"'),
        ("agent_limit requests=1/s;", "location / { return 204; }", "requests=", '"agent_auth on" or "agent_scope"'),
        ("agent_limit requests=1/s tokens=1/s;", "location / { agent_scope runs; }", "tokens=", '"agent_scope chat"'),
        ("agent_limit requests=1/s;", CHAT % "agent_limit off;", "requests=", '"agent_auth on" or "agent_scope"'),
        ("", "location / { agent_limit dry_run; return 204; }", "dry_run", '"agent_auth on" or "agent_scope"'),
    ],
)
def test_a_limit_that_can_never_apply(make, http, locations, what, needs):
    edge = make(http=http, locations=locations)
    succeeded, said = edge.check()
    assert not succeeded, said
    assert CAN_NEVER % (what, needs) in said
    assert f"{edge.config_file}:" in said


def test_limits_that_some_location_applies_are_good(make):
    succeeded, said = make(
        http="agent_limit requests=1/s tokens=5/s streams=3; agent_limit requests=1/s per=user;",
        locations="""location / { return 204; }
                     location /v1/ { agent_scope mcp; agent_limit tokens=1/s;
                         location = /v1/chat/completions { agent_scope chat; } location = /v1/x { agent_limit off per=user; } }
                     location = /other { agent_scope chat; }""").check()
    assert succeeded, said


@pytest.mark.parametrize(
    "locations, message",
    [
        ("location / { agent_status xml; }", 'invalid parameter "xml" in "agent_status"; write prometheus or json'),
        ("location / { agent_status json prometheus; }", 'invalid number of arguments in "agent_status"'),
        ("agent_status;", '"agent_status" directive is not allowed here'),
    ],
)
def test_a_wrong_status(make, locations, message):
    succeeded, said = make(locations=locations).check()
    assert not succeeded
    assert message in said


def test_keys_need_the_thread_pool(make):
    edge = make()
    config = edge.render(f"unix:{edge.directory}/check.sock").replace("thread_pool agent threads=1;", "")
    succeeded, said = edge.check(config)
    assert not succeeded
    assert 'unknown thread pool "agent"' in said


@pytest.mark.parametrize(
    "first, second, complaint",
    [
        ("requests=60/m", "requests=30/m", True),
        ("requests=60/m", "", True),
        ("streams=2", "streams=2 allow=other", False),
        ("max_run=60s", "max_run=61s", True),
    ],
)
def test_the_lines_of_one_id_have_one_limit(make, first, second, complaint):
    edge = make(keys=key_line("shop", first, secret="one") + "# comment\n" + key_line("shop", second, secret="two"))
    succeeded, said = edge.check()
    assert succeeded is not complaint, said
    if complaint:
        assert f"agent_keys {edge.keys_file}:3: other limits than on line 1, which has the same id" in said
