"""Watching one column of the history: which one, what it says, and whether that is better."""

import numpy as np

from gradiente.base.errors import InvalidArgumentError
from gradiente.train.history import Row, grows_better


def monitored(who: str, row: Row, column: str | None) -> tuple[str, float]:
    """The column to watch and its number in a row.

    column: by default `validation_loss`, or `loss` without validation. Raises
    `InvalidArgumentError`, which names `who`, where there is no number in it.
    """
    column = column or ("validation_loss" if "validation_loss" in row else "loss")
    value = row.get(column)
    if not isinstance(value, int | float):
        numbers = [name for name, each in row.items() if isinstance(each, int | float)]
        raise InvalidArgumentError(
            f"{who} monitors `{column}`, of which there is no number; "
            f"there are: {', '.join(numbers)}."
        )
    return column, value


def improves(
    value: float,
    best: float | None,
    column: str,
    greater_is_better: bool | None = None,
    minimum_change: float = 0.0,
) -> bool:
    """Whether a value of a column is better than the best so far, by more than a smallest change.

    Raises `InvalidArgumentError` if the direction of the column is not known.
    """
    if best is None:
        return bool(np.isfinite(value))
    sign = 1.0 if grows_better(column, greater_is_better) else -1.0
    return sign * (value - best) > minimum_change
