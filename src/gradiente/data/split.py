"""Which rows train, which ones watch over the training, and which ones test."""

from dataclasses import dataclass

import numpy as np

from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.data.generator import SPLIT_STREAM, generator


@dataclass(frozen=True)
class Split:
    """Rows of the three parts: sorted int64 indices that together are 0 ... count - 1."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split_rows(
    count: int,
    *,
    validation: float = 0.16,
    test: float = 0.2,
    seed: int = 0,
    classes: np.ndarray | None = None,
) -> Split:
    """Divide `count` rows at random: a function of the arguments alone.

    validation, test: the shares of all rows; a part with a share of zero is empty, any other has
    at least one row.
    classes: one whole number per row, shape (count,); every part then gets its share of each class
    as far as its rows go round. Rows of the rarest classes go to the training part.
    Raises `DataError` when there are too few rows.
    """
    _refuse_shares(validation, test)
    tested, watched = _rows(count, test), _rows(count, validation)
    if tested + watched >= count:
        raise DataError(
            f"{count} rows are too few to divide into training, validation and test rows: "
            "give more rows, or smaller shares."
        )
    shuffled = generator(seed, SPLIT_STREAM).permutation(count)
    order = shuffled if classes is None else _interleaved(shuffled, np.asarray(classes))
    return Split(
        train=np.sort(order[tested + watched :]),
        validation=np.sort(order[tested : tested + watched]),
        test=np.sort(order[:tested]),
    )


def _refuse_shares(validation: float, test: float) -> None:
    if not (0 <= validation < 1 and 0 <= test < 1 and validation + test < 1):
        raise InvalidArgumentError(
            "the shares of validation and test rows are zero or more and leave some to train on; "
            f"{validation:g} and {test:g} do not."
        )


def _rows(count: int, share: float) -> int:
    return max(1, round(count * share)) if share else 0


def _interleaved(shuffled: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The rows in an order whose every stretch has each class in about its overall share.

    The rows of a class of size m are placed at 1/2m, 3/2m, 5/2m, ... of the way. A class of one
    row thus stands in the middle, which the training part covers.
    """
    _, label, sizes = np.unique(classes[shuffled], return_inverse=True, return_counts=True)
    by_class = np.argsort(label, kind="stable")
    starts = np.cumsum(sizes) - sizes
    rank = np.empty(len(shuffled))
    rank[by_class] = np.arange(len(shuffled)) - np.repeat(starts, sizes)
    place = (rank + 0.5) / sizes[label]
    return shuffled[np.argsort(place, kind="stable")]
