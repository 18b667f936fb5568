"""When the training of an estimator ends, and what it remembers of its epochs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.train.callbacks import Callback
from gradiente.train.history import Row

SMALLEST_RATE = 1e-6  # at which `adaptive` gives up, as in scikit-learn
FALL = 5.0


class Monitor(Callback):
    """Stops when the loss, or a score, has not improved by `tol` for several epochs.

    score: the score of held-out samples, of a trainer; `None` if there are none.
    early_stopping: whether the score decides, and the weights of its best epoch are put back.
    rate: how the learning rate changes: "constant", "invscaling" (η / t^power, with t the number of
    samples seen), or "adaptive" (a fifth, instead of stopping).
    """

    touches_network = False

    def __init__(self, parameters: dict[str, Any]):
        self.tol = parameters["tol"]
        self.patience = parameters["n_iter_no_change"]
        self.early_stopping = bool(parameters["early_stopping"])
        sgd = parameters["solver"] == "sgd"
        self.rate = parameters["learning_rate"] if sgd else "constant"
        self.initial_rate = parameters["learning_rate_init"]
        self.power = parameters["power_t"]
        self.searches = parameters["solver"] == "lbfgs"
        self.score: Callable[[Any], float] | None = None
        self.samples = 0  # in an epoch
        self.seen = 0
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best_loss = np.inf
        self.best_score = -np.inf
        self.best_weights: Any = None
        self.without_improvement = 0
        self.converged: str | None = None

    def on_fit_begin(self, trainer: Any) -> None:
        self.converged = None

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        self.seen += self.samples
        self.losses.append(float(row["loss"]) + float(row.get("penalty") or 0.0))
        if self.score is not None:
            self.scores.append(float(self.score(trainer)))
        self._count(trainer)
        if self.rate == "invscaling":
            trainer.learning_rate = self.initial_rate / (self.seen + 1) ** self.power
        if self.without_improvement > self.patience and not self.searches:
            self._react(trainer)

    def _count(self, trainer: Any) -> None:
        """Compare the epoch with the best one before."""
        loss = self.losses[-1]
        improved = loss <= self.best_loss - self.tol
        self.best_loss = min(self.best_loss, loss)
        if self.early_stopping and self.scores:
            score = self.scores[-1]
            improved = score >= self.best_score + self.tol
            if score > self.best_score:
                self.best_score, self.best_weights = score, trainer.weights()
        self.without_improvement = 0 if improved else self.without_improvement + 1

    def _react(self, trainer: Any) -> None:
        if self.rate == "adaptive" and trainer.learning_rate > SMALLEST_RATE:
            trainer.learning_rate = trainer.learning_rate / FALL
            self.without_improvement = 0
            return
        what = "score" if self.early_stopping and self.scores else "loss"
        self.converged = f"the {what} has not improved by {self.tol:g} for {self.patience} epochs"
        trainer.stop(self.converged)

    def put_best_back(self, trainer: Any) -> None:
        """Give the network the weights of the best score, if there is one."""
        if self.best_weights is not None:
            trainer.set_weights(self.best_weights)
