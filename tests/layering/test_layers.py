"""The tree keeps to its layers, the check finds what breaks them, and ARCHITECTURE.md tells the truth."""

import re
from pathlib import Path

import check_layers
import pytest


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def messages(root: Path) -> list[str]:
    return [str(violation) for violation in check_layers.check_tree(root)]


def test_the_tree_keeps_to_the_table(repository: Path) -> None:
    assert list(check_layers.sources(repository)), "no source was looked at"
    assert messages(repository) == []


def test_the_table_has_no_cycle() -> None:
    for folder, direct in check_layers.LAYERS.items():
        for below in direct:
            assert folder not in check_layers.closure(below), f"{folder} -> {below} -> {folder}"


@pytest.mark.parametrize(
    ("file", "include", "blamed"),
    [
        ("shared/glob.cpp", '#include "base/error.h"', "shared may not include base"),
        ("ngx_module/access.cpp", '#include "executor/base/error.h"', "ngx_module may not include base"),
        ("executor/base/id.cpp", '#include "io/http_client.h"', "base may not include io"),
        ("executor/agent/run_loop.h", '#include "api/router.h"', "agent may not include api"),
        ("executor/mcp/session.cpp", '#include "upstream/registry.h"', "mcp may not include upstream"),
        ("executor/mcp/session.cpp", '#  include   "upstream/registry.h"', "mcp may not include upstream"),
        ("executor/io/tls.cpp", '#include "../agent/run_loop.h"', "io may not include agent"),
        ("executor/tool/tool.h", "#include <boost/beast/http.hpp>", "Beast"),
        ("executor/api/router.cpp", "#include <yaml-cpp/yaml.h>", "YAML"),
        ("ngx_module/access.cpp", "#include <ngx_core.h>", "ngx_module/ngx.h"),
        ("tests/unit/base/id_test.cpp", '#include "agent/run_loop.h"', "base may not include agent"),
        ("tests/fakes/llm/main.cpp", '#include "protocol/sse.h"', "share no code"),
        ("bench/load/main.cpp", '#include "protocol/sse.h"', "share no code"),
        ("tests/unit/bench/url_test.cpp", '#include "base/url.h"', "share no code"),
        ("executor/misc/util.cpp", "", "'misc' is not in the layer table"),
    ],
)
def test_a_wrong_include_is_found(tmp_path: Path, file: str, include: str, blamed: str) -> None:
    write(tmp_path, "executor/agent/run_loop.h", "#pragma once\n")
    write(tmp_path, file, f"// comment\n{include}\n")
    found = messages(tmp_path)
    assert len(found) == 1
    assert blamed in found[0]
    assert found[0].startswith(f"{file}:2: " if include else f"{file}:1: ")


@pytest.mark.parametrize(
    ("file", "include"),
    [
        ("executor/agent/run_loop.cpp", '#include "shared/glob.h"'),
        ("executor/agent/run_loop.cpp", '#include "base/error.h"'),
        ("executor/agent/run_loop.cpp", '#include "run_limits.h"'),
        ("executor/app.cpp", '#include "cli/serve.h"'),
        ("executor/io/http_client.cpp", "#include <boost/beast/http.hpp>"),
        ("ngx_module/ngx.h", "#include <ngx_http.h>"),
        ("tests/unit/agent/run_loop_test.cpp", '#include "agent/run_loop.h"'),
        ("tests/unit/bench/url_test.cpp", '#include "bench/load/url.h"'),
        ("bench/load/answer_parser.cpp", "#include <boost/beast/http/parser.hpp>"),
        ("executor/io/tls.cpp", '// #include "agent/run_loop.h"'),
    ],
)
def test_a_right_include_passes(tmp_path: Path, file: str, include: str) -> None:
    write(tmp_path, "executor/agent/run_limits.h", "#pragma once\n")
    write(tmp_path, file, include + "\n")
    assert messages(tmp_path) == []


def test_architecture_shows_the_same_table(repository: Path) -> None:
    text = (repository / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.split("<!-- layers -->")[1]
    shown: dict[str, set[str]] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        folders = re.findall(r"`([a-z_]+)`", cells[0])
        for folder in folders:
            assert folder not in shown, f"{folder} stands in two rows"
            shown[folder] = set(re.findall(r"`([a-z_]+)`", cells[1]))
    assert shown == check_layers.LAYERS
