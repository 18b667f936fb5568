"""What the documentation says holds: its Python runs, its tables are those of the code."""

import re
from pathlib import Path

import pytest

from gradiente.base.settings import SETTINGS
from gradiente.rewrite.pipeline import IMPROVEMENTS

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))


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
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs_in_order(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(compile("\n".join(blocks), page.name, "exec"), {"__name__": page.stem})
    if page.stem == "native":
        assert "define void @matmul_tanh" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_files_a_page_names_exist(page):
    package = DOCS.parent / "src" / "gradiente"
    named = re.findall(r"`((?:backends|rewrite)/[\w/.]+)`", page.read_text(encoding="utf-8"))
    for name in named:
        assert (package / name).exists(), name
