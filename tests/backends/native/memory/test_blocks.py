"""Blocks are zero, begin at a cache line, and outlive what they were made from."""

import gc

import numpy as np
import pytest

from gradiente.backends.native.memory.blocks import LARGE_PAGE, WORTH_LARGE_PAGES, aligned, like
from gradiente.backends.native.memory.places import ALIGNMENT


@pytest.mark.parametrize("size", [0, 1, 63, 4096, WORTH_LARGE_PAGES - 1, WORTH_LARGE_PAGES + 3])
def test_a_block_is_zero_and_aligned(size):
    block = aligned(size)
    assert block.shape == (size,)
    assert block.dtype == np.uint8
    assert not block.any()
    assert size == 0 or block.ctypes.data % ALIGNMENT == 0
    gc.collect()
    block[:] = 255  # the memory is there, and ours
    assert block.sum(dtype=np.int64) == 255 * size


def test_a_large_block_begins_at_a_large_page_where_there_are_any():
    mmap = pytest.importorskip("mmap")
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        pytest.skip("this system has no large pages on demand")
    assert aligned(WORTH_LARGE_PAGES).ctypes.data % LARGE_PAGE == 0


@pytest.mark.parametrize("shape", [(), (0, 3), (3, 5), (1200, 1300)])
def test_a_copy_has_the_values_in_row_major_order(shape):
    array = np.asfortranarray(np.random.default_rng(0).normal(size=shape))
    copy = like(array)
    assert np.array_equal(copy, array)
    assert copy.dtype == array.dtype
    assert copy.flags.c_contiguous
    assert not np.shares_memory(copy, array)
