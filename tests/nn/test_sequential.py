"""Layers one after the other."""

import numpy as np
import pytest

from gradiente import nn
from gradiente.base.errors import TypeMismatchError

X = np.random.default_rng(2).normal(size=(6, 4)).astype(np.float32)


def test_any_python_callable_is_a_layer():
    class Double:
        def __call__(self, x):
            return 2 * x

    net = nn.Sequential(nn.Dense(3), np.tanh, lambda x: x[:, :2], Double(), nn.Flatten())
    y = net(X)
    np.testing.assert_allclose(y, 2 * np.tanh(net[0](X))[:, :2], rtol=1e-6)


def test_nested_layers_are_named_by_position():
    net = nn.Sequential(nn.Sequential(nn.Dense(3), nn.relu), nn.relu, nn.Sequential(nn.Dense(2)))
    assert list(net.initialize(X).parameters()) == [
        "0.0.weight",
        "0.0.bias",
        "2.0.weight",
        "2.0.bias",
    ]


def test_it_is_a_sequence():
    net = nn.Sequential(nn.Dense(3), nn.relu, nn.Dense(2))
    assert len(net) == 3
    assert net[0] is net.layers[0] and net[-1] is net.layers[2]
    assert list(net) == net.layers
    head = net[:2]
    assert type(head) is nn.Sequential and head[0] is net[0]
    with pytest.raises(IndexError):
        net[3]


def test_an_empty_one_is_the_identity():
    assert nn.Sequential()(X) is X


def test_further_attributes_are_no_layers():
    net = nn.Sequential(nn.Dense(3))
    net.name, net.scale = "net", np.ones(1)
    assert len(net) == 1
    assert net(X).shape == (6, 3)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Dense, r"layer 1 of Sequential is the class Dense \(write Dense\(\.\.\.\)\)"),
        ("relu", r"layer 1 of Sequential is the text 'relu' \(write nn\.relu\)"),
        ([nn.Dense(2)], r"a list \(write Sequential\(\*layers\)\)"),
        (3, r"layer 1 of Sequential is 3, which cannot be called"),
        (None, r"layer 1 of Sequential is None"),
    ],
)
def test_what_cannot_be_called_is_refused(layer, text):
    with pytest.raises(TypeMismatchError, match=text):
        nn.Sequential(nn.relu, layer)


def test_repr():
    net = nn.Sequential(nn.Dense(3), nn.relu, nn.Sequential(nn.Dropout(0.5)))
    assert repr(net) == "Sequential(Dense(3), relu, Sequential(Dropout(0.5)))"
