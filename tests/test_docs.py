"""What the documentation says holds: its Python runs, its tables are those of the code."""

import doctest
import linecache
import re
from pathlib import Path

import pytest

from gradiente.base.settings import SETTINGS
from gradiente.rewrite.pipeline import IMPROVEMENTS

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [
    pytest.param(page, id=page.relative_to(DOCS).with_suffix("").as_posix())
    for page in sorted(DOCS.rglob("*.md"))
    if page.parent.name != "api"
]

# A program, and what it prints where that stands directly below it; `...` is what may differ.
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", flags=re.DOTALL)
PRINTED = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def table_after(page: str, header: str) -> dict[str, str]:
    """The rows of the table with this header: first cell to second."""
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = text.split(header, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = ([cell.strip() for cell in row.strip("|").split("|")] for row in rows)
    return dict(cells)


def test_every_setting_is_in_the_table():
    table = table_after("native.md", "| name | meaning |")
    assert table == {name: setting.meaning for name, setting in SETTINGS.items()}


def test_every_improvement_is_in_the_table():
    assert table_after("native.md", "| name | with it |") == IMPROVEMENTS


@pytest.mark.usefixtures("every_improvement")
@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs_in_order(page, tmp_path, monkeypatch, capsys):
    """Each block, in the names of those before it; the text below a block is what it prints."""
    monkeypatch.chdir(tmp_path)
    names = {"__name__": page.stem}
    for program, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        name = f"{page.stem}.py"
        linecache.cache[name] = (len(program), None, program.splitlines(keepends=True), name)
        exec(compile(program, name, "exec"), names)
        printed = capsys.readouterr().out
        same = doctest.OutputChecker().check_output(text, printed, PRINTED)
        assert same or not text, f"{program}prints:\n{printed}not:\n{text}"
    if page.stem == "native":
        assert "define void @matmul_tanh" in printed


@pytest.mark.parametrize("page", PAGES)
def test_the_files_a_page_names_exist(page):
    package = DOCS.parent / "src" / "gradiente"
    named = re.findall(r"`((?:backends|rewrite)/[\w/.]+)`", page.read_text(encoding="utf-8"))
    for name in named:
        assert (package / name).exists(), name
