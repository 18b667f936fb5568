"""What may look on, and take part, while a network trains.

A callback is an object with some of the methods of `Callback`, or any function of (trainer, row),
which is called at the end of each epoch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError
from gradiente.train.history import grows_better

Row = dict[str, Any]


class Callback:
    """Methods that are called while a network trains; each does nothing by default.

    `trainer.stop(reason)` ends the training after the current epoch, from any of them.
    """

    def on_fit_begin(self, trainer: Any) -> None:
        """Before the first epoch of a fit."""

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        """Before an epoch, counted from 1."""

    def on_batch_end(self, trainer: Any, batch: int) -> None:
        """After a training batch, counted from 1 within the epoch."""

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        """After an epoch and its validation; row: its line of the history."""

    def on_fit_end(self, trainer: Any) -> None:
        """After the last epoch of a fit, however it ended."""


class EpochFunction(Callback):
    """An ordinary function called at the end of each epoch."""

    def __init__(self, function: Callable[[Any, Row], Any]):
        self.function = function

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        self.function(trainer, row)


def as_callback(given: Any) -> Callback:
    """A callback object from what the user gave.

    Raises `InvalidArgumentError` for what is neither a callback nor a function.
    """
    if isinstance(given, Callback):
        return given
    if callable(given) and not isinstance(given, type):
        return EpochFunction(given)
    raise InvalidArgumentError(
        f"a callback is a gradiente Callback or a function of (trainer, row), not {given!r}."
    )


class EarlyStopping(Callback):
    """Stop when a column of the history has not improved for a number of epochs.

    patience: how many epochs without improvement are tolerated.
    monitor: the column; by default `validation_loss`, or `loss` without validation.
    minimum_change: an improvement smaller than this does not count.
    greater_is_better: needed only for columns of unknown direction.
    restore_best: put the weights of the best epoch back at the end.
    """

    def __init__(
        self,
        patience: int = 10,
        monitor: str | None = None,
        minimum_change: float = 0.0,
        greater_is_better: bool | None = None,
        restore_best: bool = True,
    ):
        if patience < 1 or minimum_change < 0:
            raise InvalidArgumentError(
                "EarlyStopping needs a patience of at least 1 epoch and a change of at least 0."
            )
        self.patience = patience
        self.monitor = monitor
        self.minimum_change = minimum_change
        self.greater_is_better = greater_is_better
        self.restore_best = restore_best
        self.best = np.inf
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_fit_begin(self, trainer: Any) -> None:
        self.best, self.best_epoch, self.best_weights = np.inf, 0, None

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        column = self.monitor or ("validation_loss" if "validation_loss" in row else "loss")
        if column not in row:
            raise InvalidArgumentError(
                f"EarlyStopping monitors `{column}`, which is not measured; "
                f"there are: {', '.join(row)}."
            )
        sign = -1.0 if grows_better(column, self.greater_is_better) else 1.0
        if sign * row[column] < self.best - self.minimum_change:
            self.best, self.best_epoch = sign * row[column], row["epoch"]
            self.best_weights = trainer.weights() if self.restore_best else None
        elif row["epoch"] - self.best_epoch >= self.patience:
            trainer.stop(
                f"{column} has not improved for {self.patience} epochs; "
                f"best was {abs(self.best):.4g} in epoch {self.best_epoch}"
            )

    def on_fit_end(self, trainer: Any) -> None:
        if self.best_weights is not None:
            trainer.set_weights(self.best_weights)
