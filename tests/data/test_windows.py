"""Windows of a sequence and what follows them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.data.windows import next_token_windows, series_windows


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


@given(st.integers(3, 40), st.data())
def test_windows_of_a_series_and_what_follows(count, data):
    length = data.draw(st.integers(1, count - 2))
    horizon = data.draw(st.integers(1, count - length))
    stride = data.draw(st.integers(1, 9))
    series = np.random.default_rng(count).normal(size=(count, 3))
    x, y = series_windows(series, length, horizon, stride=stride)
    _, one = series_windows(series, length, horizon, stride=stride, targets=1)
    _, two = series_windows(series, length, horizon, stride=stride, targets=[2, 0])
    starts = range(0, count - length - horizon + 1, stride)
    assert x.shape == (len(starts), length, 3) and y.shape == (len(starts), horizon, 3)
    for row, start in enumerate(starts):
        following = series[start + length : start + length + horizon]
        np.testing.assert_array_equal(x[row], series[start : start + length])
        np.testing.assert_array_equal(y[row], following)
        np.testing.assert_array_equal(one[row], following[:, 1])
        np.testing.assert_array_equal(two[row], following[:, [2, 0]])


def test_a_series_of_one_axis():
    series = np.arange(6.0)
    x, y = series_windows(series, 3, 2)
    assert x.tolist() == [[[0], [1], [2]], [[1], [2], [3]]]
    assert y.tolist() == [[3, 4], [4, 5]]
    for part in (x, y):
        assert np.shares_memory(part, series) and not part.flags.writeable
        assert part[0].flags.c_contiguous  # so that training does not copy it either


@pytest.mark.parametrize(
    ("series", "options", "error", "says"),
    [
        (np.zeros(4), {}, DataError, "need 5 steps, got 4"),
        (np.zeros((9, 2, 2)), {}, DataError, "a series is an array of numbers"),
        (np.array(["a"] * 9), {}, DataError, "a series is an array of numbers"),
        (np.zeros(9), {"horizon": 0}, InvalidArgumentError, "horizon"),
        (np.zeros((9, 2)), {"targets": 2}, InvalidArgumentError, "from 0 to 1"),
        (np.zeros((9, 2)), {"targets": []}, InvalidArgumentError, "`targets`"),
        (np.zeros((9, 2)), {"targets": "a"}, InvalidArgumentError, "`targets`"),
    ],
)
def test_what_is_no_series(series, options, error, says):
    with pytest.raises(error, match=says):
        series_windows(series, 4, **options)
