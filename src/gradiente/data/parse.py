"""The type of a column of text: whole numbers, numbers, truth values, dates, or text after all."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gradiente.data.kinds import is_date
from gradiente.data.markers import DATE_FORMATS, MISSING, TIME_FORMATS, TRUTH

if TYPE_CHECKING:
    from polars import Series


def parse_column(column: "Series", decimal_comma: bool = False) -> "Series":
    """The column as the first type that every value fits; missing values become null.

    column: text, stripped. decimal_comma: whether "1,5" may be a number.
    """
    column = mark_missing(column)
    if column.null_count() == len(column):
        return column
    for parsed in _readings(column, decimal_comma):
        if parsed.null_count() == column.null_count():
            return parsed
    return column


def as_dates(column: "Series") -> "Series | None":
    """A column of words as dates, if all of them are; else `None`."""
    import polars

    words = mark_missing(column.cast(polars.String).str.strip_chars()).replace("", None)
    first = words.drop_nulls().head(1)
    if first.is_empty() or not is_date(parse_column(first).dtype):
        return None  # without a look at the others
    parsed = parse_column(words)
    return parsed if is_date(parsed.dtype) else None


def mark_missing(column: "Series") -> "Series":
    """The column of text with null where a word stands for a missing value."""
    return column.replace(list(MISSING), [None] * len(MISSING))


def _readings(column: "Series", decimal_comma: bool) -> Iterator["Series"]:
    """The column read as each type in turn, null where a value does not fit."""
    import polars

    yield column.cast(polars.Int64, strict=False)
    yield column.cast(polars.Float64, strict=False)
    if decimal_comma:
        with_point = column.str.replace(",", ".", literal=True)
        yield with_point.cast(polars.Float64, strict=False)
    yield column.str.to_lowercase().replace_strict(TRUTH, default=None, return_dtype=polars.Boolean)
    for form in DATE_FORMATS:
        yield column.str.to_date(form, strict=False)
    for form in TIME_FORMATS:
        yield column.str.to_datetime(form, strict=False)
