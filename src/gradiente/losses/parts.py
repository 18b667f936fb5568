"""Losses of several inputs: how the parts of a prediction are handed over and taken apart.

A network hands the parts over in any of three ways: as a tuple or list, as a dict by name, or as
one array that is cut into equal pieces, which is what `Sequential` gives. Which axis is cut depends
on the loss: the last one where the parts are numbers for each output, (n, parts · outputs), and the
one after the samples where they are vectors, (n, parts, features).
"""

from typing import Any

import numpy as np

from gradiente.base.batch import Array, align, is_exact
from gradiente.base.errors import ShapeError


def parts(prediction: Any, names: tuple[str, ...]) -> tuple[Array, ...]:
    """The parts of a prediction, cut along the last axis if it is one array.

    Raises `ShapeError` for another number of parts.
    """
    return _of_one_type(_cut(prediction, names, -1))


def vectors(prediction: Any, names: tuple[str, ...]) -> tuple[Array, ...]:
    """Parts of one shape (n, ..., features), cut along the second axis if it is one array.

    Raises `ShapeError` for another number of parts and for shapes that differ.
    """
    found = _of_one_type(_cut(prediction, names, 1))
    if any(part.ndim < 2 or part.shape != found[0].shape for part in found):
        shapes = ", ".join(str(part.shape) for part in found)
        raise ShapeError(
            f"{' and '.join(names)} must be arrays of one shape (n, features), not {shapes}."
        )
    return found


def aligned(parts: tuple[Array, ...], target: Array) -> tuple[Array, ...]:
    """All parts and the target in one shape and in the data type of the parts: see `align`."""
    target = target.astype(parts[0].dtype)
    found = []
    for part in parts:
        part, matched = align(part, target)
        found.append(part)
    if any(part.shape != matched.shape for part in found):
        shapes = ", ".join(str(part.shape) for part in found)
        raise ShapeError(f"the parts of a prediction must have one shape, not {shapes}.")
    return (*found, matched)


def _cut(prediction: Any, names: tuple[str, ...], axis: int) -> tuple[Array, ...]:
    listed = f"{len(names)} parts: {', '.join(names)}"
    if isinstance(prediction, dict):
        if set(prediction) != set(names):
            raise ShapeError(
                f"the prediction is a dict of {', '.join(map(str, prediction))}, but this loss "
                f"needs {listed}."
            )
        return tuple(prediction[name] for name in names)
    if isinstance(prediction, tuple | list):
        if len(prediction) != len(names):
            raise ShapeError(
                f"the prediction has {len(prediction)} parts, but this loss needs {listed}."
            )
        return tuple(prediction)
    fits = prediction.ndim >= (3 if axis == 1 else 2)
    if fits and axis == 1 and prediction.shape[1] == len(names):
        return tuple(prediction[:, i] for i in range(len(names)))
    if fits and axis == -1 and prediction.shape[-1] and prediction.shape[-1] % len(names) == 0:
        return tuple(np.split(prediction, len(names), axis=-1))
    shape = f"(n, {len(names)}, features)" if axis == 1 else f"(n, {len(names)} · outputs)"
    raise ShapeError(
        f"the prediction has shape {prediction.shape}, but this loss needs {listed}, as a tuple or "
        f"as one array of shape {shape}."
    )


def _of_one_type(found: tuple[Array, ...]) -> tuple[Array, ...]:
    """The parts in their common floating data type."""
    dtype = np.result_type(*(part.dtype for part in found))
    if is_exact(dtype):
        dtype = np.result_type(dtype, np.float32)
    return tuple(part.astype(dtype) for part in found)
