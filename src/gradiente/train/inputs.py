"""What the user hands over for training, brought into arrays that belong together."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.base.trees import flatten, map_tree, paths_of, unflatten
from gradiente.data.batches import batch_slices
from gradiente.data.sampling import Sampling, balanced
from gradiente.data.split import split_rows

BALANCED = "balanced"


@dataclass(frozen=True)
class Samples:
    """Inputs x, targets y and weights (or `None`), with the samples along the first axis.

    x and y are trees of arrays: an array, or for several inputs a tuple or dict of them.
    chances: how often each sample is drawn, in proportion; `None` if all are drawn once.
    """

    x: Any
    y: Any
    weight: Any
    count: int
    chances: np.ndarray | None = None

    def as_tuple(self) -> tuple[Any, Any, Any]:
        """x, y and weights, as a step takes them."""
        return self.x, self.y, self.weight

    def rows(self, indices: np.ndarray) -> "Samples":
        """The samples at the given places."""
        chosen = [map_tree(lambda a: a[indices], part) for part in self.as_tuple()]
        chances = None if self.chances is None else self.chances[indices]
        return Samples(*chosen, count=len(indices), chances=chances)

    def first(self, number: int) -> "Samples":
        """The first samples, all if there are fewer."""
        return self.rows(np.arange(min(number, self.count)))

    def batches(self, order: np.ndarray, batch_size: int) -> Iterator["Samples"]:
        """Batches in the given order; the last one has what is left."""
        for indices in batch_slices(order, batch_size):
            yield self.rows(indices)


def inputs(x: Any) -> Samples:
    """Inputs alone: arrays, lists, tables of pandas or polars, or tuples and dicts of them.

    Raises `DataError` as `samples` does.
    """
    return _together({"x": x})


def samples(x: Any, y: Any, weight: Any = None) -> Samples:
    """Inputs and targets, and weights if they are given.

    Raises `DataError` for empty data, text or objects, and lengths that differ.
    """
    if y is None:
        raise DataError("there are no targets: y is None.")
    parts = {"x": x, "y": y}
    return _together(parts if weight is None else {**parts, "sample_weight": weight})


def with_chances(data: Samples, sampling: Any) -> Samples:
    """The samples with what `sampling=` says of each of them, if that is an array of weights.

    Raises `DataError` for weights that are no chances, `InvalidArgumentError` for other words than
    "balanced".
    """
    if sampling is None or (isinstance(sampling, str) and sampling == BALANCED):
        return data
    if isinstance(sampling, str):
        raise InvalidArgumentError(
            f'sampling= is "{BALANCED}" or a weight for each sample, not {sampling!r}.'
        )
    chances = _array("sampling", sampling)
    if chances.shape != (data.count,):
        raise DataError(
            f"sampling has shape {chances.shape}: give one weight for each of the {data.count} "
            "samples."
        )
    return replace(data, chances=_as_chances(chances))


def sampling_of(data: Samples, sampling: Any) -> Sampling | None:
    """How the training samples are drawn, when those for validation have been set aside."""
    if sampling is None:
        return None
    if data.chances is not None:
        return Sampling(_as_chances(data.chances))
    if not isinstance(data.y, np.ndarray):
        raise DataError(f'sampling="{BALANCED}" needs y to be one array of classes.')
    return balanced(data.y)


def _as_chances(chances: np.ndarray) -> np.ndarray:
    values = chances.astype(np.float64)
    if not np.all(np.isfinite(values)) or np.any(values < 0) or not np.any(values > 0):
        raise DataError("weights of sampling are finite, not negative, and not all zero.")
    return values


def _together(parts: dict[str, Any]) -> Samples:
    """Check and convert all parts, and that they have equally many samples."""
    trees = {part: _arrays(part, tree) for part, tree in parts.items()}
    lengths = {
        name: len(leaf)
        for part, tree in trees.items()
        for name, leaf in zip(names_of(part, tree), flatten(tree)[0], strict=True)
    }
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise DataError(
            f"the arrays must have equally many samples (first axis), but {told}. "
            "Several inputs or targets are given as a tuple or a dict, not as a list."
        )
    count = next(iter(lengths.values()), 0)
    if count == 0:
        raise DataError("there are no samples: x is empty.")
    weight = trees.get("sample_weight")
    _check_weight(weight)
    return Samples(trees["x"], trees.get("y"), weight, count)


def names_of(part: str, tree: Any) -> list[str]:
    """What to call each array of a part of the data."""
    return [f"{part}.{path}" if path else part for path in paths_of(tree)]


def _arrays(part: str, tree: Any) -> Any:
    if isinstance(tree, list):  # a list is data here, not a tree of several inputs
        return _array(part, tree)
    leaves, structure = flatten(tree)
    arrays = [_array(n, x) for n, x in zip(names_of(part, tree), leaves, strict=True)]
    return unflatten(structure, arrays)


def _array(name: str, leaf: Any) -> np.ndarray:
    if isinstance(leaf, np.ma.MaskedArray) and np.ma.is_masked(leaf):
        raise DataError(f"{name} has masked values; fill them first (`.filled(0)`).")
    try:
        array = np.asarray(leaf)
    except ValueError:
        raise DataError(
            f"{name} is a list of things of different lengths, which makes no array. Make them "
            "equally long; several inputs or targets are given as a tuple or a dict."
        ) from None
    if array.dtype.kind not in "biuf":
        what = type(leaf).__name__ if array.ndim == 0 else f"{array.dtype.name} values"
        raise DataError(
            f"{name} is made of {what}, not of numbers. Encode text and categories first "
            "(`gradiente train` does it for tables), or convert with `.astype(np.float32)` or "
            "`.toarray()`."
        )
    if array.ndim == 0:
        raise DataError(
            f"{name} is a single number; samples lie along the first axis of an array. (A tuple "
            "stands for several arrays: write numbers in a list.)"
        )
    return _in_pieces(array)


def _in_pieces(array: np.ndarray) -> np.ndarray:
    """The array itself if each sample lies in one piece, as overlapping windows do; else a copy."""
    native = array.dtype.newbyteorder("=")
    if array.dtype == native and len(array) and array[0].flags.c_contiguous:
        return array
    return np.ascontiguousarray(array, native)


def _check_weight(weight: Any) -> None:
    for leaf in flatten(weight)[0]:
        if not np.all(np.isfinite(leaf)) or np.any(leaf < 0) or not np.any(leaf > 0):
            raise DataError("sample weights are finite, not negative, and not all zero.")


def with_validation(data: Samples, validation: Any, seed: int) -> tuple[Samples, Samples | None]:
    """Training and validation samples from what was given as `validation`.

    That is `None`, (x, y), (x, y, sample_weight), or a fraction of the samples, which are then
    chosen at random from the seed, stratified for integer targets. Raises `DataError` for anything
    else, and for validation inputs of other shapes than the training inputs.
    """
    if validation is None:
        return data, None
    if isinstance(validation, float | np.floating):
        return _divided(data, float(validation), seed)
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        kind = type(validation).__name__
        raise DataError(
            "validation is (x, y), (x, y, sample_weight), or the fraction of the samples to set "
            "aside, a number between 0 and 1; got "
            f"{f'a {kind} of {len(validation)}' if kind in ('tuple', 'list') else f'a {kind}'}."
        )
    validated = samples(*validation)
    for part in ("x", "y"):
        if flatten(getattr(validated, part))[1] != flatten(getattr(data, part))[1]:
            raise DataError(f"the validation {part} is not made of the same arrays as {part}.")
    leaves = zip(flatten(data.x)[0], flatten(validated.x)[0], names_of("x", data.x), strict=True)
    for expected, got, name in leaves:
        if expected.shape[1:] != got.shape[1:]:
            raise DataError(
                f"the samples of the validation {name} have shape {got.shape[1:]}, those of {name} "
                f"have shape {expected.shape[1:]}."
            )
    return data, validated


def _divided(data: Samples, fraction: float, seed: int) -> tuple[Samples, Samples]:
    if not 0.0 < fraction < 1.0:
        raise DataError(f"a validation fraction lies between 0 and 1, got {fraction}.")
    single = isinstance(data.y, np.ndarray) and data.y.ndim == 1 and data.y.dtype.kind in "biu"
    classes = data.y if single else None
    parts = split_rows(data.count, validation=fraction, test=0.0, seed=seed, classes=classes)
    divided = data.rows(parts.train), data.rows(parts.validation)
    for part in divided:
        _check_weight(part.weight)
    return divided
