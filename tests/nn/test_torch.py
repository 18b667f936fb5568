"""Layers against PyTorch's: values, gradients, running statistics."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.gradient.derivatives import grad

torch = pytest.importorskip("torch")

RANDOM = np.random.default_rng(12)
TIGHT = {"rtol": 1e-10, "atol": 1e-13}


def training(layer, x):
    with nn.running(nn.Context(training=True, key=gd.random.key(0))):
        return layer(x)


def compare(ours, theirs, x, names, call=lambda layer, x: layer(x)):
    """Output, gradient of the input and of the parameters; names: theirs -> ours."""
    theirs = theirs.double()
    weights = RANDOM.normal(size=np.shape(call(ours, x)))
    for their_name, our_name in names.items():
        value = getattr(theirs, their_name)
        ours_now = getattr(ours, our_name)
        transposed = value.ndim == 2 and their_name == "weight" and isinstance(ours, nn.Dense)
        with torch.no_grad():
            value.copy_(torch.tensor(ours_now.T if transposed else ours_now))

    def loss(layer, x):
        return np.sum(call(layer, x) * weights)

    variable = torch.tensor(x, requires_grad=True)
    expected = theirs(variable)
    (expected * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(call(ours, x), expected.detach().numpy(), **TIGHT)
    gradients, towards_input = grad(loss, argnums=(0, 1))(ours, x)
    np.testing.assert_allclose(towards_input, variable.grad.numpy(), **TIGHT)
    for their_name, our_name in names.items():
        gradient = getattr(theirs, their_name).grad.numpy()
        expected = gradient.T if isinstance(ours, nn.Dense) and gradient.ndim == 2 else gradient
        np.testing.assert_allclose(getattr(gradients, our_name), expected, **TIGHT)


@pytest.mark.parametrize("shape", [(7, 5), (2, 7, 5)])
def test_dense(shape):
    x = RANDOM.normal(size=shape)
    compare(
        nn.Dense(3).initialize(x), torch.nn.Linear(5, 3), x, {"weight": "weight", "bias": "bias"}
    )
    compare(
        nn.Dense(3, use_bias=False).initialize(x),
        torch.nn.Linear(5, 3, bias=False),
        x,
        {"weight": "weight"},
    )


@pytest.mark.parametrize("shape", [(7, 5), (2, 3, 5)])
def test_layer_norm(shape):
    x = 3 + 2 * RANDOM.normal(size=shape)
    layer = nn.LayerNorm().initialize(x)
    layer.load_state({"weight": RANDOM.normal(size=5), "bias": RANDOM.normal(size=5)})
    compare(layer, torch.nn.LayerNorm(5), x, {"weight": "weight", "bias": "bias"})
    compare(
        nn.LayerNorm(epsilon=0.1).initialize(x),
        torch.nn.LayerNorm(5, eps=0.1),
        x,
        {"weight": "weight", "bias": "bias"},
    )


def test_batch_norm_in_training():
    x = 3 + 2 * RANDOM.normal(size=(9, 5))
    layer = nn.BatchNorm().initialize(x)
    layer.weight, layer.bias = RANDOM.normal(size=(2, 5))
    compare(layer, torch.nn.BatchNorm1d(5), x, {"weight": "weight", "bias": "bias"}, call=training)


def test_batch_norm_outside_training():
    x = 3 + 2 * RANDOM.normal(size=(9, 5))
    layer = nn.BatchNorm().initialize(x)
    layer.running_mean, layer.running_variance = RANDOM.uniform(1, 2, size=(2, 5))
    theirs = torch.nn.BatchNorm1d(5).double().eval()
    with torch.no_grad():
        theirs.running_mean.copy_(torch.tensor(layer.running_mean))
        theirs.running_var.copy_(torch.tensor(layer.running_variance))
    compare(layer, theirs, x, {"weight": "weight", "bias": "bias"})


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.7, 1.0])
def test_batch_norm_running_statistics_after_several_batches(momentum):
    layer = nn.BatchNorm(momentum=momentum)
    theirs = torch.nn.BatchNorm1d(5, momentum=momentum).double()
    for size in (9, 4, 2, 9):
        x = 3 + 2 * RANDOM.normal(size=(size, 5))
        training(layer, x)
        theirs(torch.tensor(x))
        np.testing.assert_allclose(layer.running_mean, theirs.running_mean.numpy(), **TIGHT)
        np.testing.assert_allclose(layer.running_variance, theirs.running_var.numpy(), **TIGHT)
    theirs.eval()
    expected = theirs(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(layer(x), expected, **TIGHT)


def test_batch_norm_of_images_takes_the_last_axis_as_channels():
    x = 3 + 2 * RANDOM.normal(size=(4, 6, 7, 5))
    layer, theirs = nn.BatchNorm(), torch.nn.BatchNorm2d(5).double()
    expected = theirs(torch.tensor(np.moveaxis(x, -1, 1))).detach().numpy()
    np.testing.assert_allclose(training(layer, x), np.moveaxis(expected, 1, -1), **TIGHT)
    np.testing.assert_allclose(layer.running_variance, theirs.running_var.numpy(), **TIGHT)


def test_embedding():
    indices = np.array([[0, 2, 2], [4, 0, 2]])
    layer = nn.Embedding(5, 3).initialize(indices)
    weights = RANDOM.normal(size=(2, 3, 3)).astype(np.float32)
    theirs = torch.nn.Embedding(5, 3)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(layer.weight))
    output = theirs(torch.tensor(indices))
    (output * torch.tensor(weights)).sum().backward()
    np.testing.assert_array_equal(layer(indices), output.detach().numpy())
    gradient = grad(lambda layer: np.sum(layer(indices) * weights))(layer).weight
    np.testing.assert_allclose(gradient, theirs.weight.grad.numpy(), rtol=1e-6)


def test_a_network_trained_by_hand_follows_torch():
    """Forward, backward and ten steps of plain gradient descent, in float64."""
    from gradiente.base.trees import map_tree

    x, y = RANDOM.normal(size=(20, 4)), RANDOM.normal(size=(20, 2))
    net = nn.Sequential(nn.Dense(8), nn.tanh, nn.LayerNorm(), nn.Dense(2)).initialize(x)
    theirs = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.LayerNorm(8), torch.nn.Linear(8, 2)
    ).double()
    with torch.no_grad():
        for place in (0, 3):
            theirs[place].weight.copy_(torch.tensor(net[place].weight.T))
            theirs[place].bias.zero_()
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    for _ in range(10):
        gradients = grad(lambda net: np.mean((net(x) - y) ** 2))(net)
        net = map_tree(lambda p, g: p - 0.1 * g, net, gradients)
        optimizer.zero_grad()
        torch.mean((theirs(torch.tensor(x)) - torch.tensor(y)) ** 2).backward()
        optimizer.step()
    np.testing.assert_allclose(net(x), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-11)
