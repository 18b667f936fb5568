"""Layer-sequential unit variance: every layer's outputs have variance one on the batch."""

import numpy as np
import pytest

from gradiente import nn
from gradiente.base.errors import InvalidArgumentError

RANDOM = np.random.default_rng(2)
X = 5 * RANDOM.normal(size=(200, 7)) + 1


def outputs(network, x):
    calls = []
    with nn.running(nn.Context(calls=calls)):
        network(x)
    return {path: value for path, _, value in calls}


def deep(activation=nn.relu, depth=8):
    layers = [part for _ in range(depth) for part in (nn.Dense(30), activation)]
    return nn.Sequential(*layers, nn.Dense(3))


@pytest.mark.parametrize("activation", [nn.relu, nn.tanh, nn.sigmoid])
def test_the_outputs_of_every_layer_have_variance_one(activation):
    network = deep(activation)
    assert nn.lsuv(network, X, tolerance=1e-3) is network
    for path, value in outputs(network, X).items():
        if path:
            assert np.var(value) == pytest.approx(1, abs=1e-3), path
    plain = deep(activation).initialize(X)
    assert max(abs(np.var(v) - 1) for v in outputs(plain, X).values()) > 0.3


def test_weights_are_scaled_orthogonal_ones():
    network = nn.lsuv(deep(), X)
    for path, weight in network.parameters().items():
        if path.endswith("weight"):
            singular = np.linalg.svd(weight, compute_uv=False)
            np.testing.assert_allclose(singular, singular[0], rtol=1e-6)
        else:
            assert not weight.any()


def test_convolutions_and_whatever_the_order_of_attributes():
    class Net(nn.Module):
        def __init__(self):
            self.last = nn.Dense(4)
            self.norm = nn.BatchNorm()
            self.first = nn.Convolution(6, 3)
            self.flatten = nn.Flatten()

        def __call__(self, x):
            return self.last(self.flatten(nn.relu(self.norm(self.first(x)))))

    x = RANDOM.normal(size=(40, 8, 8, 2)).astype(np.float32)
    network = Net()
    nn.lsuv(network, x, tolerance=0.01)
    found = outputs(network, x)
    assert np.var(found["first"]) == pytest.approx(1, abs=0.02)
    assert np.var(found["last"]) == pytest.approx(1, abs=0.02)
    assert network.first.weight.dtype == np.float32
    np.testing.assert_array_equal(network.norm.weight, 1)
    np.testing.assert_array_equal(network.norm.running_mean, 0)


def test_frozen_layers_stay():
    network = deep().initialize(X)
    network.freeze("0")
    before = network[0].weight.copy()
    nn.lsuv(network, X)
    np.testing.assert_array_equal(network[0].weight, before)
    assert np.var(outputs(network, X)["2"]) == pytest.approx(1, abs=0.1)


def test_a_shared_layer_is_scaled_once():
    shared = nn.Dense(7)
    network = nn.Sequential(shared, nn.relu, shared)
    nn.lsuv(network, X)
    first = X @ shared.weight
    assert np.var(first) == pytest.approx(1, abs=0.1)


def test_a_weight_that_two_layers_share_stays_shared():
    network = nn.Sequential(nn.Dense(7), nn.Dense(7)).initialize(X)
    network[1].weight = network[0].weight
    nn.lsuv(network, X)
    assert network[1].weight is network[0].weight
    assert np.var(outputs(network, X)["0"]) == pytest.approx(1, abs=0.1)


def test_the_same_seed_gives_the_same_bits():
    first, again, other = (nn.lsuv(deep(), X, seed=seed).state() for seed in (1, 1, 2))
    for path, value in first.items():
        np.testing.assert_array_equal(value, again[path])
    assert (first["0.weight"] != other["0.weight"]).any()


def test_inputs_that_are_all_zero_end_it():
    network = nn.lsuv(deep(depth=1), np.zeros((5, 7)))
    assert all(np.isfinite(value).all() for value in network.state().values())


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: nn.lsuv(nn.Sequential(nn.BatchNorm()), X), "no layer with a trained weight"),
        (lambda: nn.lsuv(deep(), X, tolerance=0), "`tolerance` is 0"),
        (lambda: nn.lsuv(deep(), X, iterations=0), "`iterations` is 0"),
    ],
)
def test_refused(make, text):
    with pytest.raises(InvalidArgumentError, match=text):
        make()
