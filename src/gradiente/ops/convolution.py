"""The convolution of neural networks, in any number of dimensions, channels last.

Its gradients are convolutions again, so that one kernel serves the forward pass, the backward pass,
and gradients of gradients.
"""

from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError
from gradiente.base.types import ArrayType
from gradiente.ops.operation import example, operation, promote
from gradiente.ops.shape import pad, slice_
from gradiente.ops.windows import places, windows

Lengths = tuple[int, ...]


@operation(
    example((2, 5, 6, 3), (2, 3, 3, 4), strides=(1, 1), dilations=(1, 1), groups=1),
    example((2, 7, 7, 4), (3, 3, 2, 6), strides=(2, 2), dilations=(1, 1), groups=2),
    example((1, 9, 3), (3, 1, 6), strides=(2,), dilations=(2,), groups=3),
    example((1, 3, 4, 4, 2), (2, 1, 2, 2, 3), strides=(1, 2, 1), dilations=(1, 1, 2), groups=1),
)
def convolution(
    x: Any, w: Any, *, strides: Lengths, dilations: Lengths, groups: int, method: str = "auto"
) -> Any:
    """y[n, i, o] = Σₖ Σ_c x[n, i s + k d, c] w[k, c, o]

    x: (n, *lengths, c), padded already; w: (*sizes, c / groups, o) -> y: (n, *places, o). Group g
    of the outputs sees group g of the channels alone. method: "direct" for the sums as they stand;
    "auto" leaves it to the backend.
    Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016.
    """
    x, w = np.asarray(x), np.asarray(w)
    sizes = w.shape[:-2]
    seen = windows.value(x, sizes=sizes, strides=strides, dilations=dilations)
    seen = seen.reshape(*seen.shape[:-1], groups, w.shape[-2])
    each = w.reshape(*w.shape[:-1], groups, w.shape[-1] // groups)
    rank = len(sizes)
    taps = [*range(rank + 1, 2 * rank + 1)]
    parts = [
        np.tensordot(seen[..., g, :], each[..., g, :], axes=([*taps, -1], [*range(rank), -2]))
        for g in range(groups)
    ]
    return np.concatenate(parts, axis=-1)


@convolution.type
def _(
    x: ArrayType,
    w: ArrayType,
    *,
    strides: Lengths,
    dilations: Lengths,
    groups: int,
    method: str = "auto",
) -> ArrayType:
    sizes, channels = w.shape[:-2], x.shape[-1]
    if channels != w.shape[-2] * groups:
        raise ShapeError(
            f"a convolution of {channels} channels in {groups} groups needs a weight for "
            f"{channels / groups:g} channels; it has one for {w.shape[-2]} (shape {w.shape})."
        )
    if w.shape[-1] % groups:
        raise ShapeError(f"{w.shape[-1]} outputs cannot be divided into {groups} groups.")
    found = places(x.shape[1:-1], sizes, strides, dilations)
    return ArrayType((x.shape[0], *found, w.shape[-1]), promote(x, w))


@convolution.local_gradient
def _(
    m: Any,
    g: Any,
    y: Any,
    x: Any,
    w: Any,
    *,
    strides: Lengths,
    dilations: Lengths,
    groups: int,
    method: str = "auto",
) -> tuple[Any, ...]:
    how = {"groups": groups, "method": method}
    return _by_input(m, g, x, w, strides, dilations, how), _by_weight(
        m, g, x, w, strides, dilations, how
    )


def _by_input(
    m: Any, g: Any, x: Any, w: Any, strides: Lengths, dilations: Lengths, how: dict[str, Any]
) -> Any:
    """x̄ = ḡ, spread out by the strides, convolved with w turned over, inputs for outputs."""
    rank = len(strides)
    spatial = tuple(range(rank))
    before = tuple((k - 1) * d for k, d in zip(w.shape[:rank], dilations, strict=True))
    spans = [(n - 1) * s + 1 for n, s in zip(g.shape[1:-1], strides, strict=True)]
    after = tuple(n - span for n, span in zip(x.shape[1:-1], spans, strict=True))
    gaps = tuple(s - 1 for s in strides)
    spread = m.bind(pad, g, before=(0, *before, 0), after=(0, *after, 0), gaps=(0, *gaps, 0))
    return m.bind(
        convolution,
        spread,
        _turned(m, m.flip(w, axis=spatial), how["groups"]),
        strides=(1,) * rank,
        dilations=dilations,
        **how,
    )


def _turned(m: Any, w: Any, groups: int) -> Any:
    """(*sizes, c, o) -> (*sizes, o, c), within each group."""
    sizes, (inputs, outputs) = w.shape[:-2], w.shape[-2:]
    rank = len(sizes)
    grouped = m.reshape(w, (*sizes, inputs, groups, outputs // groups))
    turned = m.transpose(grouped, (*range(rank), rank + 2, rank + 1, rank))
    return m.reshape(turned, (*sizes, outputs // groups, groups * inputs))


def _by_weight(
    m: Any, g: Any, x: Any, w: Any, strides: Lengths, dilations: Lengths, how: dict[str, Any]
) -> Any:
    """w̄ = x convolved with ḡ: samples are summed over like channels, channels stand for samples."""
    rank, inputs, groups = len(strides), w.shape[-2], how["groups"]
    lengths, samples = x.shape[1:-1], x.shape[0]
    grouped = m.reshape(x, (samples, *lengths, groups, inputs))
    order = (rank + 2, *range(1, rank + 1), rank + 1, 0)
    channels = m.reshape(m.transpose(grouped, order), (inputs, *lengths, groups * samples))
    kernel = m.transpose(g, (*range(1, rank + 1), 0, rank + 1))
    product = m.bind(convolution, channels, kernel, strides=dilations, dilations=strides, **how)
    ends = (inputs, *w.shape[:rank], w.shape[-1])
    starts, steps = (0,) * (rank + 2), (1,) * (rank + 2)
    fitting = m.bind(slice_, product, starts=starts, stops=ends, steps=steps)
    return m.transpose(fitting, (*range(1, rank + 1), 0, rank + 1))
