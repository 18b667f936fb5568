"""The order in which an epoch visits the samples, and its division into batches."""

from collections.abc import Iterator

import numpy as np

from gradiente.base.errors import InvalidArgumentError
from gradiente.data.generator import generator


def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """A permutation of 0 ... count - 1 as int64, shape (count,): a function of (seed, epoch)."""
    if count < 0:
        raise InvalidArgumentError(f"a number of samples cannot be {count}.")
    return generator(seed, epoch).permutation(count).astype(np.int64, copy=False)


def batch_slices(order: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Consecutive pieces of `order` of `batch_size` entries; the last one may be shorter."""
    if batch_size < 1:
        raise InvalidArgumentError(f"a batch has 1 sample or more, not {batch_size}.")
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
