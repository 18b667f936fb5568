"""What holds for every activation function: values, gradients, types, extremes and kinks.

A new activation needs a row in FORMULAS and one in PEERS, and its name in a set below if it is not
elementwise and finite.
"""

from math import erfc, sqrt

import numpy as np
import pytest

from gradiente import nn
from gradiente.backends.compile import compile
from gradiente.gradient.derivatives import grad

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(6, 4)) * 3
everything = pytest.mark.parametrize("name", sorted(nn.ACTIVATIONS))

HALVING = {"glu", "swiglu", "geglu", "reglu", "maxout"}
ALONG_AN_AXIS = {"softmax", "softmin", "log_softmax", "sparsemax", "entmax15", "gumbel_softmax"}
STRAIGHT_THROUGH = {"step"}
OVERFLOWING = {"exponential", "relu2"}  # as their formulas do


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


@np.vectorize
def _normal_probability(z):
    return erfc(-z / sqrt(2)) / 2


def _with_sum_one(positive, x):
    """positive(x - τ) for the τ that makes its sum along the last axis 1, by bisection."""
    low, high = x.min(-1, keepdims=True) - 1, x.max(-1, keepdims=True)
    for _ in range(200):
        middle = (low + high) / 2
        too_much = positive(x - middle).sum(-1, keepdims=True) > 1
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    return positive(x - low)


def _gated(gate):
    return lambda x: x[..., : x.shape[-1] // 2] * gate(x[..., x.shape[-1] // 2 :])


# The formulas once more, as plain as possible.
FORMULAS = {
    "linear": lambda x: x,
    "relu": lambda x: np.where(x > 0, x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "relu2": lambda x: np.where(x > 0, x**2, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "rrelu": lambda x: np.where(x > 0, x, 11 / 48 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "celu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 1 / 2, 0, 1),
    "sparse_sigmoid": lambda x: np.clip(x / 2 + 1 / 2, 0, 1),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "threshold": lambda x: np.where(x > 0, x, 0),
    "step": lambda x: np.where(x > 0, 1.0, 0.0),
    "sigmoid": _sigmoid,
    "log_sigmoid": lambda x: np.log(_sigmoid(x)),
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "exponential": np.exp,
    "sin": np.sin,
    "snake": lambda x: x + np.sin(x) ** 2,
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "sparse_plus": lambda x: np.where(x > 1, x, np.where(x < -1, 0, (x + 1) ** 2 / 4)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "gelu": lambda x: x * _normal_probability(x),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "quick_gelu": lambda x: x * _sigmoid(1.702 * x),
    "mish": lambda x: x * np.tanh(np.log(1 + np.exp(x))),
    "softmax": _softmax,
    "softmin": lambda x: _softmax(-x),
    "log_softmax": lambda x: np.log(_softmax(x)),
    "sparsemax": lambda x: _with_sum_one(lambda z: np.maximum(z, 0), x),
    "entmax15": lambda x: _with_sum_one(lambda z: np.maximum(z, 0) ** 2, x / 2),
    "gumbel_softmax": _softmax,
    "glu": _gated(_sigmoid),
    "swiglu": _gated(lambda b: b * _sigmoid(b)),
    "geglu": _gated(lambda b: b * _normal_probability(b)),
    "reglu": _gated(lambda b: np.maximum(b, 0)),
    "maxout": lambda x: np.maximum(x[..., ::2], x[..., 1::2]),
}
# The gradient at 0, where some have a kink.
AT_ZERO = {
    "linear": 1.0,
    "relu": 0.0,
    "relu6": 0.0,
    "relu2": 0.0,
    "leaky_relu": 0.01,
    "rrelu": 11 / 48,
    "elu": 1.0,
    "celu": 1.0,
    "selu": 1.0507009873554805 * 1.6732632423543772,
    "hard_tanh": 1.0,
    "hard_sigmoid": 1 / 6,
    "sparse_sigmoid": 0.5,
    "hard_shrink": 0.0,
    "soft_shrink": 0.0,
    "threshold": 0.0,
    "step": 1.0,
    "sigmoid": 0.25,
    "log_sigmoid": 0.5,
    "tanh": 1.0,
    "tanh_shrink": 0.0,
    "softsign": 1.0,
    "exponential": 1.0,
    "sin": 1.0,
    "snake": 1.0,
    "softplus": 0.5,
    "squareplus": 0.5,
    "sparse_plus": 0.5,
    "silu": 0.5,
    "swish": 0.5,
    "hard_silu": 0.5,
    "hard_swish": 0.5,
    "gelu": 0.5,
    "gelu_tanh": 0.5,
    "quick_gelu": 0.5,
    "mish": 0.6,
}
EXTREME = np.array([-1e30, -800.0, -90.0, 0.0, 90.0, 800.0, 1e4, 1e30])
LARGE = np.array([-1e4, -800.0, -90.0, -0.0, 0.0, 60.0, 1e4])


def test_every_activation_has_its_rows():
    assert set(FORMULAS) == set(nn.ACTIVATIONS)
    assert set(AT_ZERO) == set(nn.ACTIVATIONS) - HALVING - ALONG_AN_AXIS


@everything
def test_values(name):
    np.testing.assert_allclose(nn.ACTIVATIONS[name](X), FORMULAS[name](X), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", sorted(set(nn.ACTIVATIONS) - STRAIGHT_THROUGH))
def test_gradients_are_those_of_central_differences(name):
    activation, step = nn.ACTIVATIONS[name], 1e-6
    weights = RANDOM.normal(size=activation(X).shape)

    def loss(x):
        return np.sum(activation(x) * weights)

    gradient = grad(loss)(X)
    direction = RANDOM.normal(size=X.shape)
    along = (loss(X + step * direction) - loss(X - step * direction)) / (2 * step)
    np.testing.assert_allclose(np.sum(gradient * direction), along, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", sorted(AT_ZERO))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_at_zero_is_the_stated_one(name, dtype):
    gradient = grad(lambda x: np.sum(nn.ACTIVATIONS[name](x)))(np.zeros(2, dtype))
    np.testing.assert_allclose(gradient, [AT_ZERO[name]] * 2, rtol=1e-6)
    assert gradient.dtype == dtype


@everything
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_inputs_give_finite_values_and_gradients(name, dtype):
    x = (LARGE[:-1].clip(-80, 80) if name in OVERFLOWING else EXTREME).astype(dtype)
    assert np.isfinite(nn.ACTIVATIONS[name](x)).all()
    gradient = grad(lambda x: np.mean(nn.ACTIVATIONS[name](x)))(x)
    assert np.isfinite(gradient).all()
    assert gradient.dtype == dtype


@everything
@pytest.mark.parametrize("shape", [(), (0, 4), (2, 3, 4)])
def test_any_shape_and_type_is_kept(name, shape):
    if name in ALONG_AN_AXIS | HALVING and shape == ():
        pytest.skip("it needs an axis")
    kept = (*shape[:-1], shape[-1] // 2) if name in HALVING else shape
    for dtype in (np.float32, np.float64):
        y = nn.ACTIVATIONS[name](RANDOM.normal(size=shape).astype(dtype))
        assert (np.shape(y), y.dtype) == (kept, dtype)


@everything
def test_compiled_and_called_give_the_same(name):
    activation = nn.ACTIVATIONS[name]
    np.testing.assert_allclose(compile(activation)(X), activation(X), rtol=1e-13, atol=1e-15)


@everything
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_and_called_give_the_same_at_extremes(name, dtype):
    """Values and gradients; what is large is compared relative to its size."""
    activation = nn.ACTIVATIONS[name]
    x = (LARGE.clip(-80, 80) if name in OVERFLOWING else LARGE).astype(dtype)
    x = np.stack([x, x[::-1]])[:, : 6 if name in HALVING else None]

    weights = np.linspace(0.5, 1.5, activation(x).shape[-1]).astype(dtype)

    def both(x):
        return activation(x), grad(lambda x: np.sum(activation(x) * weights))(x)

    for ours, expected in zip(compile(both)(x), both(x), strict=True):
        assert (ours.shape, ours.dtype) == (expected.shape, expected.dtype)
        rtol = 1e-6 if dtype == np.float32 else 1e-13
        np.testing.assert_allclose(ours, expected, rtol=rtol, atol=rtol)


@everything
def test_it_is_a_layer(name):
    """In a network, first called, then traced and differentiated."""
    network = nn.Sequential(nn.Dense(6), nn.ACTIVATIONS[name], nn.Dense(2))
    y = network(X)
    assert y.shape == (6, 2)
    gradient = grad(lambda network: np.sum(network(X)))(network)
    assert all(np.isfinite(value).all() for value in gradient.parameters().values())


def test_settings():
    x = np.array([-2.0, -0.5, 3.0])
    np.testing.assert_allclose(nn.leaky_relu(x, slope=0.2), [-0.4, -0.1, 3.0])
    np.testing.assert_allclose(nn.elu(x, alpha=2.0), [2 * np.expm1(-2), 2 * np.expm1(-0.5), 3.0])
    np.testing.assert_allclose(nn.softmax(X, axis=0).sum(axis=0), np.ones(4))
    np.testing.assert_allclose(nn.softmax(X).sum(axis=-1), np.ones(6))


@pytest.mark.parametrize("name", sorted(ALONG_AN_AXIS))
def test_along_any_axis(name):
    activation = nn.ACTIVATIONS[name]
    x = RANDOM.normal(size=(3, 4, 5))
    expected = np.moveaxis(activation(np.moveaxis(x, 1, -1)), -1, 1)
    np.testing.assert_allclose(activation(x, axis=1), expected, rtol=1e-12)
    np.testing.assert_allclose(activation(x, axis=-2), expected, rtol=1e-12)


@pytest.mark.parametrize("name", sorted(ALONG_AN_AXIS))
def test_what_makes_probabilities_does_not_depend_on_a_constant(name):
    activation = nn.ACTIVATIONS[name]
    np.testing.assert_allclose(activation(X + 1000.0), activation(X), rtol=1e-10, atol=1e-12)


# -- other libraries -------------------------------------------------------------------------------


def _torch_peers(torch):
    functional = torch.nn.functional
    halves = torch.chunk
    return {
        "linear": lambda x: x,
        "relu": torch.relu,
        "relu6": functional.relu6,
        "relu2": lambda x: torch.relu(x) ** 2,
        "leaky_relu": functional.leaky_relu,
        "rrelu": lambda x: functional.rrelu(x, training=False),
        "elu": functional.elu,
        "celu": functional.celu,
        "selu": functional.selu,
        "hard_tanh": functional.hardtanh,
        "hard_sigmoid": functional.hardsigmoid,
        "hard_shrink": functional.hardshrink,
        "soft_shrink": functional.softshrink,
        "threshold": lambda x: functional.threshold(x, 0.0, 0.0),
        "sigmoid": torch.sigmoid,
        "log_sigmoid": functional.logsigmoid,
        "tanh": torch.tanh,
        "tanh_shrink": functional.tanhshrink,
        "softsign": functional.softsign,
        "exponential": torch.exp,
        "sin": torch.sin,
        "snake": lambda x: x + torch.sin(x) ** 2,
        "softplus": functional.softplus,
        "silu": functional.silu,
        "swish": functional.silu,
        "hard_silu": functional.hardswish,
        "hard_swish": functional.hardswish,
        "gelu": functional.gelu,
        "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
        "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
        "mish": functional.mish,
        "softmax": lambda x: torch.softmax(x, -1),
        "softmin": lambda x: functional.softmin(x, -1),
        "log_softmax": lambda x: torch.log_softmax(x, -1),
        "gumbel_softmax": lambda x: torch.softmax(x, -1),
        "glu": functional.glu,
        "swiglu": lambda x: halves(x, 2, -1)[0] * functional.silu(halves(x, 2, -1)[1]),
        "geglu": lambda x: halves(x, 2, -1)[0] * functional.gelu(halves(x, 2, -1)[1]),
        "reglu": lambda x: halves(x, 2, -1)[0] * torch.relu(halves(x, 2, -1)[1]),
        "maxout": lambda x: x.reshape(*x.shape[:-1], -1, 2).amax(-1),
    }


def _same_as_torch(name, activation, theirs, x):
    torch = pytest.importorskip("torch")
    variable = torch.tensor(x, requires_grad=True)
    expected = theirs(variable)
    weights = RANDOM.normal(size=expected.shape)
    (expected * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(
        activation(x), expected.detach().numpy(), rtol=1e-12, atol=1e-14, err_msg=name
    )
    gradient = grad(lambda x: np.sum(activation(x) * weights))(x)
    # The slope of PyTorch's hard sigmoid is 1/6 in single precision.
    rtol = 1e-7 if name == "hard_sigmoid" else 1e-11
    np.testing.assert_allclose(gradient, variable.grad.numpy(), rtol=rtol, atol=1e-13, err_msg=name)


def test_against_torch():
    """Values and gradients, at kinks and for large inputs as well."""
    theirs = _torch_peers(pytest.importorskip("torch"))
    # The others are compared with JAX or with closed forms.
    others = {"squareplus", "sparse_plus", "sparse_sigmoid", "sparsemax", "entmax15", "step"}
    assert set(theirs) == set(nn.ACTIVATIONS) - others
    kinks = [[0.0, -0.0, 5.0, -5.0], [0.5, -0.5, 3.0, -3.0], [1.0, -1.0, 6.0, -6.0]]
    x = np.concatenate([X, kinks, [[1e4, 100.0, -1e4, -100.0], [600.0, 40.0, -600.0, -40.0]]])
    for name, activation in nn.ACTIVATIONS.items():
        if name in theirs:
            shown = x[:-2] if name in OVERFLOWING else x
            _same_as_torch(name, activation, theirs[name], shown)


def test_what_is_not_finite_against_torch():
    torch = pytest.importorskip("torch")
    x = np.array([-np.inf, np.inf, np.nan, 0.0])
    with np.errstate(all="ignore"):
        for name, theirs in _torch_peers(torch).items():
            if name in ALONG_AN_AXIS | HALVING:
                continue
            expected = theirs(torch.tensor(x)).numpy()
            for run in (nn.ACTIVATIONS[name], compile(nn.ACTIVATIONS[name])):
                np.testing.assert_allclose(run(x), expected, rtol=1e-12, err_msg=name)


def test_against_jax():
    jax = pytest.importorskip("jax")
    x = np.concatenate([X.ravel(), [0.0, -3.0, 40.0, -40.0, 1e4, -1e4, np.inf, np.nan]])
    x = x.astype(np.float32)
    for name in ("squareplus", "sparse_plus", "sparse_sigmoid"):
        theirs = getattr(jax.nn, name)
        activation = nn.ACTIVATIONS[name]
        np.testing.assert_allclose(activation(x), theirs(x), rtol=1e-5, atol=1e-4, err_msg=name)
        gradient = grad(lambda x, f=activation: np.sum(f(x)))(x[:-2])
        expected = jax.vmap(jax.grad(theirs))(x[:-2])
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5, err_msg=name)
