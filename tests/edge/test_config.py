"""nginx -t finds what is wrong, and says where and what to write."""

import grp
import os
import re

import pytest

from edge_harness import Edge
from edge_keys import SECRET, key_line
from edge_module import ROOT

GOOD = key_line("alice")
HASH = "sha256:" + "0" * 63 + "1"


@pytest.fixture
def make(tmp_path):
    return lambda **options: Edge(tmp_path / "edge", **options)


def assert_refused(edge, *messages, config=None):
    succeeded, said = edge.check(config)
    assert not succeeded, said
    for message in messages:
        assert message in said


def test_a_good_configuration(make):
    assert make().check()[0]


@pytest.mark.parametrize("settings, warning", [
    ("proxy_http_version 1.1; proxy_buffering off;", None),
    ("proxy_http_version 1.0; proxy_buffering off;", 'write "proxy_http_version 1.1"'),
    ("proxy_http_version 1.1; proxy_buffering on;", 'write "proxy_buffering off"'),
])
def test_a_proxy_that_does_not_suit_streams(make, settings, warning):
    edge = make(locations="location /v1/ { agent_scope chat; %s proxy_pass http://executors; }" % settings)
    succeeded, said = edge.check()
    assert succeeded
    if warning is None:
        assert "[warn]" not in said
    else:
        assert warning in said
        assert re.search(r'in the location of "agent_scope" in \S+nginx.conf:\d+;', said)


def config_with(edge, old, new):
    config = edge.render(f"unix:{edge.directory}/check.sock")
    assert old in config
    return config.replace(old, new)


ZONE = "agent_zone agents:4m keys=1000;"


@pytest.mark.parametrize(
    "new, message",
    [
        ("", '"agent_keys" needs "agent_zone name:size keys=N"'),
        ("agent_zone agents keys=1000;", 'invalid zone "agents"'),
        ("agent_zone :4m keys=1000;", 'invalid zone ":4m"'),
        ("agent_zone agents:4x keys=1000;", 'invalid zone "agents:4x"'),
        ("agent_zone agents:4m;", 'invalid number of arguments in "agent_zone"'),
        ("agent_zone agents:4m keys=0;", 'invalid parameter "keys=0"'),
        ("agent_zone agents:4m keys=many;", 'invalid parameter "keys=many"'),
        ("agent_zone agents:4m size=5;", 'invalid parameter "size=5"'),
        ("agent_zone agents:4m keys=99000000;", "N from 1 to 16000000"),
        ("agent_zone agents:64k keys=1000;", '"agent_zone" size "64k" is too small for "keys=1000": it takes at least'),
        (ZONE + ZONE, '"agent_zone" directive is duplicate'),
    ],
)
def test_a_wrong_zone(make, new, message):
    edge = make()
    assert_refused(edge, message, str(edge.config_file), config=config_with(edge, ZONE, new))


def test_the_size_that_it_names_is_enough(make, tmp_path):
    for keys in (1, 1000, 50_000, 1_000_000):
        edge = make(zone=f"agents:64k keys={keys}")
        _, said = edge.check()
        needed = re.search(r"at least (\d+)k", said).group(1)
        succeeded, said = make(zone=f"agents:{needed}k keys={keys}").check()
        assert succeeded, said


@pytest.mark.parametrize(
    "locations, message",
    [
        ("location / { agent_scope; }", 'invalid number of arguments in "agent_scope"'),
        ("location / { agent_scope chta; }", 'unknown scope "chta" in "agent_scope"; write any of chat mcp runs admin'),
        ("location / { agent_scope chat,mcp; }", 'unknown scope "chat,mcp"'),
        ("location / { agent_scope chat chat; }", 'scope "chat" stands twice'),
        ("location / { agent_scope chat; agent_scope mcp; }", '"agent_scope" directive is duplicate'),
        ("agent_scope chat;", '"agent_scope" directive is not allowed here'),
        ("location / { agent_auth maybe; }", 'invalid value "maybe" in "agent_auth" directive'),
        ("location / { agent_auth off; agent_scope chat; }", '"agent_auth off" in'),
        ("location / { agent_error on; }", 'invalid number of arguments in "agent_error"'),
    ],
)
def test_wrong_locations(make, locations, message):
    edge = make(locations=locations)
    assert_refused(edge, message, f"{edge.config_file}:")


@pytest.mark.parametrize("locations", ["location / { agent_scope chat; }", "location / { agent_auth on; }", "agent_auth on;"])
def test_auth_without_keys(make, locations):
    edge = make(locations=locations)
    assert_refused(edge, 'needs "agent_keys file"', f"{edge.config_file}:",
                   config=config_with(edge, f"agent_keys {edge.keys_file};", ""))


def test_keys_without_a_secret(make):
    edge = make()
    assert_refused(edge, '"agent_keys" needs "agent_edge_secret file"', f"{edge.config_file}:",
                   config=config_with(edge, f"agent_edge_secret {edge.secret_file};", ""))


@pytest.mark.parametrize(
    "text, line",
    [
        ("alice\n", 1),
        (GOOD + "\n# comment\nbob secret-in-clear-text\n", 4),
        (GOOD + "bob sha256:abc\n", 2),
        (GOOD + f"b*b {HASH}\n", 2),
        (GOOD + f"bob {HASH} colour=red\n", 2),
        (GOOD + f"bob {HASH} scopes=chat,root\n", 2),
        (GOOD + f"bob {HASH} expires=tomorrow\n", 2),
        (GOOD + f"bob {HASH} allow=a allow=b\n", 2),
        (GOOD + f"bob {HASH} allow=" + "x," * 3000 + "x\n", 2),
        (GOOD + GOOD.replace("alice", "bob"), 2),
        (GOOD + f"bob {HASH} scopes=mcp tokens=1k/m\n", 2),
        (GOOD + f"bob {HASH} allow=team/a deny=team/*\n", 2),
    ],
)
def test_a_bad_key_file(make, text, line):
    edge = make(keys=text)
    succeeded, said = edge.check()
    assert not succeeded
    assert f"agent_keys {edge.keys_file}:{line}: " in said
    assert "secret-in-clear-text" not in said
    assert HASH[7:] not in said


def test_every_bad_line_is_named(make):
    edge = make(keys=GOOD + "".join(f"bad{i}\n" for i in range(5)))
    assert_refused(edge, *[f"{edge.keys_file}:{line}: " for line in range(2, 7)])


def test_more_keys_than_the_zone_holds(make):
    edge = make(zone="agents:4m keys=2", keys="".join(key_line(f"k{i}") for i in range(3)))
    assert_refused(edge, "has 3 keys, but agent_zone has room for keys=2")


def test_more_text_than_the_zone_holds(make):
    rules = [f"allow=a{i}/" + "x" * 3000 for i in range(30)]
    edge = make(zone="agents:4m keys=30", keys="".join(key_line(f"k{i}", rule) for i, rule in enumerate(rules)))
    assert_refused(edge, "bytes for ids and rules")
    # The same rules for all of them stand there once.
    edge.write_keys("".join(key_line(f"k{i}", rules[0]) for i in range(30)))
    assert edge.check()[0]


def test_key_files_that_cannot_be_read(make):
    edge = make()
    edge.keys_file.unlink()
    assert_refused(edge, f'agent_keys "{edge.keys_file}" cannot be opened: No such file', f"{edge.config_file}:")
    edge.keys_file.mkdir()
    assert_refused(edge, "is not a regular file")


def test_an_empty_key_file_is_a_warning(make):
    succeeded, said = make(keys="# nobody yet\n").check()
    assert succeeded
    assert "[warn]" in said and "has no key" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's workers run as somebody else")
def test_workers_must_be_able_to_read_the_keys(make, tmp_path):
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == 0 and directory != directory.parent and "pytest" in str(directory):
            directory.chmod(0o755)
    edge = make()
    config = config_with(edge, "user root;", "user www-data;")
    edge.keys_file.chmod(0o600)
    assert_refused(edge, f'"{edge.keys_file}" cannot be read by the workers, which run as user "www-data"', config=config)
    edge.keys_file.chmod(0o640)
    os.chown(edge.keys_file, 0, grp.getgrnam("www-data").gr_gid)
    succeeded, said = edge.check(config)
    assert succeeded, said


@pytest.mark.parametrize(
    "text, message",
    [("", "agent_edge_secret"), ("too-short\n", "agent_edge_secret"),
     ("\n".join([SECRET + "1", SECRET + "2", SECRET + "3"]), "agent_edge_secret")],
)
def test_a_bad_edge_secret(make, text, message):
    edge = make()
    edge.secret_file.write_text(text)
    succeeded, said = edge.check()
    assert not succeeded
    assert f'agent_edge_secret "{edge.secret_file}"' in said
    assert "too-short" not in said and SECRET not in said


def test_a_missing_edge_secret(make):
    edge = make()
    edge.secret_file.unlink()
    assert_refused(edge, f'agent_edge_secret "{edge.secret_file}" cannot be opened')


def test_a_secret_for_everyone_is_a_warning(make):
    edge = make()
    edge.secret_file.chmod(0o644)
    succeeded, said = edge.check()
    assert succeeded
    assert "can be read by every user" in said


def test_the_example_key_file_is_good(make):
    edge = make(keys=(ROOT / "conf/api_keys.example").read_text())
    succeeded, said = edge.check()
    assert succeeded, said


def test_inheritance_of_auth_and_scope(make_edge):
    edge = make_edge(
        keys=key_line("alice", "allow=* scopes=chat") + key_line("none", "allow=* scopes=mcp"),
        server="agent_auth on;",
        locations="""
            location = /any { return 200 'any'; }
            location = /open { agent_auth off; proxy_pass http://executors; }
            location /outer/ { agent_scope chat; proxy_pass http://executors;
                location /outer/inner { proxy_pass http://executors; }
                location /outer/open { agent_auth off; proxy_pass http://executors; } }
            location = /proxied { proxy_pass http://executors; }
        """)
    expected = [("/open", 200, 200, 200), ("/proxied", 200, 200, 401), ("/outer/x", 200, 403, 401),
                ("/outer/inner", 200, 403, 401), ("/outer/open", 200, 200, 200)]
    with edge.connect() as client:
        for path, alice, none, nobody in expected:
            statuses = [client.request("GET", path, key=key).status for key in ("alice", "none", "nobody")]
            assert statuses == [alice, none, nobody], path
