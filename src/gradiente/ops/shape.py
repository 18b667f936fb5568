"""Operations that move elements without changing them.

Parameters are normalised: axes are non-negative, shapes complete, slices have positive steps.
"""

from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError
from gradiente.base.types import ArrayType, Shape
from gradiente.ops.operation import broadcast_shapes, example, operation, promote

Axes = tuple[int, ...]


@operation(example((3, 4), shape=(2, 6)), example((), shape=(1, 1)), example((0, 3), shape=(3, 0)))
def reshape(x: Any, *, shape: Shape) -> Any:
    """The same elements, in row-major order, under another shape."""
    return np.reshape(x, shape)


@reshape.type
def _(x: ArrayType, *, shape: Shape) -> ArrayType:
    result = ArrayType(shape, x.dtype)
    if result.size != x.size:
        raise ShapeError(
            f"an array of shape {x.shape} has {x.size} elements; "
            f"it cannot be reshaped to {shape}, which has {result.size}."
        )
    return result


@reshape.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, *, shape: Shape) -> tuple[Any, ...]:
    return (m.reshape(g, x.shape),)


@operation(example((2, 3, 4), axes=(2, 0, 1)), example((3, 4), axes=(1, 0)))
def transpose(x: Any, *, axes: Axes) -> Any:
    """Axis i of the value is axis axes[i] of x; the gradient goes back the same way."""
    return np.transpose(x, axes)


@transpose.type
def _(x: ArrayType, *, axes: Axes) -> ArrayType:
    if sorted(axes) != list(range(x.ndim)):
        raise ShapeError(f"axes {axes} do not name each axis of shape {x.shape} once.")
    return ArrayType(tuple(x.shape[axis] for axis in axes), x.dtype)


@transpose.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, *, axes: Axes) -> tuple[Any, ...]:
    return (m.transpose(g, tuple(int(axis) for axis in np.argsort(axes))),)


@operation(example((3, 1), shape=(2, 3, 4)), example((), shape=(2,)), example((1,), shape=(0,)))
def broadcast_to(x: Any, *, shape: Shape) -> Any:
    """Repeat along new axes and axes of length 1; the gradient is summed over them."""
    return np.broadcast_to(x, shape)


@broadcast_to.type
def _(x: ArrayType, *, shape: Shape) -> ArrayType:
    try:
        fits = broadcast_shapes(x.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"shape {x.shape} cannot be broadcast to {shape}.")
    return ArrayType(shape, x.dtype)


@broadcast_to.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, *, shape: Shape) -> tuple[Any, ...]:
    return (m.sum_to(g, x.shape),)


@operation(
    example((5, 6), starts=(1, 0), stops=(5, 6), steps=(2, 3)),
    example((4,), starts=(2,), stops=(2,), steps=(1,)),
)
def slice_(x: Any, *, starts: Axes, stops: Axes, steps: Axes) -> Any:
    """x[start:stop:step, ...]               x̄ = ḡ put back among zeros"""
    return x[tuple(map(slice, starts, stops, steps))]


@slice_.type
def _(x: ArrayType, *, starts: Axes, stops: Axes, steps: Axes) -> ArrayType:
    lengths = tuple(len(range(*limits)) for limits in zip(starts, stops, steps, strict=True))
    return ArrayType(lengths, x.dtype)


@slice_.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, *, starts: Axes, stops: Axes, steps: Axes) -> tuple[Any, ...]:
    gaps = tuple(step - 1 for step in steps)
    spans = [n + max(n - 1, 0) * gap for n, gap in zip(y.shape, gaps, strict=True)]
    after = tuple(n - start - span for n, start, span in zip(x.shape, starts, spans, strict=True))
    return (m.bind(pad, g, before=starts, after=after, gaps=gaps),)


@operation(
    example((2, 3), before=(1, 0), after=(0, 2), gaps=(0, 0)),
    example((3, 2), before=(0, 1), after=(1, 0), gaps=(1, 2)),
    example((0, 2), before=(2, 0), after=(0, 0), gaps=(1, 0)),
)
def pad(x: Any, *, before: Axes, after: Axes, gaps: Axes) -> Any:
    """Zeros before, after and between the elements; the gradient is the slice that undoes it."""
    spans = [n + max(n - 1, 0) * gap for n, gap in zip(np.shape(x), gaps, strict=True)]
    shape = [b + n + a for b, n, a in zip(before, spans, after, strict=True)]
    padded = np.zeros(shape, np.asarray(x).dtype)
    inside = zip(before, spans, gaps, strict=True)
    padded[tuple(slice(b, b + span, gap + 1) for b, span, gap in inside)] = x
    return padded


@pad.type
def _(x: ArrayType, *, before: Axes, after: Axes, gaps: Axes) -> ArrayType:
    spans = [n + max(n - 1, 0) * gap for n, gap in zip(x.shape, gaps, strict=True)]
    shape = tuple(b + n + a for b, n, a in zip(before, spans, after, strict=True))
    return ArrayType(shape, x.dtype)


@pad.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, *, before: Axes, after: Axes, gaps: Axes) -> tuple[Any, ...]:
    stops = tuple(n - a for n, a in zip(y.shape, after, strict=True))
    return (m.bind(slice_, g, starts=before, stops=stops, steps=tuple(gap + 1 for gap in gaps)),)


@operation(example((3, 4), axes=(1,)), example((2, 3), axes=(0, 1)))
def flip(x: Any, *, axes: Axes) -> Any:
    """Reverse the order along axes; the gradient is flipped back."""
    return np.flip(x, axes)


@flip.type
def _(x: ArrayType, *, axes: Axes) -> ArrayType:
    return x


@flip.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, *, axes: Axes) -> tuple[Any, ...]:
    return (m.flip(g, axis=axes),)


@operation(example((2, 3), (1, 3), axis=0), example((2, 1), (2, 0), (2, 2), axis=1))
def concatenate(*arrays: Any, axis: int) -> Any:
    """Join along an axis; the gradient is split at the joints."""
    return np.concatenate(arrays, axis=axis)


@concatenate.type
def _(*types: ArrayType, axis: int) -> ArrayType:
    frames = {item.shape[:axis] + item.shape[axis + 1 :] for item in types}
    if len(frames) > 1:
        shapes = ", ".join(str(list(item.shape)) for item in types)
        raise ShapeError(f"`concatenate` along axis {axis}: the other axes of {shapes} differ.")
    total = sum(item.shape[axis] for item in types)
    first = types[0].shape
    return ArrayType((*first[:axis], total, *first[axis + 1 :]), promote(*types))


@concatenate.local_gradient
def _(m: Any, g: Any, y: Any, *arrays: Any, axis: int) -> tuple[Any, ...]:
    joints = np.cumsum([array.shape[axis] for array in arrays])[:-1]
    return tuple(m.split(g, [int(joint) for joint in joints], axis=axis))
