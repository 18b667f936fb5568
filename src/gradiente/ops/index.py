"""Operations that choose elements by integer arrays, and those that put them back.

Choosing and putting back are each other's local gradients. Indices are in range and non-negative by
the time they arrive here; an element chosen several times receives the sum of its gradients.
"""

from typing import Any

import numpy as np

from gradiente.base.errors import IndexRangeError, ShapeError
from gradiente.base.types import ArrayType
from gradiente.ops.operation import example, operation


def _check_range(indices: Any, length: int) -> None:
    array = np.asarray(indices)
    if array.size and (array.min() < 0 or array.max() >= length):
        wrong = array[(array < 0) | (array >= length)].flat[0]
        raise IndexRangeError(f"index {wrong} is out of range for an axis of length {length}.")


@operation(example((5, 3), [[0, 2], [2, 4]], axis=0), example((2, 4), [3, 0, 0], axis=1))
def take(x: Any, indices: Any, *, axis: int) -> Any:
    """y = x[…, indices, …]                  x̄ = ḡ added up at the indices"""
    _check_range(indices, np.shape(x)[axis])
    return np.take(x, indices, axis=axis)


@take.type
def _(x: ArrayType, indices: ArrayType, *, axis: int) -> ArrayType:
    return ArrayType(x.shape[:axis] + indices.shape + x.shape[axis + 1 :], x.dtype)


@take.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, indices: Any, *, axis: int) -> tuple[Any, ...]:
    return m.bind(take_transpose, g, indices, axis=axis, length=x.shape[axis]), None


@operation(
    example((2, 2, 3), [[0, 2], [2, 4]], axis=0, length=5),
    example((2, 3), [3, 0, 0], axis=1, length=4),
)
def take_transpose(g: Any, indices: Any, *, axis: int, length: int) -> Any:
    """Zeros, with g added at the indices along an axis; the gradient takes them out again."""
    _check_range(indices, length)
    shape, index = np.shape(g), np.asarray(indices)
    result = np.zeros((length, *shape[:axis], *shape[axis + index.ndim :]), np.asarray(g).dtype)
    moved = np.moveaxis(g, range(axis, axis + index.ndim), range(index.ndim))
    np.add.at(result, index, moved)
    return np.moveaxis(result, 0, axis)


@take_transpose.type
def _(g: ArrayType, indices: ArrayType, *, axis: int, length: int) -> ArrayType:
    return ArrayType((*g.shape[:axis], length, *g.shape[axis + indices.ndim :]), g.dtype)


@take_transpose.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, indices: Any, *, axis: int, length: int) -> tuple[Any, ...]:
    return m.bind(take, g, indices, axis=axis), None


@operation(
    example((3, 4), [[0], [3], [1]], axis=1),
    example((3, 2), [[0, 1], [0, 2], [2, 2], [1, 0]], axis=0),
)
def take_along_axis(x: Any, indices: Any, *, axis: int) -> Any:
    """yₖ = x[indicesₖ] along an axis        x̄ = ḡ added up at the indices"""
    _check_range(indices, np.shape(x)[axis])
    return np.take_along_axis(x, indices, axis=axis)


def _same_frame(name: str, x: ArrayType, indices: ArrayType, axis: int) -> None:
    ours = (*x.shape[:axis], *x.shape[axis + 1 :])
    theirs = (*indices.shape[:axis], *indices.shape[axis + 1 :])
    if ours != theirs:
        raise ShapeError(
            f"`{name}` along axis {axis}: the other axes of {x.shape} and of the indices "
            f"{indices.shape} must be equal."
        )


@take_along_axis.type
def _(x: ArrayType, indices: ArrayType, *, axis: int) -> ArrayType:
    _same_frame("take_along_axis", x, indices, axis)
    return ArrayType(indices.shape, x.dtype)


@take_along_axis.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, indices: Any, *, axis: int) -> tuple[Any, ...]:
    return m.bind(put_along_axis, g, indices, axis=axis, length=x.shape[axis]), None


@operation(
    example((3, 1), [[0], [3], [1]], axis=1, length=4),
    example((4, 2), [[0, 1], [0, 2], [2, 2], [1, 0]], axis=0, length=3),
)
def put_along_axis(g: Any, indices: Any, *, axis: int, length: int) -> Any:
    """Zeros, with gₖ added at indicesₖ along an axis; the gradient takes them out again."""
    _check_range(indices, length)
    shape = list(np.shape(g))
    grid = list(np.indices(shape, sparse=True))
    grid[axis] = np.asarray(indices)
    shape[axis] = length
    result = np.zeros(shape, np.asarray(g).dtype)
    np.add.at(result, tuple(grid), g)
    return result


@put_along_axis.type
def _(g: ArrayType, indices: ArrayType, *, axis: int, length: int) -> ArrayType:
    return ArrayType((*g.shape[:axis], length, *g.shape[axis + 1 :]), g.dtype)


@put_along_axis.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, indices: Any, *, axis: int, length: int) -> tuple[Any, ...]:
    return m.bind(take_along_axis, g, indices, axis=axis), None


@operation(example((3, 4), axis=1), example((5,), axis=0), example([[2, 1, 2]], axis=1))
def argsort(x: Any, *, axis: int) -> Any:
    """The order that sorts x along an axis, smallest first, equal elements in their own order."""
    return np.argsort(x, axis=axis, stable=True)


@argsort.type
def _(x: ArrayType, *, axis: int) -> ArrayType:
    return ArrayType(x.shape, np.dtype(np.intp))
