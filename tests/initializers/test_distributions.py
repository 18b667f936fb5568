"""The numbers drawn have the distributions, widths and singular values of the equations."""

import math

import numpy as np
import pytest

import gradiente as gd
from gradiente import initializers
from gradiente.base.errors import InvalidArgumentError
from gradiente.initializers import INITIALIZERS, fans
from gradiente.trace.random import key

stats = pytest.importorskip("scipy.stats")

DENSE, KERNEL = (300, 200), (3, 3, 40, 60)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((5, 7), (5, 7)),
        ((3, 5, 7), (15, 21)),
        ((3, 4, 5, 7), (60, 84)),
        ((2, 3, 4, 5, 7), (120, 168)),
        ((0, 7), (0, 7)),
    ],
)
def test_fans(shape, expected):
    assert fans(shape) == expected


VARIANCE = {
    "glorot": lambda inputs, outputs: 2 / (inputs + outputs),
    "he": lambda inputs, outputs: 2 / inputs,
    "lecun": lambda inputs, outputs: 1 / inputs,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [DENSE, KERNEL])
@pytest.mark.parametrize("scheme", VARIANCE)
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_scaling(scheme, distribution, shape, dtype):
    w = INITIALIZERS[f"{scheme}_{distribution}"](key(3), shape, dtype).ravel().astype(float)
    deviation = math.sqrt(VARIANCE[scheme](*fans(shape)))
    bound = math.sqrt(3) * deviation
    law = {"normal": stats.norm(0, deviation), "uniform": stats.uniform(-bound, 2 * bound)}
    # the mean of n numbers varies by σ/√n, their deviation by about σ/√(2n): five of those
    assert abs(w.mean()) < 5 * deviation / math.sqrt(w.size)
    assert abs(w.std() / deviation - 1) < 5 / math.sqrt(2 * w.size)
    assert stats.kstest(w, law[distribution].cdf).pvalue > 1e-3
    if distribution == "uniform":
        assert 0.999 * bound < np.abs(w).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize(
    ("changed", "plain", "factor"),
    [
        (initializers.glorot_uniform(gain=3.0), initializers.glorot_uniform, 3.0),
        (initializers.glorot_normal(gain=3.0), initializers.glorot_normal, 3.0),
        (initializers.he_uniform(negative_slope=2.0), initializers.he_uniform, 1 / math.sqrt(5)),
        (initializers.he_normal(fan="outputs"), initializers.he_normal, math.sqrt(300 / 200)),
        (initializers.orthogonal(gain=3.0), initializers.orthogonal, 3.0),
    ],
)
def test_options_scale(changed, plain, factor):
    ours, theirs = changed(key(0), DENSE, np.float64), plain(key(0), DENSE, np.float64)
    np.testing.assert_allclose(ours, factor * theirs, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("made", "law"),
    [
        (initializers.normal, stats.norm(0.0, 1.0)),
        (initializers.uniform, stats.uniform(-1.0, 2.0)),
        (initializers.normal(mean=2.0, std=0.5), stats.norm(2.0, 0.5)),
        (initializers.uniform(low=1.0, high=4.0), stats.uniform(1.0, 3.0)),
        (initializers.truncated_normal, stats.truncnorm(-2, 2)),
        (initializers.truncated_normal(mean=1.0, std=3.0), stats.truncnorm(-2, 2, 1.0, 3.0)),
        (initializers.truncated_normal(low=0.0, high=9.0), stats.truncnorm(0, 9)),
        (initializers.truncated_normal(std=0.02), stats.truncnorm(-2, 2, 0.0, 0.02)),
    ],
)
def test_plain_distributions(made, law, dtype):
    w = made(key(5), (200, 300), dtype).ravel().astype(float)
    assert stats.kstest(w, law.cdf).pvalue > 1e-3
    assert abs(w.std() / law.std() - 1) < 0.02
    low, high = law.support()
    assert low <= w.min() <= w.max() <= high


def test_a_fan_of_one():
    w = initializers.he_normal(key(4), (1, 50_000), np.float64)
    assert abs(w.std() / math.sqrt(2) - 1) < 5 / math.sqrt(2 * w.size)


def test_truncated_normal_reaches_its_bounds_and_stays_within():
    w = initializers.truncated_normal(key(1), (500, 500))
    assert np.abs(w).max() <= 2.0
    assert np.abs(w).max() > 1.999


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (20, 20), (3, 3, 4, 8), (2, 2, 4, 30)])
def test_orthogonal(shape, dtype):
    w = initializers.orthogonal(key(2), shape, dtype).reshape(-1, shape[-1]).astype(float)
    short = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(short, np.eye(len(short)), atol=20 * np.finfo(dtype).eps)


def test_orthogonal_favours_no_direction():
    # Without moving R's signs into Q the first diagonal entries all have one sign.
    corners = [initializers.orthogonal(key(seed), (3, 3), np.float64) for seed in range(300)]
    diagonals = np.array([np.diagonal(corner) for corner in corners])
    assert np.abs(diagonals.mean(axis=0)).max() < 0.17  # five deviations of the mean
    assert np.abs(np.mean([np.linalg.det(corner) for corner in corners])) < 0.29


@pytest.mark.parametrize("depth", [20])
def test_signals_keep_their_size_through_relu_layers(depth):
    x = initializers.normal(key(0), (200, 256), np.float64)
    for layer in range(1, depth):
        x = np.maximum(x @ initializers.he_normal(key(layer), (256, 256), np.float64), 0)
    assert 0.3 < np.mean(x**2) / 0.5 < 5.0


@pytest.mark.parametrize("shape", [DENSE, KERNEL])
@pytest.mark.parametrize("distribution", ["normal", "truncated_normal", "uniform"])
@pytest.mark.parametrize(("fan", "size"), [("inputs", 0), ("outputs", 1), ("average", slice(None))])
def test_variance_scaling(fan, size, distribution, shape):
    made = initializers.variance_scaling(scale=3.0, fan=fan, distribution=distribution)
    w = made(key(3), shape, np.float64).ravel()
    deviation = math.sqrt(3.0 / np.mean(fans(shape)[size]))
    wide = deviation / stats.truncnorm(-2, 2).std()
    law = {
        "normal": stats.norm(0, deviation),
        "truncated_normal": stats.truncnorm(-2, 2, 0, wide),
        "uniform": stats.uniform(-math.sqrt(3) * deviation, 2 * math.sqrt(3) * deviation),
    }[distribution]
    assert abs(w.std() / deviation - 1) < 5 / math.sqrt(2 * w.size)
    assert stats.kstest(w, law.cdf).pvalue > 1e-3


def test_variance_scaling_contains_the_others():
    general = initializers.variance_scaling
    for made, same in (
        (initializers.he_normal, general(scale=2.0, distribution="normal")),
        (initializers.lecun_uniform, general(distribution="uniform")),
        (
            initializers.glorot_uniform,
            general(fan="average", distribution="uniform"),
        ),
    ):
        np.testing.assert_allclose(made(key(0), KERNEL), same(key(0), KERNEL), rtol=1e-6)


@pytest.mark.parametrize("shape", [(3, 3, 4, 4), (3, 3, 4, 7), (5, 3, 6), (2, 3, 2, 4, 8), (4, 6)])
def test_delta_orthogonal_is_orthogonal_at_the_centre_and_zero_elsewhere(shape):
    w = initializers.delta_orthogonal(key(2), shape, np.float64)
    middle = w[tuple(length // 2 for length in shape[:-2])]
    np.testing.assert_allclose(middle @ middle.T, np.eye(len(middle)), atol=1e-14)
    assert np.count_nonzero(w) == middle.size


def test_delta_orthogonal_convolutions_keep_the_length_of_a_signal():
    x = initializers.normal(key(0), (2, 9, 9, 4), np.float64)
    for layer in range(1, 6):
        kernel = initializers.delta_orthogonal(key(layer), (3, 3, 4, 4), np.float64)
        y = gd.convolution(x, kernel, 1, "same", 1, 1)
        np.testing.assert_allclose(np.sum(y**2), np.sum(x**2), rtol=1e-12)
        x = y


@pytest.mark.parametrize("shape", [(3, 3, 6, 6), (3, 5, 6, 9), (4, 4, 9, 6), (3, 5, 5), (5, 5)])
def test_dirac_passes_channels(shape):
    w = initializers.dirac(key(0), shape, np.float64)
    x = initializers.normal(key(0), (2, *(7,) * (len(shape) - 2), shape[-2]), np.float64)
    y = gd.convolution(x, w, 1, "same", 1, 1) if len(shape) > 2 else x @ w
    if 4 in shape[:-2]:  # the centre of an even window is after the middle: one place ahead
        x = np.pad(x, [(0, 0), (0, 1), (0, 1), (0, 0)])[:, 1:, 1:]
    least = min(shape[-2:])
    np.testing.assert_array_equal(y[..., :least], x[..., :least])
    assert not y[..., least:].any()


def test_dirac_in_groups():
    w = initializers.dirac(groups=2)(key(0), (3, 3, 6), np.float64)
    x = initializers.normal(key(0), (2, 7, 6), np.float64)
    np.testing.assert_array_equal(gd.convolution(x, w, 1, "same", 1, 2), x)


def test_identity():
    np.testing.assert_array_equal(initializers.identity(gain=2.0)(key(0), (3, 4)), 2 * np.eye(3, 4))
    kernel = initializers.identity(key(0), (3, 2, 2))
    np.testing.assert_array_equal(kernel, initializers.dirac(key(0), (3, 2, 2)))


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.0, 0), (0.5, 60), (0.901, 109), (1.0, 120)])
def test_sparse_has_so_many_zeros_for_each_output(sparsity, zeros):
    w = initializers.sparse(sparsity=sparsity, std=2.0)(key(3), (3, 40, 500), np.float64)
    flat = w.reshape(120, 500)
    np.testing.assert_array_equal(np.count_nonzero(flat == 0, axis=0), zeros)
    kept = flat[flat != 0]
    if zeros < 120:
        assert abs(kept.std() / 2.0 - 1) < 5 / math.sqrt(2 * kept.size)
        rows = np.count_nonzero(flat, axis=1)  # every input is as likely as any other
        assert abs(rows - 500 * (1 - zeros / 120)).max() < 5 * math.sqrt(125)


@pytest.mark.parametrize("window", ["hann", None])
def test_a_convolution_with_a_short_time_fourier_weight_gives_the_spectrum_of_frames(window):
    """That of NumPy's FFT of each windowed frame, real and imaginary part."""
    frame, signal = 16, np.random.default_rng(3).normal(size=50)
    shape = (frame, 1, frame // 2 + 1)
    options = {"window": window, "scaling": None, "periodic": True}
    shaped = (
        np.ones(frame)
        if window is None
        else 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)
    )
    frames = np.lib.stride_tricks.sliding_window_view(signal, frame) * shaped
    spectrum = np.fft.rfft(frames, axis=-1)
    for part, expected in (("real", spectrum.real), ("imaginary", spectrum.imag)):
        weight = initializers.short_time_fourier(part=part, **options)(key(0), shape, np.float64)
        found = gd.convolution(signal[None, :, None], weight)[0]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_scales_of_a_short_time_fourier_weight():
    shape = (8, 1, 5)
    plain = initializers.short_time_fourier(scaling=None)(key(0), shape, np.float64)
    window = plain[:, 0, 0]
    for scaling, size in (("density", np.sqrt(np.sum(window**2))), ("spectrum", np.sum(window))):
        scaled = initializers.short_time_fourier(scaling=scaling)(key(0), shape, np.float64)
        np.testing.assert_allclose(scaled, plain / size, atol=1e-15)
    for wrong in ({"part": "both"}, {"scaling": "loud"}, {"window": "round"}):
        with pytest.raises(InvalidArgumentError):
            initializers.short_time_fourier(**wrong)
