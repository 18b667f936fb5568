"""What a metric is: statistics of one batch that add up, and the number made of their sum."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from gradiente.base.batch import Array, expand_weight
from gradiente.base.errors import InvalidArgumentError
from gradiente.base.registry import enter, find

Statistics = dict[str, Array]
Entry = TypeVar("Entry", bound=Callable[..., Any])


@dataclass(frozen=True)
class Metric:
    """How good predictions are, measured batch by batch and exact over the whole data set.

    `statistics(prediction, target, weight)` is traced into the training step. It returns a dict of
    arrays for one batch; `weight` is one number per sample, or `None` for ones. Samples of weight
    zero (the padding of a last batch) change nothing.
    `combine` says how the dicts of several batches become one: by "sum", or by "concatenate" along
    the first axis where the metric needs every prediction at once.
    `value(statistics)` runs on plain arrays and gives a float, or an array such as a confusion
    matrix. It is not a number (`nan`) where it has no meaning, for instance over no samples.
    `greater_is_better` is `None` for a metric that is not ordered.

    Predictions are the raw outputs of the network: for classification these are logits.
    A metric can be called: `accuracy(prediction, target, sample_weight=None)`.
    """

    name: str
    statistics: Callable[[Array, Array, Array | None], Statistics]
    value: Callable[[Statistics], Any]
    combine: Literal["sum", "concatenate"] = "sum"
    greater_is_better: bool | None = True

    def __call__(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """The metric of these predictions, at once: a float or an array."""
        weight = None if sample_weight is None else np.asarray(sample_weight)
        return self.value(self.statistics(np.asarray(prediction), np.asarray(target), weight))

    def combined(self, batches: Iterable[Statistics]) -> Statistics:
        """The statistics of several batches as those of one; sums are taken in float64."""
        rows = list(batches)
        if not rows:
            raise InvalidArgumentError(f"`{self.name}` was asked for over no batches at all.")
        if self.combine == "concatenate":
            return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
        return {name: np.sum([row[name] for row in rows], axis=0, dtype=float) for name in rows[0]}

    def __repr__(self) -> str:
        return f"<metric {self.name}>"


METRICS: dict[str, Metric | Callable[..., Metric]] = {}
"""Every metric by name; those that need an argument, as `top_k_accuracy`, are functions of it."""


def declare(name: str, entry: Entry) -> Entry:
    """Enter a metric, or a function that makes one, into `METRICS`."""
    enter(METRICS, "a metric", name, entry)
    return entry


def find_metric(name: str) -> Metric | Callable[..., Metric]:
    """The entry called `name`, in any case; raises `UnknownNameError` listing all."""
    return find(METRICS, "a metric", name)


def weight_or_ones(weight: Array | None, shape: tuple[int, ...], dtype: Any) -> Array:
    """Weights of exactly `shape`: the given ones, repeated over further positions, or ones."""
    if weight is None:
        return np.ones(shape, dtype)
    return np.broadcast_to(expand_weight(weight, shape).astype(dtype), shape)


def ratio(numerator: Any, denominator: Any, otherwise: float = float("nan")) -> Any:
    """`numerator / denominator` on plain arrays, and `otherwise` where the denominator is zero."""
    denominator = np.asarray(denominator, dtype=float)
    safe = np.where(denominator == 0, 1.0, denominator)
    return np.where(denominator == 0, otherwise, np.asarray(numerator, dtype=float) / safe)
