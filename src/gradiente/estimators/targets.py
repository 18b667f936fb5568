"""Targets of scikit-learn as those of a network, and outputs of a network as predictions."""

from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer, StandardScaler
from sklearn.utils.multiclass import type_of_target

from gradiente.base.errors import DataError

LINKS = {"binary": "logistic", "multilabel": "logistic", "multiclass": "softmax"}


class ClassTargets:
    """Classes, or several labels that each hold or do not.

    y: what `classes` are the values of: an array of samples, or of the classes themselves.
    kind: "binary", "multiclass" or "multilabel".
    """

    def __init__(self, y: Any):
        if type_of_target(y) == "multilabel-indicator":
            self.kind = "multilabel"
            self.classes = LabelBinarizer().fit(y).classes_
        else:
            self.classes = np.unique(y)
            self.kind = "multiclass" if len(self.classes) > 2 else "binary"
        if len(self.classes) < 2 and self.kind != "multilabel":
            raise DataError(
                f"y has one class only, {self.classes.tolist()[0]!r}: a classifier needs samples "
                "of two or more."
            )
        self.by_class = self.kind == "multiclass"

    @property
    def outputs(self) -> int:
        """How many outputs the network has."""
        return 1 if self.kind == "binary" and not self.by_class else len(self.classes)

    @property
    def link(self) -> str:
        """What makes probabilities of the outputs."""
        return "softmax" if self.by_class else "logistic"

    def encode(self, y: Any, dtype: Any) -> np.ndarray:
        """Numbers of classes, or columns of 0 and 1.

        Raises `DataError` for a class that is not known, and for labels of another number.
        """
        if self.kind == "multilabel":
            y = np.asarray(y.todense() if hasattr(y, "todense") else y)
            if y.ndim != 2 or y.shape[1] != len(self.classes):
                raise DataError(f"y must have {len(self.classes)} columns, one for each label.")
            return y.astype(dtype)
        unknown = np.setdiff1d(y, self.classes)
        if len(unknown):
            raise DataError(
                f"y has classes that are not known: {unknown.tolist()}; known are "
                f"{self.classes.tolist()}."
            )
        numbers = np.searchsorted(self.classes, y)
        return numbers if self.by_class else numbers.astype(dtype)[:, np.newaxis]

    def log_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """The logarithm of the probability of each class, or of each label."""
        if self.by_class:
            shifted = outputs - outputs.max(axis=1, keepdims=True)
            return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
        positive = -np.logaddexp(0, -outputs)
        if self.kind == "multilabel":
            return positive
        return np.hstack([-np.logaddexp(0, outputs), positive])

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """The classes that are most likely, or the labels that more likely hold than not."""
        if self.kind == "multilabel":
            return (outputs > 0).astype(int)
        if self.by_class:
            return self.classes[outputs.argmax(axis=1)]
        return self.classes[(outputs[:, 0] > 0).astype(int)]


class NumberTargets:
    """Real numbers, one or several per sample; the network learns standardized ones.

    loss: for `squared_error` the targets are standardized if that is wanted; other losses may
    depend on their unit, and of `poisson` the network predicts the logarithm.
    """

    def __init__(self, y: np.ndarray, weight: Any, loss: Any, standardize: bool):
        self.single = y.ndim == 1
        self.outputs = 1 if self.single else y.shape[1]
        self.link = "exp" if loss == "poisson" else "identity"
        self.scaler: StandardScaler | None = None
        if standardize and loss == "squared_error":
            self.scaler = StandardScaler().fit(_columns(y), sample_weight=weight)
        if loss == "poisson" and np.any(y < 0):
            raise DataError("with loss='poisson' no target can be negative.")

    def encode(self, y: np.ndarray, dtype: Any) -> np.ndarray:
        """Columns of numbers; raises `DataError` for another number of columns."""
        columns = _columns(y)
        if columns.shape[1] != self.outputs:
            raise DataError(f"y must have {self.outputs} columns, not {columns.shape[1]}.")
        if self.scaler is not None:
            columns = self.scaler.transform(columns)
        return columns.astype(dtype)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """The numbers in their own unit."""
        if self.link == "exp":
            outputs = np.exp(outputs)
        if self.scaler is not None:
            outputs = self.scaler.inverse_transform(outputs)
        return outputs[:, 0] if self.single else outputs


def _columns(y: np.ndarray) -> np.ndarray:
    return y[:, np.newaxis] if y.ndim == 1 else y
