"""Windows that slide over an array: every place a small box fits, as axes of their own."""

from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError
from gradiente.base.types import ArrayType, Shape
from gradiente.ops.operation import example, operation

Lengths = tuple[int, ...]


def places(lengths: Lengths, sizes: Lengths, strides: Lengths, dilations: Lengths) -> Lengths:
    """How often a window fits along each axis: ⌊(n - (k - 1) d - 1) / s⌋ + 1.

    Raises `ShapeError` where it does not fit at all.
    """
    spans = [(size - 1) * dilation + 1 for size, dilation in zip(sizes, dilations, strict=True)]
    for length, span in zip(lengths, spans, strict=True):
        if span > length:
            raise ShapeError(
                f"a window of {_times(spans)} elements does not fit into {_times(lengths)}; "
                "use a smaller one, or padding."
            )
    return tuple(
        (length - span) // stride + 1
        for length, span, stride in zip(lengths, spans, strides, strict=True)
    )


def _times(lengths: Any) -> str:
    return "×".join(map(str, lengths))


@operation(
    example((2, 5, 6, 3), sizes=(2, 3), strides=(1, 1), dilations=(1, 1)),
    example((1, 7, 2), sizes=(3,), strides=(2,), dilations=(2,)),
    example((2, 6, 4, 1), sizes=(2, 2), strides=(2, 2), dilations=(1, 1)),
)
def windows(x: Any, *, sizes: Lengths, strides: Lengths, dilations: Lengths) -> Any:
    """y[n, i, k, c] = x[n, i s + k d, c]    x̄ = the windows of ḡ added up where they overlap

    x: (n, *lengths, c) -> y: (n, *places, *sizes, c)
    """
    spans = [(size - 1) * dilation + 1 for size, dilation in zip(sizes, dilations, strict=True)]
    axes = tuple(range(1, len(sizes) + 1))
    every = np.lib.stride_tricks.sliding_window_view(x, spans, axes)
    moved = tuple(slice(None, None, stride) for stride in strides)
    inside = tuple(slice(None, None, dilation) for dilation in dilations)
    chosen = every[(slice(None), *moved, slice(None), *inside)]
    return np.moveaxis(chosen, len(sizes) + 1, -1)


@windows.type
def _(x: ArrayType, *, sizes: Lengths, strides: Lengths, dilations: Lengths) -> ArrayType:
    found = places(x.shape[1:-1], sizes, strides, dilations)
    return ArrayType((x.shape[0], *found, *sizes, x.shape[-1]), x.dtype)


@windows.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, **params: Any) -> tuple[Any, ...]:
    return (m.bind(add_windows, g, lengths=tuple(x.shape[1:-1]), **params),)


@operation(
    example((2, 4, 4, 2, 3, 3), lengths=(5, 6), sizes=(2, 3), strides=(1, 1), dilations=(1, 1)),
    example((1, 2, 3, 2), lengths=(7,), sizes=(3,), strides=(2,), dilations=(2,)),
    example((2, 3, 2, 2, 2, 1), lengths=(7, 4), sizes=(2, 2), strides=(2, 2), dilations=(1, 1)),
)
def add_windows(
    y: Any, *, lengths: Lengths, sizes: Lengths, strides: Lengths, dilations: Lengths
) -> Any:
    """x[n, j, c] = Σ y[n, i, k, c] where i s + k d = j          ȳ = the windows of x̄

    y: (n, *places, *sizes, c) -> x: (n, *lengths, c)
    """
    y = np.asarray(y)
    ndim = len(sizes)
    total = np.zeros((y.shape[0], *lengths, y.shape[-1]), y.dtype)
    for tap in np.ndindex(*sizes):
        inside = tuple(
            slice(k * d, k * d + (n - 1) * s + 1, s)
            for k, d, s, n in zip(tap, dilations, strides, y.shape[1 : ndim + 1], strict=True)
        )
        total[(slice(None), *inside)] += y[(*(slice(None),) * (ndim + 1), *tap)]
    return total


@add_windows.type
def _(
    y: ArrayType, *, lengths: Lengths, sizes: Lengths, strides: Lengths, dilations: Lengths
) -> ArrayType:
    expected: Shape = (*places(lengths, sizes, strides, dilations), *sizes)
    if y.shape[1:-1] != expected:
        raise ShapeError(f"{y.shape} are not the windows of an array of lengths {lengths}.")
    return ArrayType((y.shape[0], *lengths, y.shape[-1]), y.dtype)


@add_windows.local_gradient
def _(m: Any, g: Any, x: Any, y: Any, *, lengths: Lengths, **params: Any) -> tuple[Any, ...]:
    return (m.bind(windows, g, **params),)
