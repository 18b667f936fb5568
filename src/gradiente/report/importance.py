"""Permutation importance: how much worse the loss is when one column of the inputs is shuffled.

    importance(j) = mean over repeats of L(x with column j permuted) - L(x)

Breiman, "Random forests", Machine Learning 45, 2001.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

REPEATS = 5


@dataclass(frozen=True)
class Importance:
    """By how much the loss grows, in the mean, and the standard deviation over repeats."""

    name: str
    mean: float
    deviation: float


def permutation_importance(
    loss: Callable[[np.ndarray], float],
    x: np.ndarray,
    columns: Mapping[str, Sequence[int]],
    seed: int = 0,
) -> list[Importance]:
    """The importance of each group of columns of x (n, features), the greatest first.

    loss: of predictions for inputs like x; columns: places of those that are shuffled together.
    """
    random = np.random.default_rng(seed)
    usual = loss(x)
    found = []
    for name, places in columns.items():
        growths = []
        for _ in range(REPEATS):
            shuffled = x.copy()
            order = random.permutation(len(x))
            for place in places:
                shuffled[:, place] = x[order, place]
            growths.append(loss(shuffled) - usual)
        found.append(Importance(name, float(np.mean(growths)), float(np.std(growths))))
    return sorted(found, key=lambda each: -each.mean)
