"""scikit-learn: `MLPClassifier` and `MLPRegressor`, trained epoch by epoch."""

import numpy as np
from sklearn import config_context
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.training import Unsuitable
from benchmarks.workloads import Workload

ONE_OUTPUT = "for two classes it trains one logistic output, not two"
EPSILON = "adds the ε of Adam before the correction of the bias, so its losses differ slightly"


class Training:
    """The estimator, without penalty and without shuffling, which it does not need here."""

    def __init__(self, workload: Workload):
        if len(workload.layers) < 3:
            raise Unsuitable("scikit-learn's networks have a hidden layer")
        self.workload = workload
        self.x, y = workload.data()
        self.y = y.ravel()
        kind = MLPRegressor if workload.regression else MLPClassifier
        self.model = kind(
            hidden_layer_sizes=workload.layers[1:-1],
            alpha=0.0,
            batch_size=workload.batch,
            learning_rate_init=workload.learning_rate,
            shuffle=False,
            random_state=workload.seed,
        )
        self.binary = workload.layers[-1] == 2
        self.note = ONE_OUTPUT if self.binary else EPSILON
        self._epoch(workload.batch)  # creates the weights
        if not self.binary:
            self._begin()

    def _begin(self) -> None:
        """Start from the given weights, with an optimizer that has not seen anything."""
        for place, (weight, bias) in enumerate(self.workload.weights()):
            self.model.coefs_[place] = weight
            self.model.intercepts_[place] = bias
        del self.model._optimizer

    def _epoch(self, rows: int | None = None) -> None:
        classes = None if self.workload.regression else np.arange(self.workload.layers[-1])
        known = {} if classes is None else {"classes": classes}
        with config_context(assume_finite=True):
            self.model.partial_fit(self.x[:rows], self.y[:rows], **known)

    def train(self, epochs: int) -> None:
        """`partial_fit` is one epoch."""
        for _ in range(epochs):
            self._epoch()

    def losses(self, epochs: int) -> list[float]:
        """The loss it keeps; its squared error is half of ours."""
        if self.binary:
            raise Unsuitable(self.note)
        found = []
        for _ in range(epochs):
            self._epoch()
            found.append(float(self.model.loss_) * (2 if self.workload.regression else 1))
        return found
