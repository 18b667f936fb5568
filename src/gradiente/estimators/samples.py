"""The samples of a fit: as given, as the network gets them, and those held out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from gradiente.base.errors import DataError
from gradiente.estimators.predictor import dense

FEWEST_HELD_OUT = 2
SMALLEST_SIZE, LARGEST_SIZE = 0.1, 10.0  # of numbers that a network can take as they are


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


def scaler_of(table: Table, standardize: bool | str) -> StandardScaler | None:
    """What makes inputs of mean 0 and variance 1, or `None` if they stay as they are.

    "auto" leaves them if the deviation of every feature that is not constant is between 0.1 and 10,
    and no mean is further from 0 than 10: numbers of about one size, as people choose them, tell
    how important they are.
    """
    if not standardize:
        return None
    scaler = StandardScaler().fit(table.x, sample_weight=table.weight)
    if standardize == "auto":
        deviations = np.sqrt(scaler.var_[scaler.var_ > 0])
        sizes = np.concatenate([deviations, np.maximum(np.abs(scaler.mean_), SMALLEST_SIZE)])
        if np.all((sizes >= SMALLEST_SIZE) & (sizes <= LARGEST_SIZE)):
            return None
    return scaler
