"""Reading docstrings: the equation and the source of an entry of a registry.

The equation stands in the first paragraph or in an indented one: it is what has an = (or ←, ~)
with spaces around it. The source is what follows `Source:`, or else every sentence with a year,
which is how papers are cited.
"""

import inspect
import re
from dataclasses import dataclass
from typing import Any

EQUATION = re.compile(r"(?:^|\s)[=←~](?:\s|$)")
SOURCE = re.compile(r"\bSource: (.*)", re.DOTALL)
CITATION = re.compile(r",.*\b(?:1[89]\d\d|20[0-4]\d)(?:[.,;)]| \(|$)", re.DOTALL)
# A sentence ends with a full stop, but not after an initial or "et al", and before a line that
# begins with authors and a title.
SENTENCE_END = re.compile(r'(?<!\bal)(?<!\b[A-Z])\.\s+(?=`|\W*[A-Z])|\n(?=[A-Z][\w.&, -]*, ")')
GAP = re.compile(r" {3,}")


@dataclass(frozen=True)
class Entry:
    """What a docstring says of an entry; what it does not say is empty."""

    description: str
    equations: tuple[str, ...]
    source: str

    @property
    def has_equation(self) -> bool:
        """Whether the equation stands in the description or by itself."""
        return any(EQUATION.search(text) for text in (self.description, *self.equations))


def read(thing: Any) -> Entry:
    """What the docstring of a class, a function or a record says."""
    paragraphs = (inspect.getdoc(thing) or "").split("\n\n")
    prose = [sentence for p in paragraphs if not _is_indented(p) for sentence in _sentences(p)]
    description, beside = _description(paragraphs[0])
    indented = [
        line.strip()
        for paragraph in paragraphs[1:]
        if _is_indented(paragraph) and EQUATION.search(paragraph)
        for line in paragraph.splitlines()
    ]
    return Entry(description, (*beside, *indented), _source(prose))


def _description(paragraph: str) -> tuple[str, list[str]]:
    """The first paragraph without citations and errors, and the equation that stands beside it."""
    first, *beside = GAP.split(paragraph, maxsplit=1)
    if EQUATION.search(first):
        first, beside = paragraph, []
    kept = [
        sentence
        for sentence in _sentences(first)
        if not sentence.startswith(("Raises ", "Source: ")) and not CITATION.search(sentence)
    ]
    return " ".join(kept), [" ".join(part.split("\n")) for part in beside]


def _source(sentences: list[str]) -> str:
    """What follows `Source:` in a sentence, or the sentences that cite."""
    stated = [found[1] for sentence in sentences if (found := SOURCE.search(sentence))]
    cited = [sentence for sentence in sentences if CITATION.search(sentence)]
    return "; ".join(text.rstrip(".") for text in stated or cited)


def _is_indented(paragraph: str) -> bool:
    return all(line.startswith("    ") for line in paragraph.splitlines())


def _sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph, each in one line with its full stop."""
    ends = [found.start() + 1 for found in SENTENCE_END.finditer(paragraph)]
    bounds = zip([0, *ends], [*ends, len(paragraph)], strict=True)
    return [" ".join(paragraph[begin:end].split()) for begin, end in bounds]
