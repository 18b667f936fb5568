"""Dividing rows into training, validation and test rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.data.split import split_rows


@given(st.integers(3, 300), st.integers(0, 2**32), st.booleans())
def test_the_parts_are_disjoint_and_complete(count, seed, stratified):
    classes = np.random.default_rng(seed).integers(0, 4, count) if stratified else None
    parts = split_rows(count, seed=seed, classes=classes)
    rows = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(rows.tolist()) == list(range(count))
    assert len(parts.test) == max(1, round(0.2 * count))
    assert len(parts.validation) == max(1, round(0.16 * count))


@given(st.lists(st.integers(1, 80), min_size=2, max_size=6), st.integers(0, 1000))
def test_every_class_has_its_share_in_every_part(sizes, seed):
    classes = np.repeat(np.arange(len(sizes)), sizes)
    if len(classes) < 3:
        return
    parts = split_rows(len(classes), seed=seed, classes=classes)
    for label, size in enumerate(sizes):
        for rows, share in ((parts.test, 0.2), (parts.validation, 0.16), (parts.train, 0.64)):
            # A part begins and ends in the middle of a round through the classes.
            away = abs(np.sum(classes[rows] == label) - share * size)
            assert away <= max(2.0, len(sizes))


def test_a_class_of_one_row_is_trained_on():
    classes = np.array([0] * 50 + [1] * 49 + [2])
    for seed in range(20):
        assert 99 in split_rows(100, seed=seed, classes=classes).train


def test_the_seed_decides():
    first = split_rows(100, seed=1)
    assert np.array_equal(first.test, split_rows(100, seed=1).test)
    assert not np.array_equal(first.test, split_rows(100, seed=2).test)


def test_a_share_of_zero_is_an_empty_part():
    parts = split_rows(10, validation=0.0, test=0.0)
    assert parts.train.tolist() == list(range(10))
    assert len(parts.validation) == len(parts.test) == 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_rows(count):
    with pytest.raises(DataError, match=f"{count} rows are too few"):
        split_rows(count)


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (-0.1, 0.2), (0.1, 1.0)])
def test_shares_that_make_no_sense(validation, test):
    with pytest.raises(InvalidArgumentError, match="leave some to train on"):
        split_rows(100, validation=validation, test=test)
