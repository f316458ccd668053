"""config/gateway.schema.json as an editor uses it: the samples pass, mistakes do not.

That the file is what the program prints is a unit test's job.
"""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "config/gateway.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SAMPLES = sorted((ROOT / "config").rglob("*.yaml"))
DATA = ROOT / "tests/unit/config/data"

GOOD = {
    "upstreams": {"lm": {"base_url": "http://127.0.0.1:1/v1"}},
    "agents": [{"name": "a", "upstream": "lm", "model": "m", "instructions": "Hello."}],
}
HTTP_TOOL = {"name": "t", "provider": "http", "url": "http://127.0.0.1:1/"}


def problems(document):
    """Paths of the places that the schema refuses."""
    return ["/".join(str(part) for part in error.absolute_path) for error in VALIDATOR.iter_errors(document)]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_pass(path):
    assert problems(yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize("name", ["s1_example.yaml", "same.yaml", "same.json"])
def test_other_good_files_pass(name):
    assert problems(yaml.safe_load((DATA / name).read_text())) == []


@pytest.mark.parametrize(
    "part",
    [
        {"version": 1, "server": {"threads": "4", "drain_timeout": 1.5}, "log": None, "tools": None},
        {"server": {"threads": "${THREADS}", "listen": "${LISTEN}", "drain_timeout": "${T:-5}s"}},
        {"log": {"level": "${LEVEL}"}},
        {"tools": {"t": {"type": "http", "url": "https://x/"}}},
        {"tools": [HTTP_TOOL | {"max_response_bytes": "64k", "timeout": 3, "parameters": {"anything": [1]}}]},
        {"mcp_servers": {"m": {"url": "http://x/"}, "s": {"transport": "stdio", "command": "c", "args": [1, "a"]}}},
        {"aliases": {"fast": "lm/m"}, "include": ["a.yaml"]},
        {"agents": [{"name": "a", "kind": "sdk", "module": "p.m:f"}]},
    ],
)
def test_ways_to_write_things_pass(part):
    assert problems(GOOD | part) == []


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ({"agnets": []}, ""),
        ({"version": 2}, "version"),
        ({"server": {"port": 1}}, "server"),
        ({"server": {"threads": 257}}, "server"),
        ({"server": {"threads": "many"}}, "server"),
        ({"server": {"drain_timeout": "5 minutes"}}, "server"),
        ({"server": []}, "server"),
        ({"log": {"level": "verbose"}}, "log"),
        ({"upstreams": []}, "upstreams"),
        ({"upstreams": {"lm": {}}}, "upstreams/lm"),
        ({"upstreams": {"a b": {"base_url": "http://x"}}}, "upstreams"),
        ({"upstreams": {"lm": {"base_url": "localhost:1234"}}}, "upstreams/lm/base_url"),
        ({"upstreams": {"lm": {"base_url": "http://x", "models": "m"}}}, "upstreams/lm/models"),
        ({"upstreams": {"lm": {"base_url": "http://x", "api_key": "a", "api_key_env": "B"}}}, "upstreams/lm"),
        ({"upstreams": {"lm": {"base_url": "http://x", "headers": {"a": []}}}}, "upstreams/lm/headers/a"),
        ({"mcp_servers": {"m": {}}}, "mcp_servers/m"),
        ({"mcp_servers": {"m": {"transport": "stdio", "command": "c", "url": "http://x"}}}, "mcp_servers/m"),
        ({"tools": [HTTP_TOOL | {"provider": "grpc"}]}, "tools"),
        ({"tools": [{"name": "t", "provider": "mcp"}]}, "tools"),
        ({"tools": [{"provider": "http", "url": "http://x"}]}, "tools"),
        ({"agents": [{"upstream": "lm", "model": "m", "instructions": "x"}]}, "agents/0"),
        ({"agents": [{"name": "a", "upstream": "lm", "model": "m"}]}, "agents/0"),
        ({"agents": [{"name": "a", "kind": "sdk"}]}, "agents/0"),
        ({"agents": [{"name": "a", "kind": "sdk", "module": "x.py"}]}, "agents/0/module"),
        ({"agents": [{"name": "a", "instructions": "x", "metadata": "gold"}]}, "agents/0/metadata"),
        ({"agents": [{"name": "a", "instructions": "x", "policies": {"max_tool_hops": 0}}]}, "agents/0/policies"),
        ({"agents": [{"name": "a", "instructions": {"en": "x"}}]}, "agents/0/instructions"),
        ({"aliases": ["fast"]}, "aliases"),
        ({"include": "a.yaml"}, "include"),
    ],
)
def test_mistakes_are_refused_at_their_place(part, place):
    assert place in problems(GOOD | part)


# Text that is a key of YAML's own or that no parser of Python's reads is not for a schema to judge.
@pytest.mark.parametrize(
    "name",
    ["unknown_keys", "unknown_top_key", "models_is_text", "server_is_a_list", "threads_negative", "aliases_are_a_list"],
)
def test_what_the_program_refuses_by_type_the_schema_refuses(name):
    assert problems(yaml.safe_load((DATA / "broken" / f"{name}.yaml").read_text()))
