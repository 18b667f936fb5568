"""The regressor: one number for each sample, or several."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from gradiente.estimators.callback_support import with_callbacks
from gradiente.estimators.estimator import FLOATING, NetworkEstimator, checked_weight, keep
from gradiente.estimators.objective import regression_loss
from gradiente.estimators.samples import Table
from gradiente.estimators.targets import NumberTargets


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A neural network as a regressor of scikit-learn, of one target or several.

    All parameters of scikit-learn's `MLPRegressor` are here under their names, with what
    `NetworkClassifier` says of them; and from there dropout, batch_norm, network, callbacks,
    backend and threads. What is different:

    loss: "squared_error", ½ (ŷ - y)², the mean over targets; "poisson", of the logarithm of the
        prediction; any name in `losses.LOSSES`, or a function (prediction, target) of two arrays
        (samples, targets).
    standardize: as there, and unless it is False the network learns targets of mean 0 and variance
        1 with the loss "squared_error"; `loss_` is in their unit then.

    The score of early stopping is R². Parameters are checked in `fit`, which raises
    `InvalidArgumentError`.
    """

    def __init__(
        self,
        *,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        network: Any = None,
        standardize: bool | str = "auto",
        callbacks: Any = None,
        backend: str | None = None,
        threads: int | None = None,
    ):
        keep(self, locals())

    @with_callbacks
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None
    ) -> "NetworkRegressor":
        """Train on samples X and their targets y, (samples,) or (samples, targets).

        X: (samples, features), an array, a table of pandas or polars, or a sparse matrix.
        sample_weight: one number for each sample; a weight of 0 is the same as leaving it out.
        validation_data: (X, y) or (X, y, sample_weight) to be scored after each epoch.
        Raises `DataError` for data that cannot be learned from.
        """
        self._fit(X, y, sample_weight, validation_data)
        return self

    @with_callbacks
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None
    ) -> "NetworkRegressor":
        """One epoch more over the samples given; see `NetworkClassifier.partial_fit`."""
        self._fit(X, y, sample_weight, validation_data, incremental=True)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The target of each sample, of the shape that y had."""
        outputs = self._outputs(X)
        return self._targets.decode(outputs)

    def _validated(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> Table:
        x, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=True,
            dtype=FLOATING,
            order="C",
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return Table(x, np.asarray(y, x.dtype), checked_weight(sample_weight, x))

    def _targets_of(self, table: Table, classes: Any) -> NumberTargets:
        counted = table.without_zero_weights()
        return NumberTargets(counted.y, counted.weight, self.loss, self.standardize)

    def _loss_for(self, targets: NumberTargets) -> Any:
        return regression_loss(self.loss)

    def _score_of(self, y: Any, predicted: np.ndarray, weight: Any) -> float:
        return r2_score(y, predicted, sample_weight=weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
