"""Generated pages are as their generator would write them."""

from pathlib import Path

import pytest

from api.documents import documents, main
from realtime.errors import REFUSALS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", documents())
def test_the_page_is_fresh(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == documents()[name], "run python -m api.documents --write docs/"


def test_every_refusal_has_a_row() -> None:
    page = documents()["errors.md"]
    for kind in REFUSALS:
        assert f"| `{kind.code}` |" in page


def test_pages_are_written_only_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    assert list(tmp_path.iterdir()) == []
    assert main(["--write", str(tmp_path)]) == 0
    assert "errors.md: written" in capsys.readouterr().out
    assert main([str(tmp_path)]) == 0
