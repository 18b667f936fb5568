"""Counter-based random numbers: the published answers, the distributions, and independence."""

import math

import numpy as np
import pytest

import gradiente as gd
from gradiente.ops.random import DRAW, FOLD, philox
from gradiente.ops.special import erf

# J. Salmon et al., Random123, kat_vectors: counter, key, answer of philox4x32-10.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip


def words(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_the_published_answers(counter, key, answer):
    got = philox(np.array(words(key), np.uint32), tuple(words(counter)))
    assert [int(word) for word in got] == words(answer)
    assert all(word.dtype == np.uint32 for word in got)


def test_element_i_is_a_function_of_the_key_and_i():
    key = gd.random.key(7)
    long = gd.random.bits(key, 1003)
    np.testing.assert_array_equal(gd.random.bits(key, (10, 5)).ravel(), long[:50])
    np.testing.assert_array_equal(gd.random.bits(key, 3), long[:3])
    for i in (0, 1, 5, 1002):
        assert long[i] == philox(key, (i // 4, 0, DRAW, 0))[i % 4]
    assert gd.random.bits(key, ()) == long[0]
    assert gd.random.bits(key, (0, 3)).shape == (0, 3)
    assert DRAW != FOLD


def test_keys_are_the_bits_of_the_seed():
    np.testing.assert_array_equal(gd.random.key(0), [0, 0])
    np.testing.assert_array_equal(gd.random.key(2**40 + 3), [3, 2**8])
    np.testing.assert_array_equal(gd.random.key(-1), [2**32 - 1, 2**32 - 1])
    np.testing.assert_array_equal(gd.random.key(2**64 + 5), gd.random.key(5))
    assert gd.random.key(np.int64(3)).dtype == np.uint32


def test_folding_gives_keys_of_their_own():
    key = gd.random.key(3)
    numbers = [*range(200), -1, 2**31, 2**32, 2**40, 2**63 - 1]
    keys = {tuple(gd.random.fold_in(key, number).tolist()) for number in numbers}
    assert len(keys) == len(numbers)
    assert tuple(key.tolist()) not in keys
    one_two = gd.random.fold_in(gd.random.fold_in(key, 1), 2)
    two_one = gd.random.fold_in(gd.random.fold_in(key, 2), 1)
    assert one_two.tolist() != two_one.tolist()
    same = [gd.random.fold_in(key, n) for n in (5, np.int64(5), np.uint8(5), np.array(5))]
    assert len({tuple(item.tolist()) for item in same}) == 1


COUNT = 100_000


def distance(sample, distribution):
    """Kolmogorov and Smirnov's: the largest gap between the sample's distribution and the law."""
    ordered = np.sort(sample)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    law = distribution(ordered)
    return max(np.max(np.abs(steps[1:] - law)), np.max(np.abs(steps[:-1] - law)))


LIMIT = 1.95 / math.sqrt(COUNT)  # exceeded once in a thousand fair samples


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [0, 1, 2**33])
def test_uniform_numbers(dtype, seed):
    sample = gd.random.uniform(gd.random.key(seed), COUNT, dtype)
    assert sample.dtype == dtype
    assert sample.min() >= 0
    assert sample.max() < 1
    assert distance(sample, lambda x: x) < LIMIT
    assert len(np.unique(sample)) > 0.99 * COUNT
    pairs = np.corrcoef(sample[:-1], sample[1:])[0, 1]
    assert abs(pairs) < 4 / math.sqrt(COUNT)


def test_bounds_of_uniform_numbers():
    sample = gd.random.uniform(gd.random.key(1), COUNT, low=-3.0, high=5.0)
    assert sample.dtype == np.float32
    assert (sample.min() >= -3.0, sample.max() < 5.0) == (True, True)
    assert distance(sample, lambda x: (x + 3) / 8) < LIMIT


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [0, 1, 2**33])
def test_normal_numbers(dtype, seed):
    sample = gd.random.normal(gd.random.key(seed), COUNT, dtype)
    assert sample.dtype == dtype
    assert np.all(np.isfinite(sample))
    assert distance(sample.astype(float), lambda x: 0.5 * (1 + erf(x / math.sqrt(2)))) < LIMIT
    assert 4.0 < np.abs(sample).max() < 7.0
    scaled = gd.random.normal(gd.random.key(seed), COUNT, dtype, mean=3.0, std=0.5)
    np.testing.assert_allclose(scaled, sample * 0.5 + 3.0, rtol=1e-5)


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 1.0])
def test_bernoulli(probability):
    sample = gd.random.bernoulli(gd.random.key(5), probability, (COUNT,))
    assert sample.dtype == bool
    deviation = math.sqrt(probability * (1 - probability) / COUNT)
    assert abs(sample.mean() - probability) <= 4 * deviation


def test_bits_are_fair():
    words = gd.random.bits(gd.random.key(9), COUNT)
    ones = np.unpackbits(words.view(np.uint8)).mean()
    assert abs(ones - 0.5) < 4 * 0.5 / math.sqrt(32 * COUNT)
    for bit in range(32):
        share = ((words >> np.uint32(bit)) & 1).mean()
        assert abs(share - 0.5) < 5 * 0.5 / math.sqrt(COUNT)


def test_streams_are_independent():
    key = gd.random.key(1)
    streams = [gd.random.normal(gd.random.fold_in(key, i), 20_000) for i in range(6)]
    streams += [gd.random.normal(gd.random.key(2), 20_000), gd.random.normal(key, 20_000)]
    correlations = np.corrcoef(np.stack(streams)) - np.eye(len(streams))
    assert np.abs(correlations).max() < 4.5 / math.sqrt(20_000)


DRAWS = {
    "bits": lambda key: gd.random.bits(key, (3, 5)),
    "uniform": lambda key: gd.random.uniform(key, (7,), low=-1.0, high=2.0),
    "uniform64": lambda key: gd.random.uniform(key, (7,), np.float64),
    "normal": lambda key: gd.random.normal(key, (4, 4)),
    "normal64": lambda key: gd.random.normal(key, 9, np.float64),
    "bernoulli": lambda key: gd.random.bernoulli(key, 0.3, (20,)),
    "folded": lambda key: gd.random.bits(gd.random.fold_in(key, 12), 6),
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_same_key_gives_the_same_numbers_traced_and_untraced(name):
    draw, key = DRAWS[name], gd.random.key(42)
    expected = draw(key)
    fixed = gd.compile(lambda: draw(key))()
    traced = gd.compile(draw)(key)
    beside = gd.grad(lambda x: (x, draw(key)), has_aux=True)(1.0)[1]
    for got in (fixed, traced, beside, draw(key)):
        np.testing.assert_array_equal(got, expected, strict=True)
    assert not np.array_equal(draw(gd.random.key(43)), expected)


def test_a_traced_number_folds_in_like_a_plain_one():
    key = gd.random.key(1)
    for number in (3, np.int32(3), np.array(3)):
        folded = gd.compile(gd.random.fold_in)(key, number)
        np.testing.assert_array_equal(folded, gd.random.fold_in(key, 3))


def test_gradients_pass_to_the_parameters_of_a_draw():
    """A normal number is mean + std · z, a uniform one low + (high - low) · u."""
    key = gd.random.key(0)
    z = gd.random.normal(key, 5, np.float64)
    mean, std = gd.grad(
        lambda mean, std: gd.sum(gd.random.normal(key, 5, np.float64, mean, std) ** 2), (0, 1)
    )(1.0, 2.0)
    np.testing.assert_allclose(mean, np.sum(2 * (1 + 2 * z)))
    np.testing.assert_allclose(std, np.sum(2 * (1 + 2 * z) * z))
    u = gd.random.uniform(key, 5, np.float64)
    high = gd.grad(lambda high: gd.sum(gd.random.uniform(key, 5, np.float64, 0.0, high)))(3.0)
    np.testing.assert_allclose(high, u.sum())
