"""scikit-learn: `MLPClassifier` and `MLPRegressor`, trained epoch by epoch."""

import numpy as np
from sklearn import config_context
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.networks.perceptron import Perceptron
from benchmarks.training import Unsuitable
from benchmarks.workloads import Workload

ONE_OUTPUT = "for two classes it trains one logistic output, not two"
EPSILON = "adds the ε of Adam before the correction of the bias, so its losses differ slightly"


class Training:
    """The estimator, without penalty and without shuffling, which it does not need here."""

    def __init__(self, workload: Workload):
        network = workload.network
        if not isinstance(network, Perceptron) or workload.optimizer != "Adam":
            raise Unsuitable("scikit-learn has multilayer perceptrons only, and Adam for them")
        if len(network.layers) < 3:
            raise Unsuitable("scikit-learn's networks have a hidden layer")
        self.workload = workload
        self.x, y = workload.data()
        self.y = y.ravel()
        kind = MLPRegressor if workload.regression else MLPClassifier
        self.model = kind(
            hidden_layer_sizes=network.layers[1:-1],
            alpha=0.0,
            batch_size=workload.batch,
            learning_rate_init=workload.learning_rate,
            shuffle=False,
            random_state=workload.seed,
        )
        self.outputs = network.layers[-1]
        self.binary = self.outputs == 2
        self.note = ONE_OUTPUT if self.binary else EPSILON
        self._epoch(workload.batch)  # creates the weights
        if not self.binary:
            self._begin()

    def _begin(self) -> None:
        """Start from the given weights, with an optimizer that has not seen anything."""
        weights = self.workload.weights()
        for place in range(len(self.model.coefs_)):
            self.model.coefs_[place] = weights[f"dense.{place}.weight"]
            self.model.intercepts_[place] = weights[f"dense.{place}.bias"]
        del self.model._optimizer

    def _epoch(self, rows: int | None = None) -> None:
        classes = None if self.workload.regression else np.arange(self.outputs)
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
