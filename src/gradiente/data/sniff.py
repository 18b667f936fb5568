"""How a text is laid out as a table: what separates its columns, and whether names come first."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from gradiente.data.markers import is_missing, is_number

DELIMITERS = ("\t", ";", "|", ",")  # the rarer a character is in ordinary text, the earlier
WHITESPACE = " "  # runs of blanks and tabs, after `collapse_whitespace` has made each one blank
COMMENT_MARKS = ("#", "%", "|")
SAMPLE_LINES = 100
AGREEMENT = 0.8  # the share of sampled lines that must have the same number of fields


@dataclass(frozen=True)
class Layout:
    """`delimiter` between fields, number of fields in a line, and whether names come first.

    `preface` counts the lines of comment before the table.
    """

    delimiter: str
    width: int
    has_header: bool
    preface: int = 0


def records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Number and stripped fields of every line of `text` that is not blank."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    for fields in reader:
        fields = [field.strip() for field in fields]
        if any(fields):
            yield reader.line_num, fields


def collapse_whitespace(text: str) -> str:
    """Every run of blanks and tabs becomes one blank; none is left at the ends of a line."""
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))


def sniff(text: str, header: bool | None = None) -> Layout | None:
    """The layout of `text`, or `None` when no delimiter makes a table of it.

    header: whether the first line holds the names of the columns; `None` to find out.
    """
    sample = "\n".join(text.split("\n", SAMPLE_LINES)[:SAMPLE_LINES])
    for find in (_delimited, _spaced, _single):
        rows, delimiter = find(sample)
        if rows:
            width = _usual_width(rows)[0]
            preface = _preface(rows, width)
            names, *values = rows[preface:]
            has_header = _looks_like_names(names, values) if header is None else header
            return Layout(delimiter, width, has_header, preface)
    return None


def without_preface(text: str, layout: Layout) -> str:
    """The text with its lines of comment at the beginning left blank."""
    lines = text.split("\n")
    written = (position for position, line in enumerate(lines) if line.strip())
    for position in islice(written, layout.preface):
        lines[position] = ""
    return "\n".join(lines)


def _preface(rows: list[list[str]], width: int) -> int:
    """How many lines of comment, which have another number of fields, come before the table."""
    is_comment = [row[0].startswith(COMMENT_MARKS) and len(row) != width for row in rows]
    return is_comment.index(False)


Candidate = tuple[list[list[str]], str]  # the rows that a delimiter makes, none where it fits not


def _delimited(sample: str) -> Candidate:
    """The character that divides most of the lines into the same number of fields."""
    candidates = [(_rows(sample, delimiter), delimiter) for delimiter in DELIMITERS]
    rows, delimiter = max(candidates, key=lambda candidate: _usual_width(candidate[0])[1])
    return (rows, delimiter) if _usual_width(rows)[1] >= AGREEMENT else ([], delimiter)


def _spaced(sample: str) -> Candidate:
    """Columns set apart by blanks; numbers must occur, for sentences are set apart by them too."""
    rows = _rows(collapse_whitespace(sample), WHITESPACE)
    with_numbers = sum(any(map(is_number, row)) for row in rows)
    fits = _usual_width(rows)[1] >= AGREEMENT and 2 * with_numbers >= len(rows) > 1
    return (rows, WHITESPACE) if fits else ([], WHITESPACE)


def _single(sample: str) -> Candidate:
    """One column: one word in each line, rather than prose."""
    rows = [line.split() for line in sample.split("\n") if line.strip()]
    return (rows, ",") if all(len(row) == 1 for row in rows) else ([], ",")


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    try:
        return [fields for _, fields in records(sample, delimiter)]
    except csv.Error:
        return []


def _usual_width(rows: list[list[str]]) -> tuple[int, float]:
    """The most frequent number of fields, and the share of rows that have it (0 for one field)."""
    if not rows:
        return 0, 0.0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return width, (count / len(rows) if width > 1 else 0.0)


def _looks_like_names(first: list[str], rest: list[list[str]]) -> bool:
    """Names are no numbers, and most do not come again among the values below them."""
    if any(is_number(field) or (field and is_missing(field)) for field in first):
        return False
    again = sum(
        any(field == row[position] for row in rest if position < len(row))
        for position, field in enumerate(first)
    )
    return again * 2 < len(first)
