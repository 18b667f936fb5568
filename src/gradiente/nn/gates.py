"""Activations whose output is narrower than their input: gated linear units and maxout.

A gated unit halves an axis: a is the first half, b the second, which is the gate, as in PyTorch's
GLU. Put it after a layer of twice the units: `nn.Sequential(nn.Dense(2 * 64), nn.swiglu)`.
"""

from typing import Any

from gradiente.base.arguments import check_count
from gradiente.base.errors import ShapeError
from gradiente.base.source import current_source
from gradiente.nn.activations import declare
from gradiente.trace.axes import one_axis, shape_of
from gradiente.trace.functions import m


@declare
def glu(x: Any, axis: int = -1) -> Any:
    """y = a · σ(b), where a and b are the halves of an axis. Dauphin et al., ICML 2017.

    Raises `ShapeError` if the length of the axis is odd.
    """
    a, b = _halves("glu", x, axis)
    return a * m.sigmoid(b)


@declare
def swiglu(x: Any, axis: int = -1) -> Any:
    """y = a · silu(b), where a and b are the halves of an axis.

    Shazeer, "GLU variants improve transformer", 2020. Raises `ShapeError` if the length of the
    axis is odd.
    """
    a, b = _halves("swiglu", x, axis)
    return a * m.silu(b)


@declare
def geglu(x: Any, axis: int = -1) -> Any:
    """y = a · gelu(b), where a and b are the halves of an axis.

    Shazeer, "GLU variants improve transformer", 2020. Raises `ShapeError` if the length of the
    axis is odd.
    """
    a, b = _halves("geglu", x, axis)
    return a * m.gelu(b)


@declare
def reglu(x: Any, axis: int = -1) -> Any:
    """y = a · max(b, 0), where a and b are the halves of an axis.

    Shazeer, "GLU variants improve transformer", 2020. Raises `ShapeError` if the length of the
    axis is odd.
    """
    a, b = _halves("reglu", x, axis)
    return a * m.relu(b)


@declare
def maxout(x: Any, pieces: int = 2) -> Any:
    """y = max(x₁, …, xₙ) of every n = `pieces` consecutive elements of the last axis.

    Elements that tie share the gradient. Raises `ShapeError` unless the length of the axis is a
    multiple of `pieces`. Goodfellow et al., ICML 2013.
    """
    pieces = check_count("pieces", pieces, at_least=1)
    shape = shape_of(x)
    if not shape or shape[-1] % pieces:
        raise ShapeError(
            f"maxout takes the largest of {pieces} elements of the last axis, which its input of "
            f"shape {shape} cannot be divided into." + current_source().explain()
        )
    return m.max(m.reshape(x, (*shape[:-1], shape[-1] // pieces, pieces)), axis=-1)


def _halves(name: str, x: Any, axis: int) -> Any:
    shape = shape_of(x)
    if shape[one_axis(axis, len(shape))] % 2:
        raise ShapeError(
            f"{name} halves an axis, so its length must be even; axis {axis} of its input of shape "
            f"{shape} is not. Give the layer before it twice the units."
            + current_source().explain()
        )
    return m.split(x, 2, axis=axis)
