"""The values of one column of a table as numbers, words, or parts of dates."""

from typing import TYPE_CHECKING

import numpy as np

from gradiente.base.errors import DataError
from gradiente.data.kinds import is_date, is_text, kind_of
from gradiente.data.parse import as_dates

if TYPE_CHECKING:
    from polars import Series

DATE_PARTS = ("year", "month", "day", "weekday", "hour")


def numbers_of(column: "Series") -> np.ndarray:
    """float64 (n,), `nan` where a value is missing. Raises `DataError` where it is no number."""
    import polars

    if column.null_count() == len(column):
        return np.full(len(column), np.nan)
    if kind_of(column.dtype) in ("date", "other"):
        raise DataError(f"the column {column.name!r} holds {column.dtype} values, not numbers.")
    if isinstance(column.dtype, polars.Duration | polars.Time):
        column = column.cast(polars.Int64)
    elif isinstance(column.dtype, polars.Categorical | polars.Enum):
        column = column.cast(polars.String)
    numbers = column.cast(polars.Float64, strict=False)
    _refuse_others(column, numbers, "a number")
    return numbers.fill_null(float("nan")).to_numpy()


def words_of(column: "Series") -> "Series":
    """The values as text without blanks around it, null where a value is missing or empty."""
    import polars

    if kind_of(column.dtype) == "other" and column.null_count() < len(column):
        raise DataError(f"the column {column.name!r} holds {column.dtype} values, not words.")
    return column.cast(polars.String).str.strip_chars().replace("", None)


def date_part(column: "Series", part: str) -> np.ndarray:
    """The year, month, day, weekday or hour of each date as float64 (n,), `nan` where missing.

    Raises `DataError` when the values are no dates.
    """
    import polars

    if column.null_count() == len(column):
        return np.full(len(column), np.nan)
    if is_text(column.dtype):
        parsed = as_dates(column)
        column = column if parsed is None else parsed
    if not is_date(column.dtype):
        known = column.drop_nulls()
        raise DataError(f"the column {column.name!r} holds {known[0]!r}, where a date is expected.")
    if part == "hour" and column.dtype == polars.Date:
        return np.zeros(len(column))
    numbers = getattr(column.dt, part)().cast(polars.Float64)
    return numbers.fill_null(float("nan")).to_numpy()


def _refuse_others(column: "Series", read: "Series", expected: str) -> None:
    """Raise `DataError` for the first value that was there and could not be read."""
    lost = (read.is_null() & column.is_not_null()).arg_true()
    if len(lost):
        row = int(lost[0])
        raise DataError(
            f"the column {column.name!r} holds {column[row]!r} in row {row + 1}, where {expected} "
            "is expected."
        )
