"""Random numbers are the reference's, wherever they lie and for however many keys."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.ops.random import fold_in, random_bits
from gradiente.trace.functions import bind

KEYS = np.arange(10, dtype=np.uint32).reshape(5, 2)


@pytest.mark.parametrize("shape", [(8, 128), (3, 4, 128), (2, 256)])
def test_rows_that_others_would_move_apart_in_memory(shape):
    """A running sum along the first axis reads the numbers from memory, row by row."""

    def function(key):
        return gd.cumsum(gd.random.bits(key, shape), axis=0) + 1

    key = gd.random.key(3)
    np.testing.assert_array_equal(gd.compile(function)(key), function(key))


@pytest.mark.parametrize("shape", [(), (1,), (7, 3), (4, 2), (2, 128)])
def test_each_of_several_keys_gives_what_it_gives_by_itself(shape):
    expected = np.stack([gd.random.bits(key, shape) for key in KEYS])
    for run in (lambda f: f, gd.compile):
        got = run(lambda keys: bind(random_bits, keys, shape=shape))(KEYS)
        np.testing.assert_array_equal(got, expected, strict=True)


def test_each_of_several_keys_is_folded_with_its_own_number():
    numbers = np.array([0, 3, -1, 3, 2**40])
    pairs = zip(KEYS, numbers, strict=True)
    expected = np.stack([gd.random.fold_in(key, number) for key, number in pairs])
    for run in (lambda f: f, gd.compile):
        got = run(lambda keys, numbers: bind(fold_in, keys, numbers))(KEYS, numbers)
        np.testing.assert_array_equal(got, expected, strict=True)
