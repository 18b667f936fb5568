"""Scores on unseen data with confidence intervals, beside those of a baseline.

The intervals are percentiles of the score over bootstrap samples: as many of the unseen samples,
drawn with replacement. The network and the baseline are scored on the same draws, so that their
difference has an interval too. Efron & Tibshirani, "An introduction to the bootstrap", 1993.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gradiente.report.unseen import Classes, Numbers, Unseen

RESAMPLES, FEWER, MANY = 1000, 200, 20_000  # fewer where there are many samples
COVERED = 0.95
SMALLEST = 1e-12  # a probability of zero for the right class would make the mean infinite

Score = Callable[[np.ndarray], float]  # a function of how often each sample was drawn


@dataclass(frozen=True)
class Measured:
    """A score, the ends of its interval, and the same of the baseline.

    better: +1 or -1, where the interval of the difference leaves out zero, in favour of the network
    or the baseline; 0 elsewhere.
    """

    name: str
    value: float
    interval: tuple[float, float]
    baseline: float
    baseline_interval: tuple[float, float]
    better: int


def measured(unseen: Unseen, seed: int = 0) -> list[Measured]:
    """The scores of a task, the most important one first."""
    ours, without = dict(_scores(unseen)), dict(_scores(_baseline(unseen)))
    count = len(unseen.y)
    random = np.random.default_rng(seed)
    drawn: list[list[tuple[float, float]]] = [[] for _ in ours]
    for _ in range(FEWER if count > MANY else RESAMPLES):
        weights = np.bincount(random.integers(0, count, count), minlength=count).astype(float)
        for place, name in enumerate(ours):
            drawn[place].append((ours[name](weights), without[name](weights)))
    every = np.ones(count)
    found = []
    for name, pairs in zip(ours, drawn, strict=True):
        network, baseline = np.array(pairs).T
        low, high = _interval((network - baseline) * (-1 if name in SMALLER_IS_BETTER else 1))
        found.append(
            Measured(
                name,
                ours[name](every),
                _interval(network),
                without[name](every),
                _interval(baseline),
                int(low > 0) - int(high < 0),
            )
        )
    return found


SMALLER_IS_BETTER = ("log loss", "RMSE", "MAE")


def _interval(values: np.ndarray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return float(low), float(high)


def _baseline(unseen: Unseen) -> Unseen:
    if isinstance(unseen, Numbers):
        return Numbers(np.full_like(unseen.predicted, unseen.baseline), unseen.y, unseen.baseline)
    same = np.tile(unseen.baseline, (len(unseen.y), 1))
    return Classes(same, unseen.y, unseen.names, unseen.baseline)


def _scores(unseen: Unseen) -> Iterator[tuple[str, Score]]:
    if isinstance(unseen, Numbers):
        errors = unseen.predicted - unseen.y
        squares, sizes, y = errors**2, np.abs(errors), unseen.y
        yield "RMSE", lambda w: float(np.sqrt(w @ squares / w.sum()))
        yield "MAE", lambda w: float(w @ sizes / w.sum())
        yield "R²", lambda w: _r2(w, squares, y)
        return
    right = (unseen.predicted == unseen.y).astype(float)
    chosen = unseen.probabilities[np.arange(len(unseen.y)), unseen.y]
    losses = -np.log(np.maximum(chosen, SMALLEST))
    yield "accuracy", lambda w: float(w @ right / w.sum())
    yield "F1 (macro)", lambda w: _f1(w, unseen.predicted, unseen.y, len(unseen.names))
    yield "log loss", lambda w: float(w @ losses / w.sum())
    if len(unseen.names) == 2:
        scores = unseen.probabilities[:, 1]
        order = np.argsort(scores, kind="stable")
        starts = np.flatnonzero(np.diff(scores[order], prepend=-1.0))
        yield "AUC", lambda w: _auc(w[order], unseen.y[order] == 1, starts)


def _r2(w: np.ndarray, squares: np.ndarray, y: np.ndarray) -> float:
    mean = w @ y / w.sum()
    spread = w @ (y - mean) ** 2
    return float(1 - w @ squares / spread) if spread > 0 else float("nan")


def _f1(w: np.ndarray, predicted: np.ndarray, y: np.ndarray, count: int) -> float:
    """The mean over the classes that occur of 2 TP / (2 TP + FP + FN)."""
    hits = np.bincount(y, w * (predicted == y), minlength=count)
    total = np.bincount(y, w, minlength=count) + np.bincount(predicted, w, minlength=count)
    occurs = total > 0
    return float(np.mean(2 * hits[occurs] / total[occurs]))


def _auc(w: np.ndarray, positive: np.ndarray, starts: np.ndarray) -> float:
    """The share of pairs of different classes in the right order; equal scores count a half."""
    up = np.add.reduceat(w * positive, starts)
    down = np.add.reduceat(w * ~positive, starts)
    pairs = up.sum() * down.sum()
    below = np.cumsum(down) - down
    return float(up @ (below + down / 2) / pairs) if pairs > 0 else float("nan")
