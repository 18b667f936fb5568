"""The order of an epoch and its batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradiente.base.errors import InvalidArgumentError
from gradiente.data.batches import batch_slices, epoch_order


@given(st.integers(0, 200), st.integers(0, 2**64 - 1), st.integers(0, 10**6))
def test_an_order_is_a_permutation_and_a_function_of_its_key(count, seed, epoch):
    order = epoch_order(count, seed, epoch)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(count))
    assert np.array_equal(order, epoch_order(count, seed, epoch))


def test_epochs_and_seeds_differ():
    orders = {tuple(epoch_order(50, seed, epoch)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


def test_the_order_is_the_same_for_ever():
    assert epoch_order(8, seed=0, epoch=0).tolist() == [5, 0, 6, 1, 7, 2, 4, 3]


@given(st.integers(0, 50), st.integers(1, 60))
def test_batches_are_the_order_cut_into_pieces(count, size):
    order = epoch_order(count, 0, 0)
    batches = list(batch_slices(order, size))
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert np.array_equal(np.concatenate([*batches, order[:0]]), order)
    assert all(len(batch) for batch in batches)


def test_sizes_that_make_no_sense():
    with pytest.raises(InvalidArgumentError, match="1 sample or more, not 0"):
        list(batch_slices(np.arange(3), 0))
    with pytest.raises(InvalidArgumentError, match="cannot be -1"):
        epoch_order(-1, 0, 0)
