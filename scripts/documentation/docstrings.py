"""Docstrings as Markdown: arguments as lists, formulas as they stand, nothing emphasised."""

import re
from itertools import pairwise
from typing import Any

import griffe

ITEM = re.compile(r"([a-z_]\w*(?:, \w+)*): (?=\S)")
CITATION = re.compile(
    r'(?:[A-Z][\w.&’\'-]*[ ,]+)+(?:et al\.?, )?"|(?:[A-Z][\w&, -]+), [A-Z]+ \d{4}|Source:'
)
RAISES = re.compile(r"Raises `")
GAP = re.compile(r" {3,}")
CODE = re.compile(r"(`[^`]*`)")


class Docstrings(griffe.Extension):
    """Turn every docstring of the package into Markdown."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for each module, class, function and attribute that was read."""
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(docstring: str) -> str:
    """The Markdown of a docstring of this project."""
    return "\n\n".join(map(_paragraph, re.split(r"\n\s*\n", docstring.strip("\n"))))


def _paragraph(text: str) -> str:
    lines = text.splitlines()
    if all(line.startswith("    ") for line in lines):
        return "\n".join(["```text", *(line[4:] for line in lines), "```"])
    blocks: list[str] = []
    for line in lines:
        item = ITEM.match(line)
        if item:
            blocks.append(f"- `{item[1]}`: {escaped(line[item.end() :])}")
        elif not blocks or _begins(line, blocks[-1]):
            blocks.append(escaped(line))
        else:
            blocks[-1] += " " + escaped(line.strip())
    joined = blocks[0]
    for before, after in pairwise(blocks):
        joined += ("\n" if before[:2] == after[:2] == "- " else "\n\n") + after
    return joined


def _begins(line: str, before: str) -> bool:
    """Whether a line that is no item begins something new behind what stands before it."""
    return bool(CITATION.match(line) or RAISES.match(line)) and not before.endswith((",", "the"))


def escaped(line: str) -> str:
    """The line with everything that Markdown would take for a mark of its own escaped."""
    parts = CODE.split(line)
    plain = (re.sub(r"([*_\[\]<>#|\\])", r"\\\1", part) for part in parts[::2])
    mixed = [text for pair in zip(plain, [*parts[1::2], ""], strict=True) for text in pair]
    return GAP.sub(" &emsp; ", "".join(mixed))
