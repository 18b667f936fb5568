"""`python -m benchmarks.estimators`: fits of ten small tables beside the networks of scikit-learn.

Default configurations, five folds, the two libraries in turn, one thread for BLAS. Each is begun
from three seeds, because the epoch in which a training stops is much a matter of chance. The
compiled code of all is on disk, as after the first use on a machine; the first fit writes its
kernels anew, and the others of the same shapes share them.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

import gradiente as gd
from gradiente.backends.native import loading

Loader = Callable[[], tuple[np.ndarray, np.ndarray]]

CLASSES: dict[str, Loader] = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "moons": lambda: datasets.make_moons(500, noise=0.25, random_state=0),
    "hastie": lambda: datasets.make_hastie_10_2(800, random_state=0),
}
NUMBERS: dict[str, Loader] = {
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "friedman 1": lambda: datasets.make_friedman1(600, noise=1.0, random_state=0),
    "friedman 2": lambda: datasets.make_friedman2(600, noise=10.0, random_state=0),
    "linear": lambda: datasets.make_regression(
        400, 20, n_informative=10, noise=20.0, random_state=0
    ),
}
FOLDS = 5
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Fits:
    """What one library did with one table: in the mean over all fits, and in the first one.

    score: accuracy or R², on unseen folds. seconds, first: on the wall. processor: of all threads.
    """

    score: float
    epochs: float
    seconds: float
    first: float
    processor: float


def compare(table: str, **parameters: Any) -> tuple[Fits, Fits]:
    """Ours and scikit-learn's on one table, a fit of each in turn."""
    is_classes = table in CLASSES
    x, y = {**CLASSES, **NUMBERS}[table]()
    kinds: Any = (
        (gd.NetworkClassifier, MLPClassifier) if is_classes else (gd.NetworkRegressor, MLPRegressor)
    )
    folds = (StratifiedKFold if is_classes else KFold)(FOLDS)
    rows: tuple[list[Any], list[Any]] = ([], [])
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        for seed, (train, test) in product(SEEDS, folds.split(x, y)):
            for kind, found in zip(kinds, rows, strict=True):
                estimator = kind(random_state=seed, **parameters)
                began = time.perf_counter(), time.process_time()
                estimator.fit(x[train], y[train])
                seconds, processor = time.perf_counter() - began[0], time.process_time() - began[1]
                score = estimator.score(x[test], y[test])
                found.append((score, estimator.n_iter_, seconds, processor))
    ours, theirs = (_together(found) for found in rows)
    return ours, theirs


def _together(rows: list[Any]) -> Fits:
    scores, epochs, seconds, processor = (np.array(column) for column in zip(*rows, strict=True))
    return Fits(
        float(scores.mean()),
        float(epochs.mean()),
        float(seconds.mean()),
        float(seconds[0]),
        float(processor.mean()),
    )


def lines(tables: list[str]) -> Iterator[str]:
    """A table in Markdown, each row when it is measured."""
    yield "| table | score | sklearn's | epochs | ms | sklearn's | time | processor | first fit |"
    yield "| --- " + "| ---: " * 8 + "|"
    for table in tables:
        ours, theirs = compare(table)
        yield (
            f"| {table} | {ours.score:.3f} | {theirs.score:.3f} "
            f"| {ours.epochs:.0f} : {theirs.epochs:.0f} "
            f"| {1e3 * ours.seconds:.0f} | {1e3 * theirs.seconds:.0f} "
            f"| {ours.seconds / theirs.seconds:.2f} | {ours.processor / theirs.processor:.2f} "
            f"| {ours.first / theirs.first:.2f} |"
        )


if __name__ == "__main__":
    for table in (*CLASSES, *NUMBERS):
        compare(table, max_iter=1)  # imports, and the compiled code of all on disk
    loading.forget()
    for line in lines([*CLASSES, *NUMBERS]):
        print(line, flush=True)
