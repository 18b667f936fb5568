"""Docstrings as Markdown: arguments as lists, formulas as they stand, nothing emphasised."""

import re
from itertools import pairwise
from typing import Any

import griffe

NAME = r"[a-z_]\w*(?: [a-z])?"  # of an argument, and its letter in the equation
ITEM = re.compile(rf"({NAME}(?:, {NAME})*): (?=\S)")
INSIDE = re.compile(rf"(?<=\.) (?={NAME}(?:, {NAME})*: )")  # before an item in the middle of a line
CITATION = re.compile(
    r'(?:[A-Z][\w.&’\'-]*[ ,]+)+(?:et al\.?, )?"|(?:[A-Z][\w&, -]+), [A-Z]+ \d{4}|Source:'
)
RAISES = re.compile(r"Raises `")
GAP = re.compile(r" {3,}")
# What is a mark of Markdown in a docstring: code, and a word that is stressed.
KEPT = re.compile(r"(`[^`]*`|(?<!\S)\*[a-z]+\*(?=[\s.,;]))")


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
    for line in INSIDE.sub("\n", text).splitlines():
        if ITEM.match(line) or not blocks or _begins(line, blocks[-1]):
            blocks.append(line)
        else:
            blocks[-1] += " " + line.strip()
    joined = _block(blocks[0])
    for before, after in pairwise(map(_block, blocks)):
        joined += ("\n" if before[:2] == after[:2] == "- " else "\n\n") + after
    return joined


def _block(text: str) -> str:
    """An item of a list, or text, as Markdown."""
    item = ITEM.match(text)
    return f"- `{item[1]}`: {escaped(text[item.end() :])}" if item else escaped(text)


def _begins(line: str, before: str) -> bool:
    """Whether a line that is no item begins something new behind what stands before it."""
    return bool(CITATION.match(line) or RAISES.match(line)) and not before.endswith((",", "the"))


def escaped(line: str) -> str:
    """The line with everything that Markdown would take for a mark of its own escaped."""
    parts = KEPT.split(line)
    plain = (re.sub(r"([*_\[\]<>#|\\])", r"\\\1", part) for part in parts[::2])
    mixed = [text for pair in zip(plain, [*parts[1::2], ""], strict=True) for text in pair]
    return GAP.sub(" &emsp; ", "".join(mixed))
