"""The chunks of a stream as samples: for training, for measuring, and for predicting."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np

from gradiente.base.errors import DataError
from gradiente.base.trees import flatten
from gradiente.data.prefetch import prefetched
from gradiente.data.stream import Stream
from gradiente.train.inputs import Samples, inputs, names_of, samples


def first_samples(stream: Stream) -> Samples:
    """The first chunk, which says what samples are like. Raises `DataError` if there is none."""
    with closing(stream.chunks(0, 0, shuffle=False)) as chunks:  # type: ignore[type-var]
        for chunk in chunks:
            if _count(chunk):
                return samples(*chunk)
    raise DataError("the stream gave no samples: every chunk is empty, or there is none.")


def samples_of_chunks(chunks: Iterator[Any], first: Samples) -> Iterator[Samples]:
    """Every chunk that is not empty, as samples like the first ones; `DataError` for others."""
    with closing(chunks):  # type: ignore[type-var]
        for number, chunk in enumerate(chunks, start=1):
            if _count(chunk):
                piece = samples(*chunk)
                _refuse_others(piece, first, number)
                yield piece


def parts_of(stream: Stream) -> Iterator[Samples]:
    """A pass over a stream in its own order; while one part is used, the next one is read."""
    chunks = samples_of_chunks(stream.chunks(0, 0, shuffle=False), first_samples(stream))
    with closing(prefetched(chunks)) as ahead:  # type: ignore[type-var]
        yield from ahead


def input_parts(stream: Stream) -> Iterator[Samples]:
    """The same with the inputs alone: there may be no targets."""
    with closing(prefetched(_inputs_of_chunks(stream))) as ahead:  # type: ignore[type-var]
        yield from ahead


def _inputs_of_chunks(stream: Stream) -> Iterator[Samples]:
    first: Samples | None = None
    with closing(stream.inputs()) as chunks:  # type: ignore[type-var]
        for number, x in enumerate(chunks, start=1):
            if _count(x):
                piece = inputs(x)
                first = first or piece
                _refuse_others(piece, first, number)
                yield piece
    if first is None:
        raise DataError("the stream gave no samples: every chunk is empty, or there is none.")


def _count(chunk: Any) -> int:
    leaves = flatten(chunk)[0]
    return max((len(leaf) for leaf in leaves if np.ndim(leaf)), default=0)


def _refuse_others(piece: Samples, first: Samples, number: int) -> None:
    """All chunks have to fit the one program that was compiled for the first."""
    for part in ("x", "y", "weight"):
        ours, theirs = getattr(piece, part), getattr(first, part)
        if flatten(ours)[1] != flatten(theirs)[1]:
            raise DataError(f"chunk {number} does not have the {part} that the first one has.")
        names = names_of(part, ours)
        for name, leaf, other in zip(names, flatten(ours)[0], flatten(theirs)[0], strict=True):
            if leaf.shape[1:] != other.shape[1:] or leaf.dtype != other.dtype:
                raise DataError(
                    f"{name} of chunk {number} has samples of shape {leaf.shape[1:]} and type "
                    f"{leaf.dtype}, the first one of shape {other.shape[1:]} and {other.dtype}."
                )
