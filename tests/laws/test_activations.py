"""What holds for every activation function: values, gradients, types, extremes and kinks."""

import numpy as np
import pytest

from gradiente import nn
from gradiente.backends.compile import compile
from gradiente.gradient.derivatives import grad

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(6, 4)) * 3
everything = pytest.mark.parametrize("name", sorted(nn.ACTIVATIONS))

# The formulas once more, as plain as possible; and the gradient at 0, where some have a kink.
FORMULAS = {
    "relu": lambda x: np.where(x > 0, x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "linear": lambda x: x,
    "gelu": lambda x: x * np.vectorize(_normal_probability)(x),
}
AT_ZERO = {
    "relu": 0.0,
    "sigmoid": 0.25,
    "tanh": 1.0,
    "silu": 0.5,
    "leaky_relu": 0.01,
    "elu": 1.0,
    "softplus": 0.5,
    "linear": 1.0,
    "gelu": 0.5,
}
EXTREME = np.array([-1e30, -800.0, -90.0, 0.0, 90.0, 800.0, 1e30])


def _normal_probability(z):
    from math import erfc, sqrt

    return erfc(-z / sqrt(2)) / 2


@everything
def test_values(name):
    np.testing.assert_allclose(nn.ACTIVATIONS[name](X), FORMULAS[name](X), rtol=1e-12, atol=1e-15)


@everything
def test_gradients_are_those_of_central_differences(name):
    activation, weights, step = nn.ACTIVATIONS[name], RANDOM.normal(size=X.shape), 1e-6

    def loss(x):
        return np.sum(activation(x) * weights)

    gradient = grad(loss)(X)
    direction = RANDOM.normal(size=X.shape)
    along = (loss(X + step * direction) - loss(X - step * direction)) / (2 * step)
    np.testing.assert_allclose(np.sum(gradient * direction), along, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", sorted(AT_ZERO))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_at_zero_is_the_stated_one(name, dtype):
    gradient = grad(lambda x: np.sum(nn.ACTIVATIONS[name](x)))(np.zeros(2, dtype))
    np.testing.assert_allclose(gradient, [AT_ZERO[name]] * 2, rtol=1e-6)
    assert gradient.dtype == dtype


@everything
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_inputs_give_finite_values_and_gradients(name, dtype):
    x = EXTREME.astype(dtype)
    assert np.isfinite(nn.ACTIVATIONS[name](x)).all()
    gradient = grad(lambda x: np.mean(nn.ACTIVATIONS[name](x)))(x)
    assert np.isfinite(gradient).all()
    assert gradient.dtype == dtype


@everything
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3, 4)])
def test_any_shape_and_type_is_kept(name, shape):
    if name == "softmax" and shape == ():
        pytest.skip("softmax needs an axis")
    for dtype in (np.float32, np.float64):
        y = nn.ACTIVATIONS[name](RANDOM.normal(size=shape).astype(dtype))
        assert (np.shape(y), y.dtype) == (shape, dtype)


@everything
def test_compiled_and_called_give_the_same(name):
    activation = nn.ACTIVATIONS[name]
    np.testing.assert_allclose(compile(activation)(X), activation(X), rtol=1e-13)


def test_settings():
    x = np.array([-2.0, -0.5, 3.0])
    np.testing.assert_allclose(nn.leaky_relu(x, slope=0.2), [-0.4, -0.1, 3.0])
    np.testing.assert_allclose(nn.elu(x, alpha=2.0), [2 * np.expm1(-2), 2 * np.expm1(-0.5), 3.0])
    np.testing.assert_allclose(nn.softmax(X, axis=0).sum(axis=0), np.ones(4))
    np.testing.assert_allclose(nn.softmax(X).sum(axis=-1), np.ones(6))


def test_softmax_does_not_depend_on_a_constant():
    np.testing.assert_allclose(nn.softmax(X + 1000.0), nn.softmax(X), rtol=1e-11)


def test_against_torch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    theirs = {
        "relu": torch.relu,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "gelu": functional.gelu,
        "silu": functional.silu,
        "softmax": lambda x: torch.softmax(x, -1),
        "leaky_relu": functional.leaky_relu,
        "elu": functional.elu,
        "softplus": functional.softplus,
        "linear": lambda x: x,
    }
    assert set(theirs) == set(nn.ACTIVATIONS)
    x = np.concatenate([X, [[0.0, -0.0, 5.0, -5.0]]])
    weights = RANDOM.normal(size=x.shape)
    for name, activation in nn.ACTIVATIONS.items():
        variable = torch.tensor(x, requires_grad=True)
        expected = theirs[name](variable)
        (expected * torch.tensor(weights)).sum().backward()
        np.testing.assert_allclose(activation(x), expected.detach().numpy(), rtol=1e-12, atol=1e-14)
        gradient = grad(lambda x, f=activation: np.sum(f(x) * weights))(x)
        np.testing.assert_allclose(
            gradient, variable.grad.numpy(), rtol=1e-11, atol=1e-14, err_msg=name
        )
