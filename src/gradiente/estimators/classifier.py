"""The classifier: two classes, several, or several labels at once."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import validate_data

from gradiente.base.errors import DataError
from gradiente.estimators.callback_support import with_callbacks
from gradiente.estimators.estimator import FLOATING, NetworkEstimator, checked_weight, keep
from gradiente.estimators.objective import classification_loss
from gradiente.estimators.samples import Table
from gradiente.estimators.targets import ClassTargets


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """A neural network as a classifier of scikit-learn: two classes, several, or several labels.

    The network is made of dense layers, or is any module; it is trained by `gd.Trainer`, in float32
    if the inputs are float32, else in float64. All parameters of scikit-learn's `MLPClassifier` are
    here under their names:

    hidden_layer_sizes: the number of units of each hidden layer.
    activation: "identity", "logistic", "tanh", "relu", any name in `nn.ACTIVATIONS`, a function, or
        a list of one for each hidden layer.
    solver: "adam", "sgd" or "lbfgs", or an optimizer of `gradiente.optimizers`, which has its own
        learning rate.
    alpha: the loss of a batch has α/2 ‖W‖² / Σw beside it, W being the weights of dense layers.
    batch_size: "auto" is 200, or all samples if there are fewer; "lbfgs" looks at all of them.
    learning_rate: "constant"; "invscaling", η / t^power_t after t samples; "adaptive", a fifth each
        time the training would stop; the latter two with "sgd" only. Or a schedule of
        `gradiente.schedules`, which then takes the place of learning_rate_init.
    learning_rate_init, power_t, momentum, nesterovs_momentum, beta_1, beta_2, epsilon: of solvers.
    max_iter, max_fun: the most epochs, or iterations of "lbfgs"; the most evaluations of it.
    tol, n_iter_no_change: training ends when the loss, or with early_stopping the score, has not
        improved by tol for more than this number of epochs; "lbfgs" ends when no number of the
        gradient is above tol.
    early_stopping, validation_fraction: hold out this share of the samples, or use validation_data
        of `fit`, and keep the weights with the best score.
    shuffle, random_state, verbose, warm_start: as everywhere in scikit-learn.

    And what it does not have there:

    loss: "log_loss", any name in `losses.LOSSES`, or a function (prediction, target). For more than
        two classes the prediction has an output for each and the target is the number of the class;
        otherwise there is one output for each label, and the target is 0 or 1. Probabilities are
        the softmax, or the logistic function, of the outputs.
    class_weight: a dict, or "balanced"; for several labels a list of dicts.
    dropout: the share of outputs that are dropped after each hidden layer, or a list of shares.
    batch_norm: normalize what comes out of each hidden layer, before its activation.
    network: an `nn.Module`, which is copied, or a function (inputs, outputs) that makes one; the
        parameters of hidden layers then do not matter.
    standardize: whether to give the network inputs of mean 0 and variance 1. "auto" does, unless
        the deviation of every feature is between 0.1 and 10 and its mean not beyond 10. With False
        it is given them as they are, as `MLPClassifier` does.
    callbacks: of `gradiente.train.callbacks`, or functions of (trainer, row).
    backend, threads: as in `gd.Trainer`.

    Fitted attributes are those of `MLPClassifier`, and `network_`, the trained module, `history_`,
    that of the trainer, and `converged_`, why training was over before max_iter, or `None`.
    `coefs_`, `intercepts_` are those of the dense layers. The weight of a sample says how often it
    is there, exactly so if all samples are one batch; samples of weight 0 do not count at all.
    Predictions do not depend on which other samples are predicted with them. A pickle holds
    parameters, no machine code; `partial_fit` after loading one starts with new moments.

    Parameters are checked in `fit`, which raises `InvalidArgumentError`.
    """

    def __init__(
        self,
        *,
        loss: Any = "log_loss",
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
        class_weight: Any = None,
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
    ) -> "NetworkClassifier":
        """Train on samples X and their classes y, or (samples, labels) of 0 and 1.

        X: (samples, features), an array, a table of pandas or polars, or a sparse matrix.
        sample_weight: one number for each sample; a weight of 0 is the same as leaving it out.
        validation_data: (X, y) or (X, y, sample_weight) to be scored after each epoch.
        Raises `DataError` for data that cannot be learned from.
        """
        self._fit(X, y, sample_weight, validation_data)
        return self

    @with_callbacks
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        *,
        validation_data: Any = None,
    ) -> "NetworkClassifier":
        """One epoch more over the samples given, with the moments of the optimizer kept.

        With early_stopping a share of them is held out, always the same of the same samples, or
        validation_data is used. Once its score has not improved for n_iter_no_change calls,
        `converged_` says so, and the weights of the best score are put back.

        classes: all classes there will be; needed at the first call only.
        Raises `DataError` at the first call without them.
        """
        known = getattr(self, "classes_", None)
        if known is None and classes is None:
            raise DataError("classes must be passed on the first call to partial_fit.")
        if not (known is None or classes is None or np.array_equal(known, np.unique(classes))):
            raise DataError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{known!r}"
            )
        self._fit(X, y, sample_weight, validation_data, classes=classes, incremental=True)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The most likely class of each sample, or the labels that more likely hold than not."""
        outputs = self._outputs(X)
        return self._targets.decode(outputs)

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class in the order of `classes_`, or of each label."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of `predict_proba`, exact for probabilities of any size."""
        outputs = self._outputs(X)
        return self._targets.log_probabilities(outputs)

    def _validated(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> Table:
        x, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            dtype=FLOATING,
            order="C",
            reset=reset,
        )
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if type_of_target(y) == "multiclass-multioutput":
            raise DataError(
                "y has several columns of several classes: use one classifier for each column, "
                "as sklearn.multioutput.MultiOutputClassifier does."
            )
        weight = checked_weight(sample_weight, x)
        if self.class_weight is not None:
            own = compute_sample_weight(self.class_weight, y).astype(x.dtype)
            weight = own if weight is None else own * weight
        return Table(x, y, weight)

    def _targets_of(self, table: Table, classes: Any) -> ClassTargets:
        several = type_of_target(table.y) == "multilabel-indicator"
        targets = ClassTargets(table.y if classes is None or several else np.asarray(classes))
        targets.by_class = classification_loss(self.loss, targets.kind)[1]
        return targets

    def _loss_for(self, targets: ClassTargets) -> Any:
        return classification_loss(self.loss, targets.kind)[0]

    def _score_of(self, y: Any, predicted: np.ndarray, weight: Any) -> float:
        return accuracy_score(y, predicted, sample_weight=weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
