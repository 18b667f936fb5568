"""Blocks of memory for native code: they begin at a cache line; large ones lie on large pages."""

import mmap

import numpy as np

from gradiente.backends.native.memory.places import ALIGNMENT

LARGE_PAGE = 2 * 2**20  # bytes
WORTH_LARGE_PAGES = 2 * LARGE_PAGE


def aligned(size: int) -> np.ndarray:
    """Zeroed bytes."""
    if size >= WORTH_LARGE_PAGES and hasattr(mmap, "MADV_HUGEPAGE"):
        return _on_large_pages(size)
    block = np.zeros(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size]


def _on_large_pages(size: int) -> np.ndarray:
    """Fewer pages to look up: a column of a large matrix touches one for each of its rows."""
    memory = mmap.mmap(-1, size + LARGE_PAGE)
    memory.madvise(mmap.MADV_HUGEPAGE)
    block = np.frombuffer(memory, np.uint8)  # keeps the memory alive
    start = -block.ctypes.data % LARGE_PAGE
    return block[start : start + size]


def like(array: np.ndarray) -> np.ndarray:
    """A copy of an array in such a block, in row-major order."""
    block = aligned(array.nbytes)
    copy = np.ndarray(array.shape, array.dtype, buffer=block)
    copy[...] = array
    return copy
