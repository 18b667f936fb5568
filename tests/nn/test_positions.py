"""Positions: what they add or turn, written out; that turning keeps distances; errors."""

import numpy as np
import pytest

from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, ShapeError

RANDOM = np.random.default_rng(8)


@pytest.mark.parametrize("features", [1, 6, 7])
@pytest.mark.parametrize("base", [10_000.0, 100.0])
def test_sinusoidal_positions_are_the_waves_of_the_paper(features, base):
    y = nn.SinusoidalPositions(base)(np.zeros((2, 9, features)))
    for t, i in np.ndindex(9, features):
        angle = t / base ** (2 * (i // 2) / features)
        expected = np.sin(angle) if i % 2 == 0 else np.cos(angle)
        np.testing.assert_allclose(y[:, t, i], expected, atol=1e-12)


def test_learned_positions_are_one_vector_for_each_place():
    layer = nn.LearnedPositions(5)
    x = RANDOM.normal(size=(2, 5, 3))
    np.testing.assert_allclose(layer(x) - x, [layer.weight] * 2, atol=1e-12)
    np.testing.assert_array_equal(layer(x[:, :2]), layer(x)[:, :2])


@pytest.mark.parametrize("interleaved", [False, True])
def test_rotary_positions_turn_pairs_as_complex_numbers(interleaved):
    width, time, base = 6, 7, 100.0
    x = RANDOM.normal(size=(2, 3, time, width))
    y = nn.RotaryPositions(base, interleaved)(x)
    for i in range(width // 2):
        pair = (2 * i, 2 * i + 1) if interleaved else (i, i + width // 2)
        turn = np.exp(1j * np.arange(time) / base ** (2 * i / width))
        before, after = (a[..., pair[0]] + 1j * a[..., pair[1]] for a in (x, y))
        np.testing.assert_allclose(after, before * turn, atol=1e-12)


@pytest.mark.parametrize("interleaved", [False, True])
def test_products_of_turned_vectors_depend_on_their_distance_only(interleaved):
    layer = nn.RotaryPositions(interleaved=interleaved)
    query, key = (np.tile(RANDOM.normal(size=8), (10, 1)) for _ in range(2))
    scores = layer(query) @ layer(key).T
    for distance in range(-9, 10):
        diagonal = np.diagonal(scores, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(layer(query)[0], query[0], rtol=1e-12)


def test_half_and_half_is_what_llama_does():
    """q · cos + rotate_half(q) · sin, as the implementations of Llama write it."""
    q = RANDOM.normal(size=(2, 3, 5, 8))
    frequencies = 10_000.0 ** (-np.arange(0, 8, 2) / 8)
    angles = np.tile(np.arange(5)[:, None] * frequencies, 2)
    turned = np.concatenate([-q[..., 4:], q[..., :4]], axis=-1)
    expected = q * np.cos(angles) + turned * np.sin(angles)
    np.testing.assert_allclose(nn.RotaryPositions()(q), expected, atol=1e-12)


# From the paper: for 8 heads 1/2, 1/4 … 1/256; for 12 those and every other one of 16 heads.
EIGHT = [2.0**-n for n in range(1, 9)]


@pytest.mark.parametrize(
    ("heads", "slopes"),
    [
        (1, [2.0**-8]),
        (8, EIGHT),
        (12, [*EIGHT, 2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5]),
        (3, [2.0**-4, 2.0**-8, 2.0**-2]),
    ],
)
def test_linear_biases_fall_with_the_distance(heads, slopes):
    biases = nn.LinearBiases().biases(heads, 3, 4)
    for h, i, j in np.ndindex(heads, 3, 4):
        np.testing.assert_allclose(biases[h, i, j], -slopes[h] * abs(i - j), rtol=1e-12)
    x = RANDOM.normal(size=(2, heads, 3, 4))
    np.testing.assert_allclose(nn.LinearBiases()(x), x + biases, rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.SinusoidalPositions(), "SinusoidalPositions()"),
        (nn.SinusoidalPositions(50.0), "SinusoidalPositions(base=50)"),
        (nn.LearnedPositions(64), "LearnedPositions(64)"),
        (
            nn.RotaryPositions(5e5, interleaved=True),
            "RotaryPositions(base=500000, interleaved=True)",
        ),
        (nn.LinearBiases(), "LinearBiases()"),
    ],
)
def test_names(layer, text):
    assert repr(layer) == text


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ShapeError, match=r"knows 4 places, but \[2, 5, 3\] has 5"):
        nn.LearnedPositions(4)(np.zeros((2, 5, 3)))
    with pytest.raises(ShapeError, match="even width"):
        nn.RotaryPositions()(np.zeros((2, 5, 3)))
    with pytest.raises(InvalidArgumentError, match="base"):
        nn.RotaryPositions(base=0)
    with pytest.raises(InvalidArgumentError, match="places"):
        nn.LearnedPositions(0)
