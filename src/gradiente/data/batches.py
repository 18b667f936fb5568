"""The order in which an epoch visits the samples, and its division into batches."""

from collections.abc import Iterator
from threading import Thread

import numpy as np

from gradiente.base.errors import InvalidArgumentError
from gradiente.data.generator import generator

WORTH_A_THREAD = 10_000  # samples: below, an order takes no longer than starting a thread


def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """A permutation of 0 ... count - 1 as int64, shape (count,): a function of (seed, epoch)."""
    if count < 0:
        raise InvalidArgumentError(f"a number of samples cannot be {count}.")
    return generator(seed, epoch).permutation(count).astype(np.int64, copy=False)


class EpochOrders:
    """The orders of the epochs, each computed in another thread while the epoch before it runs."""

    def __init__(self, count: int, seed: int):
        self.count, self.seed = count, seed
        self._next: int | None = None
        self._thread: Thread | None = None
        self._order: np.ndarray | None = None

    def of(self, epoch: int) -> np.ndarray:
        """`epoch_order` of an epoch."""
        order = self._waiting(epoch)
        if order is None:
            order = epoch_order(self.count, self.seed, epoch)
        if self.count >= WORTH_A_THREAD:
            self._next = epoch + 1
            self._thread = Thread(target=self._compute, daemon=True)
            self._thread.start()
        return order

    def _waiting(self, epoch: int) -> np.ndarray | None:
        """What was computed ahead, if it is for this epoch."""
        if self._thread is None:
            return None
        self._thread.join()
        self._thread = None
        return self._order if self._next == epoch else None

    def _compute(self) -> None:
        assert self._next is not None
        self._order = None
        self._order = epoch_order(self.count, self.seed, self._next)


def batch_slices(order: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Consecutive pieces of `order` of `batch_size` entries; the last one may be shorter."""
    if batch_size < 1:
        raise InvalidArgumentError(f"a batch has 1 sample or more, not {batch_size}.")
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
