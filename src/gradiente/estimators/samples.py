"""The samples of a fit: as given, as the network gets them, and those held out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from gradiente.base.errors import DataError
from gradiente.estimators.predictor import dense

FEWEST_HELD_OUT = 2


@dataclass(frozen=True)
class Table:
    """Inputs, targets as the user gives them, and weights or `None`."""

    x: Any
    y: Any
    weight: np.ndarray | None

    def rows(self, places: np.ndarray) -> "Table":
        """The samples at the given places."""
        weight = None if self.weight is None else self.weight[places]
        return Table(self.x[places], self.y[places], weight)

    def made_dense(self) -> "Table":
        """The same with inputs that are an array."""
        return Table(dense(self.x), self.y, self.weight)

    def without_zero_weights(self) -> "Table":
        """The samples that count: a weight of 0 is the same as not being there.

        Raises `DataError` if none is left.
        """
        if self.weight is None or np.all(self.weight > 0):
            return self
        if np.any(self.weight < 0) or not np.any(self.weight > 0):
            raise DataError("sample weights are not negative, and not all zero.")
        return self.rows(np.flatnonzero(self.weight))

    def total_weight(self) -> float:
        """The sum of the weights, or the number of samples."""
        return float(self.x.shape[0] if self.weight is None else np.sum(self.weight))


def held_out(table: Table, fraction: float, stratified: bool, random: Any) -> tuple[Table, Table]:
    """Samples to train on and samples to score on, divided at random.

    Raises `DataError` if fewer than two would be held out.
    """
    count = table.x.shape[0]
    if np.ceil(fraction * count) < FEWEST_HELD_OUT:
        raise DataError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    stratify = table.y if stratified else None
    parts = train_test_split(
        np.arange(count), test_size=fraction, random_state=random, stratify=stratify
    )
    train, validation = (table.rows(np.sort(places)) for places in parts)
    return train, validation
