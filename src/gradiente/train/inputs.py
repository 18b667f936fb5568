"""What the user hands over for training, brought into arrays that belong together."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.base.errors import DataError
from gradiente.base.trees import flatten, map_tree, paths_of, unflatten
from gradiente.data.batches import batch_slices
from gradiente.data.split import split_rows


@dataclass(frozen=True)
class Samples:
    """Inputs x, targets y and weights (or `None`), with the samples along the first axis.

    x and y are trees of arrays: an array, or for several inputs a tuple or dict of them.
    """

    x: Any
    y: Any
    weight: Any
    count: int

    def rows(self, indices: np.ndarray) -> "Samples":
        """The samples at the given places."""
        chosen = [map_tree(lambda a: a[indices], part) for part in (self.x, self.y, self.weight)]
        return Samples(*chosen, count=len(indices))

    def batches(self, order: np.ndarray, batch_size: int) -> Iterator["Samples"]:
        """Batches in the given order; the last one has what is left."""
        for indices in batch_slices(order, batch_size):
            yield self.rows(indices)


def samples(x: Any, y: Any = None, weight: Any = None) -> Samples:
    """Check and convert: arrays, lists, tables of pandas or polars, or trees of them.

    Raises `DataError` for empty data, text or objects, and lengths that differ.
    """
    x, y = _arrays("x", x), _arrays("y", y)
    weight = None if weight is None else _arrays("sample_weight", weight)
    lengths = {
        name: len(leaf)
        for part, tree in (("x", x), ("y", y), ("sample_weight", weight))
        for name, leaf in zip(_names(part, tree), flatten(tree)[0], strict=True)
    }
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise DataError(f"the arrays must have equally many samples (first axis), but {told}.")
    count = next(iter(lengths.values()), 0)
    if count == 0:
        raise DataError("there are no samples: x is empty.")
    _check_weight(weight)
    return Samples(x, y, weight, count)


def _names(part: str, tree: Any) -> list[str]:
    return [f"{part}.{path}" if path else part for path in paths_of(tree)]


def _arrays(part: str, tree: Any) -> Any:
    if isinstance(tree, list):  # a list is data here, not a tree of several inputs
        tree = np.asarray(tree)
    leaves, structure = flatten(tree)
    arrays = [_array(n, x) for n, x in zip(_names(part, tree), leaves, strict=True)]
    return unflatten(structure, arrays)


def _array(name: str, leaf: Any) -> np.ndarray:
    array = np.asarray(leaf)
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{name} holds {array.dtype.name}, not numbers. Encode text and categories first "
            "(gradiente train does it for tables), or convert with `.astype(np.float32)`."
        )
    if array.ndim == 0:
        raise DataError(f"{name} is a single number; samples lie along the first axis.")
    return array


def _check_weight(weight: Any) -> None:
    if weight is None:
        return
    for leaf in flatten(weight)[0]:
        if not np.all(np.isfinite(leaf)) or np.any(leaf < 0) or not np.any(leaf > 0):
            raise DataError("sample weights are finite, not negative, and not all zero.")


def divided(data: Samples, fraction: float, seed: int) -> tuple[Samples, Samples]:
    """Training and validation samples, at random from the seed, stratified for integer targets."""
    if not 0.0 < fraction < 1.0:
        raise DataError(f"a validation fraction lies between 0 and 1, got {fraction}.")
    single = isinstance(data.y, np.ndarray) and data.y.ndim == 1 and data.y.dtype.kind in "biu"
    classes = data.y if single else None
    parts = split_rows(data.count, validation=fraction, test=0.0, seed=seed, classes=classes)
    return data.rows(parts.train), data.rows(parts.validation)


def non_finite_inputs(data: Samples) -> list[str]:
    """The names of input arrays that contain NaN or infinity."""
    found = []
    for part, tree in (("x", data.x), ("y", data.y)):
        for name, leaf in zip(_names(part, tree), flatten(tree)[0], strict=True):
            if leaf.dtype.kind == "f" and not np.all(np.isfinite(leaf)):
                found.append(name)
    return found
