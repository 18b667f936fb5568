"""Windows of a sequence and what follows them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.data.windows import next_token_windows


@given(st.integers(2, 40), st.data())
def test_windows_and_the_tokens_that_come_next(count, data):
    length, stride = data.draw(st.integers(1, count - 1)), data.draw(st.integers(1, 50))
    tokens = np.random.default_rng(count).integers(0, 9, count)
    x, y = next_token_windows(tokens, length, stride)
    starts = range(0, count - length, stride)
    assert x.shape == y.shape == (len(starts), length)
    for row, start in enumerate(starts):
        np.testing.assert_array_equal(x[row], tokens[start : start + length])
        np.testing.assert_array_equal(y[row], tokens[start + 1 : start + length + 1])


def test_side_by_side_every_token_but_the_first_is_predicted_once():
    tokens = np.arange(13)
    _, y = next_token_windows(tokens, 4, stride=4)
    np.testing.assert_array_equal(y.ravel(), tokens[1:])


def test_nothing_is_copied():
    tokens = np.arange(1000)
    for part in next_token_windows(tokens, 100):
        assert np.shares_memory(part, tokens)
        assert not part.flags.writeable


def test_lists_are_taken():
    x, y = next_token_windows([3, 1, 2], 2)
    assert (x.tolist(), y.tolist()) == ([[3, 1]], [[1, 2]])


@pytest.mark.parametrize(
    ("tokens", "length", "error", "says"),
    [
        (np.arange(4), 4, DataError, "need 5 tokens, got 4"),
        (np.ones(9), 4, DataError, "array of integers with one axis, got float64"),
        (np.ones((9, 2), int), 4, DataError, r"shape \(9, 2\)"),
        (np.arange(9), 0, InvalidArgumentError, "length"),
    ],
)
def test_what_has_no_windows_is_refused(tokens, length, error, says):
    with pytest.raises(error, match=says):
        next_token_windows(tokens, length)
