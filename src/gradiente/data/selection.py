"""Which columns of a table can be learned from, and why the others are left out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gradiente.base.errors import DataError
from gradiente.data.kinds import is_text, kind_of
from gradiente.data.parse import as_dates

if TYPE_CHECKING:
    from polars import DataFrame, Series

FREE_TEXT = "is free text or a name"
FEW_WORDS = 10  # this many different words are categories, however few the rows
ROW_NAMES = ("", "id", "index", "row", "row_id", "rownames", "rowname", "row_number", "unnamed: 0")


def without_columns(frame: "DataFrame", drop: Sequence[str], target: str) -> "DataFrame":
    """The table without some columns. Raises `DataError` for the target and for unknown ones."""
    unknown = [name for name in drop if name not in frame.columns or name == target]
    if unknown:
        reason = "is what is learned" if unknown[0] == target else "is no column of the table"
        raise DataError(f"{unknown[0]!r} cannot be left out: it {reason}.")
    return frame.drop(list(drop))


def select_columns(frame: "DataFrame", target: str) -> tuple[list[str], dict[str, str]]:
    """The columns to learn `target` from, and the reason for each one that is left out.

    Raises `DataError` when none is left.
    """
    others = [name for name in frame.columns if name != target]
    if not others:
        raise DataError(f"the table has no column besides {target!r}, so nothing to learn it from.")
    reasons = {name: _objection(frame[name]) for name in others}
    dropped = {name: reason for name, reason in reasons.items() if reason}
    kept = [name for name in others if name not in dropped]
    if not kept:
        listed = "; ".join(f"{name} {reason}" for name, reason in dropped.items())
        raise DataError(f"no column is left to learn {target!r} from: {listed}.")
    return kept, dropped


def _objection(column: "Series") -> str | None:
    """Why nothing can be learned from the column, as the end of a sentence; `None` if it can."""
    known = column.drop_nulls()
    if known.is_empty():
        return "has no known value"
    if kind_of(column.dtype) == "other":
        return f"holds {column.dtype} values"
    distinct = known.n_unique()
    if distinct == 1 and len(known) == len(column):
        return "is the same in every row"
    varied = is_text(column.dtype) and distinct > max(FEW_WORDS, len(known) / 2)
    if varied and as_dates(column) is None:
        return f"{FREE_TEXT} ({distinct} different values in {len(known)} rows)"
    if _numbers_the_rows(column):
        return "only numbers the rows"
    return None


def _numbers_the_rows(column: "Series") -> bool:
    """Whether a column that is named like an index counts up from 0 or 1.

    In a sorted table it would give the target away, and on new rows it would mean nothing.
    """
    if column.name.strip().lower() not in ROW_NAMES or not column.dtype.is_integer():
        return False
    return column.to_list() in ([*range(len(column))], [*range(1, len(column) + 1)])
