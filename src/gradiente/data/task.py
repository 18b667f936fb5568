"""What is to be learned from a table: which column, and whether it is classes or a number."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.data.kinds import kind_of

if TYPE_CHECKING:
    from polars import DataFrame, Series

Task = Literal["classification", "regression"]
TASKS: tuple[Task, ...] = ("classification", "regression")

USUAL_NAMES = ("target", "label", "class", "y")  # of a target, where none is given
MOST_CLASSES = 20  # more different whole numbers than this are quantities, not classes
ROWS_PER_CLASS = 10  # and so are numbers that come fewer times than this on average
LISTED = 12  # columns named in a message


def find_target(frame: "DataFrame", target: str | None) -> str:
    """The name of the column to learn.

    target: its name; or its position, counted from 1, or backwards from -1; `None` if the table
    has one column called target, label, class or y.
    Raises `DataError` naming the columns that are there.
    """
    if target is None:
        usual = [name for name in frame.columns if name.lower() in USUAL_NAMES]
        if len(usual) == 1:
            return usual[0]
        raise DataError(f"say which column is the target: the table has {_listed(frame.columns)}.")
    if target in frame.columns:
        return target
    position = _whole_number(target)
    if position is not None and 1 <= abs(position) <= frame.width:
        return frame.columns[position - 1 if position > 0 else position]
    close = get_close_matches(target, frame.columns, n=3, cutoff=0.6) or [
        name for name in frame.columns if name.lower() == target.lower()
    ]
    advice = f"did you mean {' or '.join(close)}?" if close else f"it has {_listed(frame.columns)}."
    raise DataError(f"the table has no column {target!r}: {advice}")


def infer_task(target: "Series", requested: str | None = None) -> Task:
    """Whether the known values of `target` are classes or a quantity.

    Text, truth values, and whole numbers of which few differ are classes; other numbers are
    quantities. `requested` overrides this.
    Raises `DataError` when nothing can be learned: no values, only one, or nearly as many classes
    as rows.
    """
    if requested is not None and requested not in TASKS:
        raise InvalidArgumentError(f"a task is one of {', '.join(TASKS)}, not {requested!r}.")
    known = target.drop_nulls()
    if known.dtype.is_float():
        known = known.filter(known.is_finite())
    distinct = _count_distinct(target.name, known)
    task: Task = "regression" if known.dtype.is_numeric() else "classification"
    if requested == "regression":
        _refuse_text(known)
        return "regression"
    if requested == "classification" or _are_classes(known, distinct):
        task = "classification"
    if task == "classification":
        _refuse_many_classes(known, distinct)
    else:
        _refuse_row_numbers(known, distinct)
    return task


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    word = "the column" if len(names) == 1 else "the columns"
    return f"{word} {', '.join(names[:LISTED])}{more}"


def _whole_number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _count_distinct(name: str, known: "Series") -> int:
    if known.is_empty():
        raise DataError(f"the column {name!r} has no known value, so there is nothing to learn.")
    if kind_of(known.dtype) in ("date", "other"):
        raise DataError(
            f"the column {name!r} holds {known.dtype} values, which cannot be learned: choose a "
            "column of numbers, text or truth values."
        )
    distinct = known.n_unique()
    if distinct == 1:
        raise DataError(
            f"the column {name!r} is {known[0]!r} in every row, so there is nothing to learn."
        )
    return distinct


def _are_classes(known: "Series", distinct: int) -> bool:
    if not known.dtype.is_numeric():
        return True
    if known.dtype.is_float() and not bool((known == known.round()).all()):
        return False
    few = distinct <= MOST_CLASSES and distinct * ROWS_PER_CLASS <= len(known)
    return distinct == 2 or few


def _refuse_text(known: "Series") -> None:
    if not known.dtype.is_numeric():
        raise DataError(
            f"the column {known.name!r} holds values such as {known[0]!r}, which are not numbers: "
            "learn it as a classification."
        )


def _refuse_many_classes(known: "Series", distinct: int) -> None:
    if 2 * distinct > len(known) and distinct > 2:
        advice = "learn it as a regression" if known.dtype.is_numeric() else "choose another column"
        raise DataError(
            f"the column {known.name!r} has {distinct} different values in {len(known)} rows, "
            f"nearly a class for each row, which cannot be learned: {advice}."
        )


def _refuse_row_numbers(known: "Series", distinct: int) -> None:
    """Whole numbers 0 ... n - 1 or 1 ... n, each once, name the rows rather than measure them."""
    if known.dtype.is_integer() and distinct == len(known):
        first, last = int(known.min()), int(known.max())  # type: ignore[arg-type]
        if first in (0, 1) and last - first == distinct - 1:
            raise DataError(
                f"the column {known.name!r} numbers the rows, a different value for each, which "
                "cannot be learned: choose another column, or ask for a regression."
            )
