"""The pages of the documentation agree with the tree, and the check notices when one does not."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "dev"))
import docs  # noqa: E402


def test_the_error_page_shows_the_table_of_the_code(repository: Path) -> None:
    assert docs.generate(repository, check=True) == []
    page = (repository / "docs" / "errors.md").read_text(encoding="utf-8")
    assert "| `invalid_api_key` | 401 |" in page


def test_no_page_leads_nowhere(repository: Path) -> None:
    assert docs.pages(repository)
    assert [
        broken for page in docs.pages(repository) for broken in docs.broken_references(repository, page)
    ] == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[x](missing.md)", "missing.md, which does not exist"),
        ("[x](other.md#nothing-here)", "no such heading"),
        ("see `shared/gone.h`", "`shared/gone.h`, which does not exist"),
    ],
)
def test_a_reference_that_leads_nowhere_is_found(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "other.md").write_text("# A heading\n")
    page = tmp_path / "README.md"
    page.write_text(f"# Title\n\n{text}\n")
    found = list(docs.broken_references(tmp_path, page))
    assert len(found) == 1
    assert found[0].startswith("README.md:3: ") and complaint in found[0]


def test_good_references_pass(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "glob.h").write_text("")
    (tmp_path / "other.md").write_text("# A heading: `x`\n")
    page = tmp_path / "README.md"
    page.write_text(
        "[a](other.md#a-heading-x) [b](https://example.com/x) `shared/*.h` `shared/`\n```\n[c](no.md)\n```\n"
    )
    assert list(docs.broken_references(tmp_path, page)) == []


def test_a_row_of_the_error_table_that_cannot_be_read_is_not_skipped() -> None:
    source = (
        'constexpr std::string_view kApi = "api";\nkTable = {\n'
        '    {A, "a", 500, kApi, "x"},\n    {B, name(), 1, kApi, "y"},\n});'
    )
    with pytest.raises(SystemExit, match="cannot read"):
        docs.error_table(source)
