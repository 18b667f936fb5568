"""A text file of separated values (CSV and its relatives) becomes a table of typed columns."""

import csv
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from gradiente.base.errors import DataError
from gradiente.data.parse import mark_missing, parse_column
from gradiente.data.sniff import (
    WHITESPACE,
    Layout,
    collapse_whitespace,
    records,
    sniff,
    without_preface,
)
from gradiente.data.text import read_text

if TYPE_CHECKING:
    from polars import DataFrame


def read_delimited(
    path: Path, header: bool | None = None, as_text: Collection[str] = ()
) -> "DataFrame":
    """Read a text file whose lines are rows; the delimiter is found out.

    header: whether the first line holds the names; `None` to find out. Without names the columns
    are called column_1, column_2, ...
    as_text: names of columns that stay text, whatever their values look like.
    Raises `DataError` for a file that is no text, no table, empty, or has lines of unequal length.
    """
    text = read_text(path)
    if not text.strip():
        raise DataError(f"{path} is empty.")
    layout = sniff(text, header)
    if layout is None:
        raise DataError(
            f"{path} is not a table: its lines have different numbers of fields, whatever is taken "
            "as the delimiter (tab, semicolon, bar, comma or blanks)."
        )
    frame = _parse(path, without_preface(text, layout) if layout.preface else text, layout)
    if frame.height <= layout.has_header:
        what = "names of columns but no rows" if frame.height else "nothing in its fields"
        raise DataError(f"{path} has {what}.")
    names = _numbered(layout.width)
    if layout.has_header:
        names = _names(frame.row(0))
        frame = frame.slice(1)
    frame.columns = names
    return frame.with_columns(
        mark_missing(frame[name])
        if name in as_text
        else parse_column(frame[name], decimal_comma=layout.delimiter == ";")
        for name in names
    )


def _parse(path: Path, text: str, layout: Layout) -> "DataFrame":
    """All fields as stripped text; those that are empty are null."""
    import polars

    # A first line of our own fixes the number of columns; that of the file may be blank.
    numbered = layout.delimiter.join(_numbered(layout.width))
    plain = f"{numbered}\n{_plain(text, layout.delimiter)}"
    try:
        frame = polars.read_csv(plain.encode(), separator=layout.delimiter, infer_schema=False)
    except polars.exceptions.PolarsError as error:
        raise DataError(_complaint(path, text, layout)) from error
    frame = frame.with_columns(polars.all().str.strip_chars().replace("", None))
    blank = polars.all_horizontal(polars.all().is_null())
    # A line that is too short is filled up with nulls, so the last column tells where to look.
    if not frame.filter(~blank & polars.last().is_null()).is_empty():
        _refuse_ragged(path, text, layout)
    return frame.filter(~blank)


def _numbered(width: int) -> list[str]:
    return [f"column_{position + 1}" for position in range(width)]


def _plain(text: str, delimiter: str) -> str:
    """The text in the form the parser knows: one blank, and no blanks before a quotation mark."""
    if delimiter == WHITESPACE:
        return collapse_whitespace(text)
    if ' "' not in text:
        return text
    before_quote = re.compile(rf"(^|{re.escape(delimiter)}) +(?=\")", re.MULTILINE)
    return before_quote.sub(r"\1", text)


def _complaint(path: Path, text: str, layout: Layout) -> str:
    try:
        _refuse_ragged(path, text, layout)
    except DataError as error:
        return str(error)
    return f"{path} cannot be read as CSV: a quotation mark is opened and never closed."


def _refuse_ragged(path: Path, text: str, layout: Layout) -> None:
    """Raise `DataError` naming the first line whose number of fields is not that of the others."""
    literal = collapse_whitespace(text) if layout.delimiter == WHITESPACE else text
    try:
        for line, fields in records(literal, layout.delimiter):
            if len(fields) != layout.width:
                raise DataError(
                    f"{path}, line {line}, has {_count(len(fields))} where the other lines have "
                    f"{layout.width}: every line of a table must have the same number."
                )
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as CSV: {error}.") from error


def _count(fields: int) -> str:
    return "1 field" if fields == 1 else f"{fields} fields"


def _names(first: tuple[str | None, ...]) -> list[str]:
    """Names from the first line: one that is empty is numbered, one that comes again is marked."""
    names: list[str] = []
    for position, field in enumerate(first):
        name = base = field or f"column_{position + 1}"
        copy = 1
        while name in names:
            copy += 1
            name = f"{base}_{copy}"
        names.append(name)
    return names
