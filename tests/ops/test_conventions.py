"""What the gradient is where there is a choice: at kinks, ties, poles and in branches not taken."""

import math

import numpy as np
import pytest

import gradiente as gd


def gradient(function, *args):
    places = tuple(range(len(args)))
    gradients = gd.grad(lambda *xs: gd.sum(function(*xs)), argnums=places)(*args)
    return gradients[0] if len(args) == 1 else gradients


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (gd.relu, [-1, 0, -0.0, 2], [0, 0, 0, 1]),
        (gd.abs, [-1, 0, -0.0, 2], [-1, 0, 0, 1]),
        (lambda x: np.maximum(x, 0), [-1, 0, -0.0, 2], [0, 0.5, 0.5, 1]),
        (lambda x: np.minimum(0, x), [-1, 0, 2], [1, 0.5, 0]),
        (lambda x: np.maximum(x, x), [1, 2], [1, 1]),
        (lambda x: np.clip(x, -1, 1), [-2, -1, 0, 1, 2], [0, 1, 1, 1, 0]),
        (lambda x: np.clip(x, None, 1), [0, 1, 2], [1, 1, 0]),
        (lambda x: np.clip(x, 1, None), [0, 1, 2], [0, 1, 1]),
        (lambda x: np.where(x > 0, x, 0), [-1, 0, 1], [0, 0, 1]),
        (np.sign, [-1, 0, 1], [0, 0, 0]),
        (np.floor, [-1, 0.5], [0, 0]),
        (np.sqrt, [0, 4], [np.inf, 0.25]),
        (np.square, [0, -3], [0, -6]),
        (lambda x: x**2.0, [0, -3], [0, -6]),
        (lambda x: x**3, [0, -2], [0, 12]),
        (lambda x: x**1, [0, -2], [1, 1]),
        (lambda x: x**0, [0, -2], [0, 0]),
        (lambda x: x**0.5, [0, 4], [np.inf, 0.25]),
        (lambda x: x**-1.0, [2, -2], [-0.25, -0.25]),
        (lambda x: 0.0**x, [0, 2], [0, 0]),
        (lambda x: 2.0**x, [0, 3], [math.log(2), 8 * math.log(2)]),
        (np.max, [1, 3, 3, 2], [0, 0.5, 0.5, 0]),
        (np.min, [1, 1, 1, 2], [1 / 3, 1 / 3, 1 / 3, 0]),
        (np.max, [0.0, -0.0], [0.5, 0.5]),
        (np.prod, [2, 3, 4], [12, 8, 6]),
        (np.prod, [2, 0, 4], [0, 8, 0]),
        (np.prod, [0, 0, 4], [0, 0, 0]),
        (lambda x: np.sort(x) * [1, 10, 100], [3, 1, 2], [100, 1, 10]),
        (lambda x: np.sort(x) * [1, 10, 100], [2, 1, 1], [100, 1, 10]),
        (lambda x: gd.top_k(x, 2)[0] * [1, 10], [3, 1, 5, 2], [10, 0, 1, 0]),
        (lambda x: gd.top_k(x, 2)[0] * [1, 10], [5, 5, 5], [1, 10, 0]),
        (lambda x: gd.logsumexp(x), [-np.inf, 0.0], [0, 1]),
        (lambda x: gd.softmax(x) * [1, 0], [-np.inf, 0.0], [0, 0]),
        (gd.sigmoid, [-1e4, 0, 1e4], [0, 0.25, 0]),
        (gd.softplus, [-1e4, 0, 1e4], [0, 0.5, 1]),
        (gd.silu, [-1e4, 0, 1e4], [0, 0.5, 1]),
        (gd.gelu, [-1e3, 0, 1e3], [0, 0.5, 1]),
        (np.tanh, [-1e4, 0, 1e4], [0, 1, 0]),
        (np.abs, [np.nan, -np.inf], [np.nan, -1]),
    ],
)  # fmt: skip
def test_one_argument(function, x, expected, dtype):
    got = gradient(function, np.array(x, dtype))
    np.testing.assert_allclose(got, np.array(expected, dtype), rtol=1e-6)
    compiled = gd.compile(lambda x: gd.grad(lambda x: gd.sum(function(x)))(x))
    np.testing.assert_array_equal(compiled(np.array(x, dtype)), got)


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        (np.maximum, ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]), ([0, 0.5, 1], [1, 0.5, 0])),
        (np.minimum, ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]), ([1, 0.5, 0], [0, 0.5, 1])),
        (np.power, ([0.0, 0.0, 2.0], [0.0, 2.0, 3.0]), ([0, 0, 12], [0, 0, 8 * math.log(2)])),
        (np.logaddexp, ([0.0, -np.inf], [0.0, 1.0]), ([0.5, 0], [0.5, 1])),
        (np.copysign, ([2.0, -2.0, 0.0], [-1.0, -1.0, 1.0]), ([-1, 1, 0], [0, 0, 0])),
        (np.remainder, ([5.0, -5.0], [3.0, 3.0]), ([1, 1], [-1, 2])),
        (np.arctan2, ([0.0], [1.0]), ([1], [0])),
        (
            lambda x, low, high: np.clip(x, low, high),
            ([0.0, 1.0, 5.0, 0.0], [1.0, 1.0, 1.0, 4.0], [2.0, 2.0, 2.0, 2.0]),
            ([0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1]),
        ),
    ],
)
def test_several_arguments(function, args, expected):
    got = gradient(function, *map(np.array, args))
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, np.array(other, float), rtol=1e-12)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_the_branch_not_taken_does_not_spoil_the_gradient(bad):
    mask = np.array([True, False])
    to_a, to_b = gradient(lambda a, b: np.where(mask, a, b), np.array([1.0, bad]), np.full(2, bad))
    np.testing.assert_array_equal(to_a, [1.0, 0.0])
    np.testing.assert_array_equal(to_b, [0.0, 1.0])


def test_a_function_with_a_pole_is_guarded_inside():
    """As in every library: 0 · ∞ comes from the chain rule, not from `where`."""
    x = np.array([0.0, 2.0])
    careless = gradient(lambda x: np.where(x > 0, np.log(x), 0.0), x)
    guarded = gradient(lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0), x)
    assert np.isnan(careless[0])
    np.testing.assert_array_equal(guarded, [0.0, 0.5])


def test_ties_share_along_several_axes():
    x = np.array([[1.0, 3.0], [3.0, 3.0]])
    np.testing.assert_allclose(gradient(np.max, x), [[0, 1 / 3], [1 / 3, 1 / 3]])
    np.testing.assert_allclose(gradient(lambda x: np.max(x, axis=1), x), [[0, 1], [0.5, 0.5]])


def test_equal_elements_come_in_their_own_order():
    x = np.array([2.0, 1.0, 2.0, 2.0, 1.0])
    np.testing.assert_array_equal(gd.argsort(x), [1, 4, 0, 2, 3])
    values, indices = gd.top_k(x, 4)
    np.testing.assert_array_equal(values, [2.0, 2.0, 2.0, 1.0])
    np.testing.assert_array_equal(indices, [0, 2, 3, 1])
    along = gd.top_k(np.stack([x, -x]), 2, axis=0)
    np.testing.assert_array_equal(along[0], np.stack([x, -x]))
    assert gd.top_k(x, 0)[0].shape == (0,)
    assert gd.argmax(x) == 0
    assert gd.argmin(x) == 1


def test_labels_out_of_range_have_no_place_in_one_hot():
    labels = np.array([0, 2, 3, -1])
    np.testing.assert_array_equal(gd.one_hot(labels, 3), [[1, 0, 0], [0, 0, 1], [0] * 3, [0] * 3])
    assert gd.one_hot(labels, 3).dtype == np.float32
    assert gd.one_hot(1, 3, dtype=bool).tolist() == [False, True, False]


def test_repeated_indices_add_up():
    x = np.zeros(3)
    np.testing.assert_array_equal(gd.scatter_add(x, [1, 1, -1], [1.0, 2.0, 4.0]), [0, 3, 4])
    np.testing.assert_array_equal(gd.scatter_add(np.zeros((2, 3)), [0], 5.0), [[5] * 3, [0] * 3])
    wide = gd.scatter_add(np.zeros((2, 3)), [0, 0], np.ones((2, 2)), axis=1)
    np.testing.assert_array_equal(wide, [[2, 0, 0], [2, 0, 0]])
    to_x, to_values = gradient(
        lambda x, v: gd.scatter_add(x, [1, 1], v) * [1, 10, 100], x, np.ones(2)
    )
    np.testing.assert_array_equal(to_x, [1, 10, 100])
    np.testing.assert_array_equal(to_values, [10, 10])
    np.testing.assert_array_equal(gradient(lambda x: gd.gather(x, [1, 1, 2]), x), [0, 2, 1])


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([1000.0, 1000.0], 1000 + math.log(2)),
        ([-1000.0, -1000.0], -1000 + math.log(2)),
        ([np.inf, 0.0], np.inf),
        ([-np.inf, 3.0], 3.0),
        ([-np.inf, -np.inf], -np.inf),
        ([np.nan, 0.0], np.nan),
    ],
)
def test_logsumexp_neither_overflows_nor_subtracts_infinities(x, expected):
    np.testing.assert_allclose(gd.logsumexp(np.array(x)), expected)
    np.testing.assert_allclose(gd.compile(gd.logsumexp)(np.array(x)), expected)


def test_softmax_neither_overflows_nor_loses_its_sum():
    x = np.array([1e4, 1e4 - 1, -1e4])
    np.testing.assert_allclose(gd.softmax(x), [1 / (1 + math.exp(-1)), 1 / (1 + math.e), 0])
    np.testing.assert_allclose(gd.log_softmax(x)[2], -2e4 - math.log(1 + math.exp(-1)))
    np.testing.assert_allclose(gd.softmax_cross_entropy(x, 2), 2e4 + math.log(1 + math.exp(-1)))
    assert gd.softmax(np.arange(3)).dtype == np.float64


# -- the same conventions elsewhere ----------------------------------------------------------------


def test_jax_agrees_on_ties():
    jax = pytest.importorskip("jax")
    x, y = np.array([1.0, 3.0, 3.0], np.float32), np.array([1.0, 2.0, 3.0], np.float32)
    for name in ("max", "min", "sort", "prod"):
        ours = gradient(lambda x, name=name: getattr(np, name)(x) * y[:1], x)
        theirs = jax.grad(lambda x, name=name: jax.numpy.sum(getattr(jax.numpy, name)(x) * y[:1]))(
            x
        )
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-6)
    for name in ("maximum", "minimum"):
        ours = gradient(getattr(np, name), x, y)
        theirs = jax.grad(
            lambda x, y, name=name: jax.numpy.sum(getattr(jax.numpy, name)(x, y)), (0, 1)
        )(x, y)
        np.testing.assert_allclose(ours, np.asarray(theirs))


def test_torch_agrees_on_clipping_and_the_kinks_of_activations():
    torch = pytest.importorskip("torch")
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    for ours, theirs in [
        (lambda x: np.clip(x, -1, 1), lambda t: t.clamp(-1, 1)),
        (gd.relu, torch.relu),
        (np.abs, torch.abs),
    ]:
        t = torch.tensor(x, requires_grad=True)
        theirs(t).sum().backward()
        np.testing.assert_array_equal(gradient(ours, x), t.grad.numpy())
