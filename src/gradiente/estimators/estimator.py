"""What the two estimators share: from checked data to a trained network, and back to outputs."""

import copy
import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from gradiente.base.errors import DataError
from gradiente.estimators.architecture import build_network, weight_matrices
from gradiente.estimators.callback_support import CallbackSupportMixin, tasks
from gradiente.estimators.monitor import Monitor
from gradiente.estimators.parameters import check_parameters
from gradiente.estimators.predictor import Predictor, checked, dense
from gradiente.estimators.samples import Table, held_out, scaler_of
from gradiente.estimators.solver import build_optimizer
from gradiente.nn.dense import Dense
from gradiente.nn.module import Module
from gradiente.regularizers.size import L2
from gradiente.train.trainer import Trainer

FLOATING = (np.float64, np.float32)  # data types that are kept as they are
MACHINERY = ("_predictor", "_trainer", "_monitor")  # what is neither copied nor pickled
AUTOMATIC_BATCH = 200
DENSE_ROWS = 4096  # of a sparse matrix, at once
LARGEST_SEARCH_BATCH = 4096  # bounds the memory of solvers that see all samples at once


class NetworkEstimator(CallbackSupportMixin, BaseEstimator):
    """A network that is fitted like any estimator of scikit-learn."""

    network_: Module
    _targets: Any
    _scaler: StandardScaler | None
    n_features_in_: int

    # -- what the two differ in --------------------------------------------------------------------

    def _targets_of(self, table: Table, classes: Any) -> Any:
        """What encodes and decodes the targets."""
        raise NotImplementedError

    def _loss_for(self, targets: Any) -> Any:
        """The loss of the targets."""
        raise NotImplementedError

    def _validated(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> Table:
        """Checked data, weighted; the inputs may still be sparse."""
        raise NotImplementedError

    def _score_of(self, y: Any, predicted: np.ndarray, weight: Any) -> float:
        """The score that early stopping looks at."""
        raise NotImplementedError

    # -- fitting -----------------------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: Any,
        *,
        classes: Any = None,
        incremental: bool = False,
    ) -> "NetworkEstimator":
        parameters = self.get_params(deep=False)
        check_parameters(parameters)
        goes_on = hasattr(self, "network_") and (incremental or parameters["warm_start"])
        table = self._validated(X, y, sample_weight, reset=not goes_on).made_dense()
        random = check_random_state(parameters["random_state"])
        if not goes_on:
            self._begin(table, classes)
        else:
            self._targets.encode(table.y, table.x.dtype)  # refuse what the network does not know
        if not (incremental and goes_on):
            self._seed = int(random.randint(2**31 - 1))
        train, validation = self._divided(table.without_zero_weights(), validation_data)
        if not goes_on:
            self._scaler = scaler_of(train, parameters["standardize"])
        if not (incremental and getattr(self, "_trainer", None) is not None):
            self._prepare(parameters, train, goes_on)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        seen = {"X": table.x, "y": table.y, "metadata": metadata}
        self._train(parameters, train, validation, seen, 1 if incremental else None)
        return self

    def _begin(self, table: Table, classes: Any) -> None:
        """Forget what was learned before, and look at the targets."""
        for name in ("network_", "_trainer"):
            self.__dict__.pop(name, None)
        self._scaler = None
        self._targets = self._targets_of(table, classes)
        self.loss_curve_: list[float] = []
        self.t_ = 0

    def _divided(self, table: Table, validation_data: Any) -> tuple[Table, Table | None]:
        """Samples to train on, and those to score on, if there are any."""
        if validation_data is not None:
            return table, self._validated(*_three(validation_data), reset=False)
        if not self.early_stopping:
            return table, None
        fraction = self.validation_fraction
        kind = getattr(self._targets, "kind", "")
        return held_out(table, fraction, kind in ("binary", "multiclass"), self._seed)

    def _prepare(self, parameters: dict[str, Any], train: Table, goes_on: bool) -> None:
        """Make the network, unless it goes on, and what trains it."""
        features, outputs = train.x.shape[1], self._targets.outputs
        network = self.network_ if goes_on else build_network(parameters, features, outputs)
        backend, threads = parameters["backend"], parameters["threads"]
        if not goes_on:
            example = np.zeros((1, features), train.x.dtype)
            network.initialize(example, seed=self._seed)
            checked(network(example), outputs)
            self._predictor = Predictor(network, backend, threads)
        size = _batch_size(parameters, train.x.shape[0])
        # α/2 ‖W‖² stands beside the sum of the losses of a batch, and the step takes their mean.
        share = train.total_weight() * size / train.x.shape[0]
        decay = L2(0.5 * parameters["alpha"] / share)
        self._trainer = Trainer(
            network,
            self._loss_for(self._targets),
            build_optimizer(parameters),
            regularizers=dict.fromkeys(weight_matrices(network), decay)
            if parameters["alpha"]
            else None,
            seed=self._seed,
            backend=backend,
            threads=threads,
        )
        self._monitor = Monitor(parameters)
        self._monitor.losses, self._monitor.seen = self.loss_curve_, self.t_

    def _train(
        self,
        parameters: dict[str, Any],
        train: Table,
        validation: Table | None,
        seen: dict[str, Any],
        epochs: int | None,
    ) -> None:
        """Train, and write down what came out."""
        trainer, monitor = self._trainer, self._monitor
        size = _batch_size(parameters, train.x.shape[0])
        monitor.score = None if validation is None else self._scorer(validation)
        monitor.samples = train.x.shape[0]
        before = len(trainer.history)
        most = epochs or parameters["max_iter"]
        inputs, targets, weight = self._encoded(train)
        history = trainer.fit(
            inputs,
            targets,
            epochs=most,
            batch_size=size,
            sample_weight=weight,
            validation=None if validation is None else self._encoded(validation),
            callbacks=[
                monitor,
                *(parameters["callbacks"] or ()),
                *tasks(self, most, seen, lambda: self._fitted(copy.deepcopy(trainer.network))),
            ],
            shuffle=parameters["shuffle"],
            verbose=bool(parameters["verbose"]),
            flow=False,
        )
        if self.early_stopping and (epochs is None or monitor.converged):
            monitor.put_best_back(trainer)
        self.__dict__.update(self._fitted(trainer.network))
        self.n_iter_ = len(monitor.losses) if epochs else len(history) - before
        if history.stopped == "all epochs done" and epochs is None:
            warnings.warn(
                f"all {most} iterations are done and the loss still improves: raise max_iter, or "
                "scale what the network is given.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _fitted(self, network: Module) -> dict[str, Any]:
        """The attributes of an estimator fitted with a network, as of now."""
        monitor, targets = self._monitor, self._targets
        has_scores = bool(monitor.scores)
        facts = {
            "network_": network,
            "history_": self._trainer.history,
            "converged_": monitor.converged,
            "_predictor": self._predictor,
            "_targets": targets,
            "_scaler": self._scaler,
            "n_features_in_": self.n_features_in_,
            "n_outputs_": targets.outputs,
            "out_activation_": targets.link,
            "loss_curve_": monitor.losses,
            "loss_": monitor.losses[-1] if monitor.losses else None,
            "best_loss_": None if monitor.early_stopping else monitor.best_loss,
            "validation_scores_": monitor.scores if has_scores else None,
            "best_validation_score_": max(monitor.scores) if has_scores else None,
            "t_": monitor.seen,
            "n_iter_": len(monitor.losses),
        }
        if hasattr(self, "feature_names_in_"):
            facts["feature_names_in_"] = self.feature_names_in_
        if hasattr(targets, "classes"):
            facts["classes_"] = targets.classes
        return facts

    def _encoded(self, table: Table) -> tuple[np.ndarray, np.ndarray, Any]:
        """Inputs, targets and weights as the trainer takes them."""
        targets = self._targets.encode(table.y, table.x.dtype)
        return self._inputs(table.x), targets, table.weight

    def _scorer(self, validation: Table) -> Any:
        """A function of a trainer: the score of these samples with its weights of now."""
        x = self._inputs(validation.x)

        def score(trainer: Trainer) -> float:
            outputs = trainer.predict(x)
            if not np.all(np.isfinite(outputs)):
                return -np.inf
            return self._score_of(validation.y, self._targets.decode(outputs), validation.weight)

        return score

    # -- from inputs to outputs --------------------------------------------------------------------

    def _inputs(self, x: Any) -> np.ndarray:
        """What the network is given for the inputs of the user."""
        return self._scaler.transform(dense(x)) if self._scaler is not None else dense(x)

    def _outputs(self, X: Any) -> np.ndarray:
        """The outputs of the network, (samples, outputs)."""
        check_is_fitted(self)
        x = validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        parts = [x] if isinstance(x, np.ndarray) else _slices(x)
        return np.concatenate([self._predictor(self.network_, self._inputs(p)) for p in parts])

    # -- what others read --------------------------------------------------------------------------

    @property
    def coefs_(self) -> list[np.ndarray]:
        """The weights of the dense layers, (inputs, outputs) each; copies."""
        return [np.array(layer.weight) for layer in self._dense_layers()]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The biases of the dense layers; copies."""
        return [np.array(layer.bias) for layer in self._dense_layers() if layer.bias is not None]

    @property
    def n_layers_(self) -> int:
        """The number of dense layers and the inputs."""
        return len(self._dense_layers()) + 1

    def _dense_layers(self) -> list[Dense]:
        if "network_" not in self.__dict__:
            raise AttributeError("the estimator is not fitted yet.")
        return [layer for layer in self.network_.modules().values() if isinstance(layer, Dense)]

    def __getstate__(self) -> dict[str, Any]:
        """Parameters and what was learned; nothing that was compiled."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in MACHINERY}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "network_" in self.__dict__:
            self._predictor = Predictor(self.network_, self.backend, self.threads)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a network to predict with."""
        return "network_" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def checked_weight(sample_weight: Any, x: Any) -> np.ndarray | None:
    """The weights as an array of the type of x, or `None`."""
    if sample_weight is None:
        return None
    return _check_sample_weight(sample_weight, x, dtype=x.dtype)


def _slices(x: Any) -> list[Any]:
    """Parts of a sparse matrix that are dense one at a time."""
    return [x[place : place + DENSE_ROWS] for place in range(0, x.shape[0], DENSE_ROWS)]


def _batch_size(parameters: dict[str, Any], samples: int) -> int:
    size = parameters["batch_size"]
    if parameters["solver"] == "lbfgs":
        return min(samples, LARGEST_SEARCH_BATCH)
    if size == "auto":
        return min(AUTOMATIC_BATCH, samples)
    if size > samples:
        warnings.warn(
            f"batch_size is {size}, but there are {samples} samples: all of them are one batch.",
            stacklevel=2,
        )
    return min(size, samples)


def _three(validation: Any) -> tuple[Any, Any, Any]:
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        raise DataError("validation_data is (X, y) or (X, y, sample_weight).")
    x, y, *weight = validation
    return x, y, weight[0] if weight else None


def keep(estimator: BaseEstimator, arguments: dict[str, Any]) -> None:
    """Set the arguments of a constructor as attributes, as scikit-learn wants it."""
    for name, value in arguments.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)
