"""Activations with a parameter: what it is at the start, how it learns, what it may be."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import losses, nn, optimizers
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.gradient.derivatives import grad

X = np.random.default_rng(2).normal(size=(6, 3))


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (nn.PReLU(0.1), lambda x: nn.leaky_relu(x, 0.1)),
        (nn.PReLU(0.1, per_feature=True), lambda x: nn.leaky_relu(x, 0.1)),
        (nn.Swish(), nn.silu),
        (nn.Swish(1.702), nn.quick_gelu),
        (nn.Snake(), nn.snake),
        (nn.Snake(3.0, per_feature=False), lambda x: nn.snake(x, 3.0)),
    ],
    ids=lambda item: repr(item) if isinstance(item, nn.Module) else "",
)
def test_it_starts_as_the_function(layer, function):
    np.testing.assert_allclose(layer(X), function(X), rtol=1e-12)


@pytest.mark.parametrize("make", [nn.PReLU, nn.Swish, nn.Snake])
@pytest.mark.parametrize("per_feature", [False, True])
def test_one_parameter_or_one_for_each_feature(make, per_feature):
    layer = make(per_feature=per_feature).initialize(X)
    ((_, parameter),) = layer.parameters().items()
    assert parameter.shape == ((3,) if per_feature else (1,))
    assert parameter.dtype == np.float64
    default = make().per_feature
    assert ("per_feature" in repr(layer)) == (per_feature != default)


@pytest.mark.parametrize("make", [nn.PReLU, nn.Swish, nn.Snake])
def test_numbers_without_axes(make):
    layer = make(per_feature=False)
    assert np.shape(layer(np.float64(-2.0))) == ()
    with pytest.raises(ShapeError):
        make(per_feature=True)(np.float64(-2.0))


@pytest.mark.parametrize("per_feature", [False, True])
def test_prelu_against_torch(per_feature):
    torch = pytest.importorskip("torch")
    layer = nn.PReLU(per_feature=per_feature).initialize(X)
    theirs = torch.nn.PReLU(3 if per_feature else 1).double()
    x = np.concatenate([X, np.zeros((1, 3))])
    variable = torch.tensor(x, requires_grad=True)
    expected = theirs(variable)
    (expected**2 + 3 * expected).sum().backward()
    np.testing.assert_allclose(layer(x), expected.detach().numpy())

    def loss(layer, x):
        return np.sum(layer(x) ** 2 + 3 * layer(x))

    gradients, towards_x = grad(loss, argnums=(0, 1))(layer, x)
    np.testing.assert_allclose(gradients.slope, theirs.weight.grad.numpy())
    np.testing.assert_allclose(towards_x, variable.grad.numpy())


@pytest.mark.parametrize(
    ("layer", "name", "right"),
    [(nn.PReLU(), "slope", 0.6), (nn.Swish(), "beta", 2.0), (nn.Snake(), "frequency", 1.5)],
    ids=repr,
)
def test_training_finds_the_parameter(layer, name, right):
    x = np.linspace(-2, 2, 60)[:, None]
    truth = type(layer)(right).initialize(x)
    trainer = gd.Trainer(layer, losses.mse, optimizers.Adam(0.05), seed=0)
    trainer.fit(x, truth(x), epochs=200, batch_size=60, verbose=False)
    np.testing.assert_allclose(getattr(layer, name), [right], rtol=0.02)


def test_wrong_arguments():
    for make in (nn.PReLU, nn.Swish, nn.Snake):
        with pytest.raises(InvalidArgumentError):
            make(float("nan"))
    with pytest.raises(InvalidArgumentError, match="frequency"):
        nn.Snake(0.0)
