"""What makes the site: docstrings as Markdown, formulas as MathML."""

import html

import pytest

pytest.importorskip("griffe", reason='the site needs pip install -e ".[docs]"')

from scripts.documentation import docstrings, mathematics, pages


def test_a_docstring_becomes_a_list_with_its_marks_escaped():
    text = docstrings.markdown(
        "*any* y = x * w_1\n\nunits: the length, see `a_b`,\n    `{'*':\n    1}`. "
        "more m, n: others\nx: (n, *any)\nRaises `E` if [x].\n\n    code_1"
    )
    assert text == (
        "*any* y = x \\* w\\_1\n\n"
        "- `units`: the length, see `a_b`, `{'*': 1}`.\n- `more m, n`: others\n"
        "- `x`: (n, \\*any)\n\nRaises `E` if \\[x\\].\n\n```text\ncode_1\n```"
    )


def test_a_formula_becomes_mathml():
    content = r'<p><span class="arithmatex">\(a &lt; b\)</span></p>'
    drawn = mathematics.on_page_content(content)
    assert drawn.startswith("<p><math") and "arithmatex" not in drawn
    assert html.unescape(drawn).count("<mo><</mo>") == 1


def test_an_unknown_command_of_a_formula_is_an_error():
    with pytest.raises(ValueError, match="unkown"):
        mathematics.drawn(r"\unkown x", display=False)


def test_links_of_files_of_the_root_are_those_of_the_site():
    assert pages.linked("[a](docs/data.md) [b](https://b)") == "[a](data.md) [b](https://b)"
