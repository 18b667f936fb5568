"""The vocabulary: up to date, and nothing in it without an equation and a source."""

import pytest

from scripts import vocabulary
from scripts.docstrings import Entry, read

ENTRIES = [
    pytest.param(registry[name], id=f"{title}: {name}")
    for title, (_, registry) in vocabulary.REGISTRIES.items()
    for name in vocabulary.names(registry)
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_has_an_equation_and_a_source(entry):
    said = read(entry)
    assert said.has_equation, "its docstring needs an equation (CONTRIBUTING.md, docstrings)"
    assert said.source, "its docstring needs a citation, or `Source: none.` (CONTRIBUTING.md)"


def test_the_page_is_up_to_date():
    page = vocabulary.PAGE.read_text(encoding="utf-8")
    assert page == vocabulary.page(), "run `python -m scripts.vocabulary`"


def test_every_name_is_there_once():
    for _, registry in vocabulary.REGISTRIES.values():
        groups = vocabulary.names(registry)
        assert sorted(name for group in groups.values() for name in group) == sorted(registry)
        assert list(groups) == sorted(groups)
        table = vocabulary.table(registry).splitlines()
        assert len(table) == len(groups) + 2


def test_other_names_stand_behind_the_own_name():
    def silu():
        """y = x σ(x)."""

    assert vocabulary.names({"swish": silu, "abc": silu, "silu": silu}) == {
        "silu": ["silu", "abc", "swish"]
    }


def test_the_name_in_the_code_comes_first():
    class Adam:
        """m ← β m + g"""

    assert vocabulary.shown(["adam"], Adam) == ["Adam", "adam"]
    assert vocabulary.shown(["silu", "swish"], object()) == ["silu", "swish"]


def test_a_row():
    entry = Entry("It is a_b * c:", ("v ← μ |v|,   u = `v`   μ a_b",), "A & B, 2010")
    assert vocabulary.row(["name", "other"], entry) == (
        r"| `name`, `other` | It is a\_b \* c:<br>`v ← μ \|v\|,` `u = v` μ a\_b | A & B, 2010 |"
    )
    assert vocabulary.row(["name"], Entry("x", (), "")).endswith("| x | missing |")


def test_rows_have_three_cells():
    rows = [line for line in vocabulary.page().splitlines() if line.startswith("|")]
    assert len(rows) > len(ENTRIES)
    for line in rows:
        assert line.replace(r"\|", "").count("|") == 4, line
