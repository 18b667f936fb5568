"""Networks as trees: gradients, maps and compiled functions take them as arguments."""

import copy

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn, optimizers
from gradiente.base.errors import GradienteError, TreeError
from gradiente.base.trees import flatten, leaves_of, map_tree, paths_of
from gradiente.optimizers.optimizer import apply_updates

X = np.random.default_rng(1).normal(size=(6, 4))


def made():
    return nn.Sequential(nn.Dense(5), nn.tanh, nn.BatchNorm(), nn.Dense(2)).initialize(X)


def loss(net, x):
    return np.mean(net(x) ** 2)


def test_the_leaves_are_the_trainable_parameters():
    net = made()
    assert paths_of(net) == ["0.weight", "0.bias", "2.weight", "2.bias", "3.weight", "3.bias"]
    assert all(a is b for a, b in zip(leaves_of(net), net.parameters().values(), strict=True))
    net.freeze("0.*")
    assert paths_of(net) == ["2.weight", "2.bias", "3.weight", "3.bias"]


def test_a_gradient_is_a_network_of_gradients():
    net = made()
    gradients = gd.grad(loss)(net, X)
    assert type(gradients) is nn.Sequential
    assert gradients[3].weight.shape == (5, 2)
    assert paths_of(gradients) == paths_of(net)
    assert gradients[0] is not net[0]
    value, again = gd.value_and_grad(loss)(net, X)
    np.testing.assert_allclose(value, loss(net, X), rtol=1e-12)
    np.testing.assert_array_equal(again[0].weight, gradients[0].weight)


def test_functions_of_trees_take_network_and_gradients_together():
    net = made()
    before = loss(net, X)
    gradients = gd.grad(loss)(net, X)
    moved = map_tree(lambda p, g: p - 0.1 * g, net, gradients)
    assert loss(moved, X) < before
    assert loss(net, X) == before
    np.testing.assert_array_equal(moved[0].bias, net[0].bias - 0.1 * gradients[0].bias)
    assert moved[2].running_mean is net[2].running_mean  # what is no leaf is the same


def test_optimizers_take_networks():
    net = made()
    optimizer = optimizers.Adam(0.05)
    state = optimizer.init(net)
    step = gd.compile(gd.value_and_grad(loss))
    values = []
    for _ in range(20):
        value, gradients = step(net, X)
        updates, state = optimizer.update(gradients, state, net)
        net = apply_updates(net, updates)
        values.append(value)
    assert values[-1] < 0.5 * values[0]
    assert step.variants == 1  # rebuilt networks are the same to a compiled function


def test_a_compiled_function_notices_what_is_constant_in_it():
    net = made()
    call = gd.compile(lambda net, x: net(x))
    np.testing.assert_allclose(call(net, X), net(X), rtol=1e-12)
    net[2].running_mean = net[2].running_mean + 1.0
    np.testing.assert_allclose(call(net, X), net(X), rtol=1e-12)
    net.freeze("0.*")
    net[0].weight = net[0].weight * 2
    np.testing.assert_allclose(call(net, X), net(X), rtol=1e-12)
    net[2].epsilon = 0.5
    np.testing.assert_allclose(call(net, X), net(X), rtol=1e-12)


def test_frozen_parameters_are_constants():
    net = made().freeze("0.*")
    gradients = gd.grad(loss)(net, X)
    assert paths_of(gradients) == ["2.weight", "2.bias", "3.weight", "3.bias"]
    assert gradients[0].weight is net[0].weight
    thawed = made()
    np.testing.assert_allclose(gradients[3].weight, gd.grad(loss)(thawed, X)[3].weight)


def test_gradients_of_gradients():
    net = nn.Sequential(nn.Dense(2), nn.tanh).initialize(X)
    vector = map_tree(np.ones_like, net)
    product = gd.hvp(lambda net: loss(net, X), (net,), (vector,))[0]
    step = 1e-5
    ahead, behind = (
        gd.grad(loss)(map_tree(lambda p, s=sign: p + s * step, net), X) for sign in (1, -1)
    )
    expected = (ahead[0].weight - behind[0].weight) / (2 * step)
    np.testing.assert_allclose(product[0].weight, expected, rtol=1e-6, atol=1e-9)


def test_a_number_without_axes_stays_a_parameter():
    class Scale(nn.Module):
        def __init__(self):
            self.factor = np.array(2.0)

        def __call__(self, x):
            return self.factor * x

    net = Scale()
    for call in (gd.grad(loss), gd.compile(gd.grad(loss))):
        gradients = call(net, X)
        assert paths_of(gradients) == ["factor"]
        moved = map_tree(lambda p, g: p - 0.1 * g, net, gradients)
        np.testing.assert_allclose(moved.factor, 2.0 - 0.1 * 4.0 * np.mean(X**2))
        assert type(moved.factor) is np.ndarray


def test_a_network_without_parameters_yet_is_refused():
    """Its gradient would be empty, and a loop over it would train nothing."""
    for call in (gd.grad(loss), gd.compile(loss)):
        with pytest.raises(GradienteError, match=r"`weight` of Dense .* yet.*initialize"):
            call(nn.Sequential(nn.Dense(3)), X)


def test_parts_of_a_rebuilt_network_are_trees_of_their_own():
    net = made()
    gradients = gd.grad(loss)(net, X)
    moved = map_tree(lambda p, g: p - g, net[0], gradients[0])
    np.testing.assert_array_equal(moved.weight, net[0].weight - gradients[0].weight)


def test_attributes_that_cannot_be_copied_are_kept_as_they_are():
    import threading

    net = made()
    net.lock, net._notes = threading.Lock(), [threading.Lock()]
    moved = map_tree(lambda p: p * 2, net)
    assert moved.lock is net.lock
    np.testing.assert_array_equal(moved[0].weight, net[0].weight * 2)


def test_networks_that_are_not_copies_of_each_other_do_not_mix():
    with pytest.raises(TreeError):
        map_tree(lambda a, b: a + b, made(), nn.Sequential(nn.Dense(5)).initialize(X))
    net = made()
    assert flatten(net)[1] == flatten(map_tree(np.copy, net))[1]
    assert flatten(net)[1] != flatten(copy.deepcopy(net))[1]
    assert hash(flatten(net)[1]) == hash(flatten(map_tree(np.copy, net))[1])


def test_verify_takes_networks():
    assert gd.verify(loss, made(), X)
