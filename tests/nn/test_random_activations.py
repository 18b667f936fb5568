"""Activations with random numbers: distribution, gradient, what is the same outside training."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.base.errors import GradienteError, InvalidArgumentError, ShapeError
from gradiente.gradient.derivatives import grad
from gradiente.nn.random_activations import gumbel

X = np.random.default_rng(2).normal(size=(6, 4))


def training(layer, x, seed=0):
    with nn.running(nn.Context(training=True, key=gd.random.key(seed))):
        return layer(x)


def test_the_slopes_of_rrelu():
    x = np.full((300, 200), -2.0)
    for layer in (nn.rrelu, nn.RReLU()):
        slopes = training(layer, x) / x
        assert slopes.min() >= 1 / 8 and slopes.max() < 1 / 3
        np.testing.assert_allclose(slopes.mean(), 11 / 48, rtol=0.01)
        np.testing.assert_allclose(slopes.std(), (1 / 3 - 1 / 8) / np.sqrt(12), rtol=0.01)
        np.testing.assert_array_equal(training(layer, -x), -x)
        np.testing.assert_allclose(layer(x), x * 11 / 48)
        assert (training(layer, x, seed=1) != training(layer, x)).mean() > 0.99


def test_rrelu_has_the_gradient_of_what_it_drew():
    x = -np.abs(X)
    y = training(nn.RReLU(0.2, 0.9), x)
    gradient = grad(lambda x: np.sum(training(nn.RReLU(0.2, 0.9), x)))(x)
    np.testing.assert_allclose(gradient, y / x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gumbel_numbers(dtype):
    drawn = gumbel(gd.random.key(3), (400_000,), dtype)
    assert drawn.dtype == dtype and np.isfinite(drawn).all()
    np.testing.assert_allclose(drawn.mean(), np.euler_gamma, atol=0.01)
    np.testing.assert_allclose(drawn.var(), np.pi**2 / 6, rtol=0.02)
    below = [(drawn < z).mean() for z in (-1.0, 0.0, 3.0)]
    np.testing.assert_allclose(below, np.exp(-np.exp([1.0, 0.0, -3.0])), atol=0.005)


def test_gumbel_softmax_samples_the_categories():
    logits = np.tile([2.0, 0.0, -1.0], (60_000, 1))
    for layer in (nn.GumbelSoftmax(hard=True), lambda x: nn.gumbel_softmax(x, hard=True)):
        y = training(layer, logits)
        assert set(np.unique(y)) == {0.0, 1.0}
        np.testing.assert_array_equal(y.sum(axis=-1), 1)
        np.testing.assert_allclose(y.mean(axis=0), nn.softmax(logits[0]), atol=0.01)


def test_gumbel_softmax_hardens_what_it_would_give_otherwise():
    soft, hard = nn.GumbelSoftmax(0.5), nn.GumbelSoftmax(0.5, hard=True)
    np.testing.assert_array_equal(
        training(soft, X).argmax(axis=-1), training(hard, X).argmax(axis=-1)
    )
    weights = np.random.default_rng(1).normal(size=X.shape)
    soft_gradient, hard_gradient = (
        grad(lambda x, f=f: np.sum(training(f, x) * weights))(X) for f in (soft, hard)
    )
    np.testing.assert_allclose(hard_gradient, soft_gradient)
    np.testing.assert_allclose(soft(X), nn.softmax(X / 0.5))
    np.testing.assert_allclose(hard(X), np.eye(4)[X.argmax(axis=-1)])


def test_gumbel_softmax_along_another_axis():
    layer = nn.GumbelSoftmax(hard=True, axis=0)
    np.testing.assert_array_equal(training(layer, X).sum(axis=0), np.ones(4))
    assert repr(layer) == "GumbelSoftmax(1, hard=True, axis=0)"


@pytest.mark.parametrize("layer", [nn.rrelu, nn.gumbel_softmax], ids=["rrelu", "gumbel_softmax"])
def test_random_functions_in_a_network_learn_and_repeat(layer):
    def weights():
        network = nn.Sequential(nn.Dense(4), layer, nn.Dense(1))
        trainer = gd.Trainer(network, gd.losses.mse, gd.optimizers.SGD(0.1), seed=3)
        trainer.fit(X, X[:, :1], epochs=3, batch_size=2, verbose=False)
        return network.state()

    first, second = weights(), weights()
    for path, value in first.items():
        np.testing.assert_array_equal(value, second[path])


def test_wrong_arguments():
    for make in (nn.RReLU, lambda a, b: nn.rrelu(X, a, b)):
        with pytest.raises(InvalidArgumentError, match="lower <= upper"):
            make(0.5, 0.2)
    for make in (nn.GumbelSoftmax, lambda t: nn.gumbel_softmax(X, t)):
        with pytest.raises(InvalidArgumentError, match="temperature"):
            make(0.0)
    with pytest.raises(ShapeError):
        nn.GumbelSoftmax()(np.float64(1.0))
    with pytest.raises(GradienteError, match="needs a key"), nn.running(nn.Context(training=True)):
        nn.rrelu(X)
