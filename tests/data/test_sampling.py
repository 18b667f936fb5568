"""Drawing samples in proportion: how often, how evenly, and the same again."""

import numpy as np
import pytest

from gradiente.base.errors import DataError
from gradiente.data.sampling import Sampling, balanced

RANDOM = np.random.default_rng(3)


def times(sampling, epoch=1, seed=0):
    return np.bincount(sampling.order(seed, epoch), minlength=len(sampling.weights))


@pytest.mark.parametrize("count", [1, 2, 7, 1000, 4097])
def test_each_comes_as_often_as_its_weight_says(count):
    weights = RANDOM.random(count) ** 4
    expected = count * weights / weights.sum()
    for epoch in range(20):
        drawn = times(Sampling(weights), epoch)
        assert drawn.sum() == count
        assert np.all((np.floor(expected - 1e-9) <= drawn) & (drawn <= np.ceil(expected + 1e-9)))


def test_the_mean_over_epochs_is_exact():
    weights = np.array([0.3, 1.0, 2.2, 0.5])
    mean = np.mean([times(Sampling(weights), epoch) for epoch in range(4000)], axis=0)
    np.testing.assert_allclose(mean, weights, atol=0.04)


def test_what_has_no_weight_never_comes():
    weights = RANDOM.random(999)
    weights[::3] = 0.0
    weights[-5:] = 0.0
    for epoch in range(50):
        assert not times(Sampling(weights), epoch)[weights == 0].any()


def test_classes_are_balanced_to_one_and_evenly_within():
    classes = RANDOM.choice(3, 1000, p=[0.9, 0.08, 0.02])
    sizes = np.bincount(classes)
    for epoch in range(20):
        drawn = times(balanced(classes), epoch)
        by_class = np.bincount(classes, drawn)
        assert np.abs(by_class - 1000 / 3).max() <= 1
        for label, size in enumerate(sizes):
            assert np.ptp(drawn[classes == label]) <= 1, size


def test_every_sample_of_a_large_class_has_its_turn():
    classes = np.array([0] * 90 + [1] * 10)
    drawn = sum(times(balanced(classes), epoch) for epoch in range(200))
    assert drawn[:90].min() > 60 and drawn[:90].max() < 160  # 111 in the mean


def test_it_is_a_function_of_seed_and_epoch():
    sampling = balanced(np.arange(100) % 7 == 0)
    first = sampling.order(5, 2)
    np.testing.assert_array_equal(first, sampling.order(5, 2))
    assert not np.array_equal(first, sampling.order(5, 3))
    assert not np.array_equal(first, sampling.order(6, 2))
    assert first.dtype == np.int64
    assert not np.array_equal(first, np.sort(first))


@pytest.mark.parametrize("classes", [np.zeros(3), np.zeros((3, 1), int)])
def test_what_is_no_class(classes):
    with pytest.raises(DataError, match="needs y to be classes"):
        balanced(classes)
