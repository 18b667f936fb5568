"""Convolution and pooling over the axes between the first, the samples, and the last, the channels.

Numbers for each axis (sizes, strides, dilations) may be given as one number for all of them.
"""

from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.base.source import current_source
from gradiente.ops import convolution as table
from gradiente.ops import windows as sliding
from gradiente.ops.shape import pad
from gradiente.trace.axes import dtype_of, shape_of
from gradiente.trace.tensor import bind, floating, function, m, same_dtype

Lengths = tuple[int, ...]
Pairs = list[tuple[int, int]]

METHODS = ("auto", "direct")


@function()
def convolution(
    x: Any,
    weight: Any,
    strides: Any = 1,
    padding: Any = "valid",
    dilations: Any = 1,
    groups: int = 1,
    method: str = "auto",
) -> Any:
    """y[n, i, o] = Σₖ Σ_c x[n, i s + k d - p, c] w[k, c, o], in any number of dimensions.

    x: (n, *lengths, c); weight: (*sizes, c / groups, o) -> (n, *places, o).
    padding: see `padding_pairs`. groups: each group of outputs sees one group of the channels.

    method: "auto" lets the native backend compute convolutions by 3 × 3 of 16 to 512 channels and
    outputs in float32 by Winograd's tiles, in a quarter of the multiplications: rounding errors
    are then about ten times larger, up to 2e-5 of the largest value, and a value that is not finite
    spreads over its tile of 4 × 4 places. "direct" adds up the products as they stand.
    """
    if method not in METHODS:
        raise InvalidArgumentError(
            f"`method` is {method!r}; it can be {' or '.join(map(repr, METHODS))}."
            + current_source().explain()
        )
    x, weight = same_dtype(floating(x), floating(weight))
    rank = _rank(x, weight)
    sizes = shape_of(weight)[:rank]
    steps, gaps = per_axis("strides", strides, rank), per_axis("dilations", dilations, rank)
    pairs = padding_pairs(padding, shape_of(x)[1:-1], sizes, steps, gaps)
    return bind(
        table.convolution,
        padded(x, pairs),
        weight,
        strides=steps,
        dilations=gaps,
        groups=groups,
        method=method,
    )


@function()
def transposed_convolution(
    x: Any,
    weight: Any,
    strides: Any = 1,
    padding: Any = "valid",
    dilations: Any = 1,
    groups: int = 1,
    output_padding: Any = 0,
) -> Any:
    """The gradient of a convolution by its input, as a function: x spread out, then convolved.

    x: (n, *places, c); weight: (*sizes, c / groups, o) -> (n, *lengths, o), where along each axis
    length = (places - 1) s + (k - 1) d + 1 - p + output_padding; with padding="same", places · s.
    """
    x, weight = same_dtype(floating(x), floating(weight))
    rank = _rank(x, weight)
    steps, gaps = per_axis("strides", strides, rank), per_axis("dilations", dilations, rank)
    sizes, more = shape_of(weight)[:rank], per_axis("output_padding", output_padding, rank, least=0)
    spans = [(k - 1) * d for k, d in zip(sizes, gaps, strict=True)]
    if padding == "same":
        totals = [max(span + 1 - s, 0) for span, s in zip(spans, steps, strict=True)]
        pairs = [(total // 2, total - total // 2) for total in totals]
        more = tuple(max(s - span - 1, 0) for span, s in zip(spans, steps, strict=True))
    else:
        pairs = padding_pairs(padding, shape_of(x)[1:-1], sizes, steps, gaps)
    before = [span - first for span, (first, _) in zip(spans, pairs, strict=True)]
    after = [span - last + add for span, (_, last), add in zip(spans, pairs, more, strict=True)]
    spread = _spread(x, before, after, steps)
    turned = m.flip(weight, axis=tuple(range(rank)))
    ones = (1,) * rank
    return bind(table.convolution, spread, turned, strides=ones, dilations=gaps, groups=groups)


def _spread(x: Any, before: list[int], after: list[int], steps: Lengths) -> Any:
    """x with zeros between its elements and around them; negative amounts are cut off."""
    zeros = {
        "before": (0, *(max(n, 0) for n in before), 0),
        "after": (0, *(max(n, 0) for n in after), 0),
        "gaps": (0, *(step - 1 for step in steps), 0),
    }
    x = bind(pad, x, **zeros)
    cut = [
        slice(max(-first, 0), length - max(-last, 0))
        for first, last, length in zip(before, after, shape_of(x)[1:-1], strict=True)
    ]
    whole = all(n >= 0 for n in (*before, *after))
    return x if whole else x[(slice(None), *cut)]


@function()
def max_pool(x: Any, sizes: Any, strides: Any = None, padding: Any = "valid") -> Any:
    """The largest element of each window; windows lie side by side by default.

    x: (n, *lengths, c) -> (n, *places, c). Padding never wins. Elements that tie share the
    gradient.
    """
    x = floating(x)
    seen, axes = _seen(x, sizes, strides, padding, fill=-np.inf)
    return m.max(seen, axis=axes)


@function()
def average_pool(
    x: Any, sizes: Any, strides: Any = None, padding: Any = "valid", count_padding: bool = False
) -> Any:
    """The mean of each window; windows lie side by side by default.

    x: (n, *lengths, c) -> (n, *places, c). count_padding: whether padding counts as zeros; by
    default the mean is over the elements that are there.
    """
    x = floating(x)
    total, axes = _seen(x, sizes, strides, padding)
    if padding == "valid" or count_padding:
        return m.mean(total, axis=axes)
    there = np.ones((1, *shape_of(x)[1:-1], 1), dtype_of(x))
    counts, _ = _seen(there, sizes, strides, padding)
    return m.sum(total, axis=axes) / np.sum(counts, axis=axes)


@function()
def sliding_windows(
    x: Any, sizes: Any, strides: Any = 1, padding: Any = "valid", dilations: Any = 1
) -> Any:
    """y[n, i, k, c] = x[n, i s + k d - p, c]: every window as axes of its own; nothing is copied.

    x: (n, *lengths, c) -> (n, *places, *sizes, c).
    """
    return _windows(x, sizes, strides, padding, dilations, 0)


def _seen(
    x: Any, sizes: Any, strides: Any, padding: Any, fill: float = 0.0
) -> tuple[Any, tuple[int, ...]]:
    """The windows of x, and the axes of the elements of a window."""
    rank = len(shape_of(x)) - 2
    strides = sizes if strides is None else strides
    return _windows(x, sizes, strides, padding, 1, fill), tuple(range(rank + 1, 2 * rank + 1))


def _windows(x: Any, sizes: Any, strides: Any, padding: Any, dilations: Any, fill: float) -> Any:
    rank = len(shape_of(x)) - 2
    if rank < 1:
        raise ShapeError(
            f"windows slide over the axes between samples and channels; {list(shape_of(x))} has "
            "none there." + current_source().explain()
        )
    sizes = per_axis("sizes", sizes, rank)
    steps, gaps = per_axis("strides", strides, rank), per_axis("dilations", dilations, rank)
    pairs = padding_pairs(padding, shape_of(x)[1:-1], sizes, steps, gaps)
    return bind(sliding.windows, padded(x, pairs, fill), sizes=sizes, strides=steps, dilations=gaps)


def padded(x: Any, pairs: Pairs, fill: float = 0.0) -> Any:
    """x with elements added before and after, along the axes between samples and channels."""
    if not any(any(pair) for pair in pairs):
        return x
    return m.pad(x, [(0, 0), *pairs, (0, 0)], constant_values=fill)


def per_axis(name: str, given: Any, rank: int, least: int = 1) -> Lengths:
    """A number for each axis, or one for all of them, as a tuple.

    Raises `InvalidArgumentError` for other counts, and for numbers below the least.
    """
    numbers = tuple(given) if isinstance(given, tuple | list) else (given,) * rank
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in numbers)
    if not whole or len(numbers) != rank or min(numbers, default=least) < least:
        raise InvalidArgumentError(
            f"`{name}` is {given!r}: it must be a whole number, {least} or more, or {rank} of them."
            + current_source().explain()
        )
    return tuple(int(n) for n in numbers)


def padding_pairs(
    padding: Any, lengths: Lengths, sizes: Lengths, strides: Lengths, dilations: Lengths
) -> Pairs:
    """How much is added before and after each axis.

    "valid": nothing. "same": so that there are ⌈length / stride⌉ places, the odd element after, as
    Keras. A number: at both ends of all axes; a list: for each axis a number or a pair.
    Raises `InvalidArgumentError` for anything else.
    """
    rank = len(sizes)
    if padding == "valid":
        return [(0, 0)] * rank
    if padding == "same":
        totals = [
            max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            for n, k, s, d in zip(lengths, sizes, strides, dilations, strict=True)
        ]
        return [(total // 2, total - total // 2) for total in totals]
    listed = list(padding) if isinstance(padding, tuple | list) else [padding] * rank
    pairs = [tuple(p) if isinstance(p, tuple | list) else (p, p) for p in listed]
    fits = len(pairs) == rank and all(
        len(pair) == 2 and all(isinstance(n, int | np.integer) and n >= 0 for n in pair)
        for pair in pairs
    )
    if not fits or isinstance(padding, bool):
        raise InvalidArgumentError(
            f"`padding` is {padding!r}: it must be 'valid', 'same', a whole number, or a list with "
            f"a number or a pair (before, after) for each of {rank} axes."
            + current_source().explain()
        )
    return [(int(before), int(after)) for before, after in pairs]


def _rank(x: Any, weight: Any) -> int:
    """How many axes are convolved."""
    rank = len(shape_of(x)) - 2
    if rank < 1 or len(shape_of(weight)) != rank + 2:
        raise ShapeError(
            "a convolution takes x of shape (samples, *lengths, channels) and a weight of shape "
            f"(*sizes, channels, outputs); got {list(shape_of(x))} and {list(shape_of(weight))}."
            + current_source().explain()
        )
    return rank
