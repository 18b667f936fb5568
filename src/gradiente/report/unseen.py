"""Predictions on unseen data beside what was right: what the results of a report are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.base.errors import DataError
from gradiente.data.target import NumberTarget, Target

BINARY_LOSSES = ("binary", "sigmoid", "logistic")  # words in the names of losses of a single logit


@dataclass(frozen=True)
class Classes:
    """Probabilities (n, classes), the numbers of the right classes (n,), and a baseline.

    baseline: probabilities (classes,) that are predicted for every sample without learning.
    """

    probabilities: np.ndarray
    y: np.ndarray
    names: tuple[str, ...]
    baseline: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The number of the most probable class of each sample."""
        return self.probabilities.argmax(axis=1)

    @property
    def baseline_words(self) -> str:
        """What the baseline predicts."""
        return f"always {self.names[int(self.baseline.argmax())]}"


@dataclass(frozen=True)
class Numbers:
    """Predicted and right numbers (n,), and the one number that is predicted without learning."""

    predicted: np.ndarray
    y: np.ndarray
    baseline: float

    @property
    def baseline_words(self) -> str:
        """What the baseline predicts."""
        return f"always the mean, {_number(self.baseline)}"


def _number(value: float) -> str:
    """Thousands set apart in large numbers, four digits of small ones."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


Unseen = Classes | Numbers


def unseen(
    outputs: Any, y: Any, loss: str = "", names: Sequence[str] | None = None
) -> Unseen | None:
    """What is known of outputs of a network beside y; `None` for a task of another kind.

    outputs: (n, classes) logits for whole numbers y (n,), or the logits of the second class for a
    loss that takes those; or the numbers y themselves, of any shape. Without the training data the
    baseline is the best constant for y, which favours it a little.
    Raises `DataError` if lengths differ.
    """
    if not isinstance(outputs, np.ndarray) or not isinstance(y, np.ndarray) or not len(y):
        return None
    if len(outputs) != len(y):
        raise DataError(f"there are {len(outputs)} predictions for {len(y)} targets.")
    flat = y.reshape(len(y), -1)
    logits = outputs.reshape(len(y), -1)
    whole = y.dtype.kind in "biu" and flat.shape[1] == 1
    if whole and outputs.ndim == 2 and outputs.shape[1] > 1:
        return classes(logits, flat[:, 0], names)
    single = logits.shape[1] == 1 and flat.shape[1] == 1 and set(np.unique(y)) <= {0, 1}
    if single and any(word in loss for word in BINARY_LOSSES):
        return classes(np.concatenate([0 * logits, logits], axis=1), flat[:, 0], names)
    if outputs.size != y.size or y.dtype.kind not in "fiu":
        return None
    numbers = flat.astype(np.float64).reshape(-1)
    return Numbers(logits.astype(np.float64).reshape(-1), numbers, float(numbers.mean()))


def of_target(
    target: Target, outputs: np.ndarray, y: np.ndarray, baseline: Sequence[float] | None = None
) -> Unseen:
    """What is known of outputs beside an encoded target, in the words and units of its table.

    baseline: outputs that are predicted without learning, by default what suits y best.
    """
    constant = None if baseline is None else np.asarray([baseline], np.float64)
    if isinstance(target, NumberTarget):
        right = np.array(target.decode(y), np.float64)
        without = right.mean() if constant is None else target.decode(constant)[0]
        return Numbers(np.array(target.decode(outputs), np.float64), right, float(without))
    if outputs.shape[1] == 1:
        outputs = np.concatenate([np.zeros_like(outputs), outputs], axis=1)
    shares = None if constant is None else target.probabilities(constant)[0]
    return classes(outputs, y, target.classes, shares)


def classes(
    logits: np.ndarray,
    y: np.ndarray,
    names: Sequence[str] | None = None,
    baseline: np.ndarray | None = None,
) -> Classes:
    """Classes from logits (n, classes); baseline: probabilities, by default the shares in y."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    count = logits.shape[1]
    y = y.astype(np.int64)
    shares = np.bincount(y, minlength=count) / len(y) if baseline is None else baseline
    listed = tuple(map(str, names)) if names is not None else tuple(map(str, range(count)))
    if len(listed) != count or y.min() < 0 or y.max() >= count:
        raise DataError(f"the network has {count} outputs, but there are {len(listed)} classes.")
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return Classes(probabilities, y, listed, np.asarray(shares, np.float64))
