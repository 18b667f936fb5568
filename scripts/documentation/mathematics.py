r"""Formulas of a page, `$…$` and `$$…$$`, as MathML, which browsers draw without any script."""

import html
import re
from typing import Any

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)

# Without these attributes browsers put the space of a relation around bars and slashes.
BARS = ("<mo>&#x0007C;</mo>", "<mo>&#x02016;</mo>", "<mo>&#x0002F;</mo>")


def on_page_content(content: str, **_: Any) -> str:
    """A page with its formulas drawn; called by mkdocs for each page."""
    return FORMULA.sub(lambda found: drawn(html.unescape(found[2]), found[1] == "div"), content)


def drawn(formula: str, display: bool) -> str:
    """A formula of LaTeX as MathML. Raises `ValueError` for one with unknown commands."""
    from latex2mathml.converter import convert

    made = convert(formula.strip(), display="block" if display else "inline")
    unknown = re.findall(r"<m\w+>\\(\w+)", made)
    if unknown:
        raise ValueError(f"the formula {formula!r} has unknown commands: {', '.join(unknown)}")
    for bar in BARS:
        made = made.replace(bar, bar.replace("<mo>", '<mo stretchy="false" lspace="0" rspace="0">'))
    return made
