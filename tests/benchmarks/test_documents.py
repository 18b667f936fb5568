"""Results between the markers of the documents."""

import pytest

from benchmarks.documents import (
    BEGIN,
    CHART,
    DOCUMENTS,
    END,
    NoMarkersError,
    check,
    replaced,
    write,
)
from benchmarks.process import FOLDER

OLD = f"# Title\n\n{BEGIN}\nformer results\n{END}\n\nrest\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in DOCUMENTS:
        (tmp_path / name).write_text(OLD, encoding="utf-8")
    return tmp_path


def test_the_documents_are_written(results, folder):
    assert {path.relative_to(folder).as_posix() for path in write(results, folder)} == {
        *DOCUMENTS,
        CHART,
    }
    for name in DOCUMENTS:
        text = (folder / name).read_text(encoding="utf-8")
        assert text.startswith(f"# Title\n\n{BEGIN}\n") and text.endswith(f"\n{END}\n\nrest\n")
        assert "Some CPU" in text and "former" not in text and "3.10×" in text and "0.800×" in text
    details = (folder / "docs/performance.md").read_text(encoding="utf-8")
    assert "python -m benchmarks W1 W2" in details and "](performance.svg)" in details
    assert f"]({CHART})" in (folder / "README.md").read_text(encoding="utf-8")


def test_writing_twice_changes_nothing(results, folder):
    write(results, folder)
    once = (folder / "README.md").read_text(encoding="utf-8")
    write(results, folder)
    assert (folder / "README.md").read_text(encoding="utf-8") == once


def test_without_markers_nothing_is_written(results, folder):
    (folder / "docs/performance.md").write_text("no markers", encoding="utf-8")
    with pytest.raises(NoMarkersError, match=f"performance.md has no lines {BEGIN} and {END}"):
        write(results, folder)
    assert (folder / "README.md").read_text(encoding="utf-8") == OLD
    with pytest.raises(NoMarkersError):
        check(folder)
    with pytest.raises(NoMarkersError, match=r"README.md has no lines"):
        check(folder / "docs")


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END} {BEGIN}"])
def test_both_markers_are_needed_in_order(text):
    with pytest.raises(NoMarkersError):
        replaced(text, "new", "README.md")


def test_our_page_has_its_markers():
    page = (FOLDER / "docs" / "performance.md").read_text(encoding="utf-8")
    assert "new" in replaced(page, "new", "docs/performance.md")
