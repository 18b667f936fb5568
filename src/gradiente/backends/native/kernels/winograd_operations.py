"""Convolution by 3 × 3 as operations on tiles, in a quarter of the multiplications.

The places of y are cut into tiles of 4 × 4. What a tile sees of x, 6 × 6 places, is transformed,
and so is w; then each of 36 products of matrices, (tiles, channels) by (channels, outputs), stands
for four of the direct method; their results are transformed back. The gradient by w goes the other
way.

These are no words of the language: only this backend knows them. Their definitions in NumPy say
what the kernels compute.

A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.
"""

import math
from typing import Any

import numpy as np

from gradiente.backends.native.kernels.transforms import (
    PLACES,
    SEEN,
    TAPS,
    along_both,
    of_gradients,
    of_inputs,
    of_weights,
    to_outputs,
    to_weights,
)
from gradiente.base.types import ArrayType, Shape
from gradiente.ops.operation import Operation

PRODUCTS = SEEN * SEEN
CHUNKS = 8  # into which the sum over all tiles is divided, at most, for the gradient by w
TILES = 48  # that a chunk has, at least

Pair = tuple[int, int]


def tiles_of(shape: Shape) -> int:
    """How many tiles the places of an array (samples, rows, columns, outputs) are cut into."""
    return shape[0] * math.prod(-(-n // PLACES) for n in shape[1:3])


def chunks_of(shape: Shape) -> int:
    """How many parts the sum over the tiles has: fixed by the shape, so that all threads agree."""
    return max(min(CHUNKS, tiles_of(shape) // TILES), 1)


def _stacked(grid: Any) -> np.ndarray:
    return np.stack([np.stack(row) for row in grid])


def _seen(x: np.ndarray, before: Pair, places: Pair, size: int) -> np.ndarray:
    """(size, size, tiles, channels): what each tile sees of x, zeros around it."""
    tiles = [-(-n // PLACES) for n in places]
    room = [(0, 0), *((first, n * PLACES + size) for first, n in zip(before, tiles, strict=True))]
    wide = np.pad(x, [*room, (0, 0)])
    rows, columns = (slice(0, n * PLACES, PLACES) for n in tiles)
    grid = [[wide[:, i:, j:][:, rows, columns] for j in range(size)] for i in range(size)]
    return _stacked(grid).reshape(size, size, -1, x.shape[-1])


def _matrices(grid: Any) -> np.ndarray:
    whole = _stacked(grid)
    return whole.reshape(PRODUCTS, *whole.shape[2:])


def _convolved(x: Any, u: Any, *, before: Pair, places: Pair) -> Any:
    products = _matrices(along_both(of_inputs, _seen(x, before, places, SEEN))) @ u
    tiles = _stacked(along_both(to_outputs, products.reshape(SEEN, SEEN, *products.shape[1:])))
    rows, columns = (-(-n // PLACES) for n in places)
    apart = tiles.reshape(PLACES, PLACES, len(x), rows, columns, u.shape[-1])
    whole = apart.transpose(2, 3, 0, 4, 1, 5).reshape(len(x), rows * PLACES, columns * PLACES, -1)
    return np.ascontiguousarray(whole[:, : places[0], : places[1]])


def _summed(x: Any, g: Any, *, before: Pair) -> Any:
    places = g.shape[1:3]
    v = _matrices(along_both(of_inputs, _seen(x, before, places, SEEN)))
    d = _matrices(along_both(of_gradients, _seen(g, (0, 0), places, PLACES)))
    parts = np.zeros((chunks_of(g.shape), PRODUCTS, x.shape[-1], g.shape[-1]), g.dtype)
    parts[0] = np.swapaxes(v, 1, 2) @ d
    return parts


def _gathered(parts: Any) -> Any:
    total = parts.sum(axis=0).reshape(SEEN, SEEN, *parts.shape[2:])
    return _stacked(along_both(to_weights, total))


# (3, 3, channels, outputs) -> (36, channels, outputs)
transform = Operation(
    "winograd_weight",
    lambda w: _matrices(along_both(of_weights, w)),
    lambda w: ArrayType((PRODUCTS, *w.shape[2:]), w.dtype),
)
# x (samples, rows, columns, channels) and a transformed weight -> y (samples, *places, outputs);
# before: how many rows and columns of zeros x is to be thought of as having ahead of it.
convolve = Operation(
    "winograd_convolution",
    _convolved,
    lambda x, u, before, places: ArrayType((x.shape[0], *places, u.shape[-1]), x.dtype),
)
# x and the gradient of y -> sums over the tiles, in parts: (chunks, 36, channels, outputs)
add_up = Operation(
    "winograd_sums",
    _summed,
    lambda x, g, before: ArrayType(
        (chunks_of(g.shape), PRODUCTS, x.shape[-1], g.shape[-1]), g.dtype
    ),
)
# these parts -> the gradient of w (3, 3, channels, outputs)
gather = Operation(
    "winograd_weight_gradient",
    _gathered,
    lambda parts: ArrayType((TAPS, TAPS, *parts.shape[2:]), parts.dtype),
)
