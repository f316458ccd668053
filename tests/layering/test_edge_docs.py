"""docs/edge.md has every directive and variable of the module, docs/metrics.md every metric."""

import re
from pathlib import Path

FIELDS = ("Syntax", "Context", "Default", "Merge", "Reload")
CONTEXTS = {"NGX_HTTP_MAIN_CONF": {"http"}, "NGX_HTTP_LOC_CONF": {"location"}, "NGX_HTTP_SRV_CONF": {"server"},
            "kAnyLevel": {"http", "server", "location"}}


def directives(repository: Path) -> dict[str, set[str]]:
    """Name -> contexts, from the command table."""
    source = (repository / "ngx_module/directives.cpp").read_text()
    table = source[source.index("ngx_command_t kDirectives[]"):source.index("ngx_null_command")]
    entries = re.findall(r'\{ngx_string\("(\w+)"\),\s*([^,]+),', table)
    assert len(entries) == table.count("ngx_string(") > 5
    return {name: set().union(*(CONTEXTS[flag] for flag in re.findall(r"\w+", flags) if flag in CONTEXTS))
            for name, flags in entries}


def sections(page: str) -> dict[str, str]:
    text = page[page.index("## Directives"):page.index("## Variables")]
    parts = re.split(r"^### (\w+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_directive_is_described(repository: Path) -> None:
    found = sections((repository / "docs/edge.md").read_text())
    table = directives(repository)
    assert set(found) == set(table)
    for name, text in found.items():
        for field in FIELDS:
            assert re.search(rf"^{field}: \S", text, re.MULTILINE), f"{name} has no line '{field}: …'"
        contexts = set(re.findall(r"`(\w+)`", re.search(r"^Context: (.*)$", text, re.MULTILINE).group(1)))
        assert contexts == table[name], name
        examples = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
        assert any(name in example for example in examples), f"{name} has no example"


def test_every_variable_is_described(repository: Path) -> None:
    source = (repository / "ngx_module/variables.cpp").read_text()
    table = source[source.index("kVariables[]"):]
    known = set(re.findall(r'ngx_string\("(\w+)"\)', table))
    page = (repository / "docs/edge.md").read_text()
    rows = re.findall(r"^\| (`\$agent.*?) \|", page[page.index("## Variables"):], re.MULTILINE)
    described = set(re.findall(r"`\$(\w+)`", " ".join(rows)))
    assert described == known and len(known) > 10


def test_every_metric_is_described(repository: Path) -> None:
    source = (repository / "ngx_module/status_metrics.cpp").read_text()
    known = {}
    for kind, name in re.findall(r'\b(counter|gauge|one)\(\s*"(agent_gateway_\w+)"', source):
        known[name] = "counter" if kind == "one" else kind
    known.update(re.findall(r'sink\.family\("(agent_gateway_\w+)", "(\w+)"', source))
    assert described_metrics(repository, "Metrics of the edge") == known and len(known) > 25


def test_every_metric_of_an_executor_is_described(repository: Path) -> None:
    pages = ("metrics_page.cpp", "upstream_metrics.cpp")
    source = "".join((repository / "executor/api" / page).read_text() for page in pages)
    found = re.findall(r'\b(?:family|addSingle)\((?:all, )?MetricType::(\w+), "(\w+)"', source)
    known = {f"agent_gateway_{name}": kind.lower() for kind, name in found}
    assert described_metrics(repository, "Metrics of an executor") == known and len(known) > 10


def described_metrics(repository: Path, title: str) -> dict[str, str]:
    page = (repository / "docs/metrics.md").read_text()
    section = page.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `(agent_gateway_\w+)` \| (\w+) \|", section, re.MULTILINE))


def test_every_label_is_described(repository: Path) -> None:
    source = (repository / "ngx_module/status_metrics.cpp").read_text()
    page = (repository / "docs/metrics.md").read_text()
    for label, value in re.findall(r'labelled\("(\w+)", "(\w+)"', source):
        assert re.search(rf"`{label}`: [^|]*`{value}`", page), f"{label}={value}"
