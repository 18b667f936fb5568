"""The state as a tree: what is carried over when the network has changed."""

import numpy as np
import pytest

from gradiente import nn, optimizers
from gradiente.base.errors import InvalidArgumentError
from gradiente.train.state import carried, is_complete, state_of, weights_of, with_rate_scale

X = np.ones((2, 3))


def made():
    return nn.Sequential(nn.Dense(4), nn.BatchNorm(), nn.Dense(2)).initialize(X)


def test_it_has_every_part_and_copies_of_the_weights():
    net = made()
    state = state_of(net, optimizers.Adam(0.1), seed=3, accumulate=2)
    assert list(state) == [
        "parameters",
        "fixed",
        "buffers",
        "optimizer",
        "key",
        "batches",
        "accumulated",
    ]
    assert is_complete(state)
    assert not is_complete({**state, "optimizer": np.zeros(1)})
    assert not is_complete({part: v for part, v in state.items() if part != "key"})
    for part, arrays in weights_of(net).items():
        for path, value in arrays.items():
            assert value is net.state()[path]
            assert not np.shares_memory(state[part][path], value)


def test_what_is_still_trained_keeps_its_moments():
    net, adam = made(), optimizers.Adam(0.1)
    before = state_of(net, adam, 0, 2)
    marked = {
        **before,
        "batches": np.array(7),
        "optimizer": {
            **before["optimizer"],
            "step": np.array(5),
            "slots": {
                path: {name: np.full_like(v, 9.0) for name, v in slots.items()}
                for path, slots in before["optimizer"]["slots"].items()
            },
        },
        "accumulated": {"gradients": {}, "weight": np.array(3.0)},
        "sums": "sums",
    }
    net.freeze("0.*")
    net[2].weight = np.zeros((4, 3))  # of another shape: its moments begin anew
    after = state_of(net, adam, 0, 2, marked)
    slots = after["optimizer"]["slots"]
    assert set(slots) == {"1.weight", "1.bias", "2.weight", "2.bias"}
    assert all((v == 9).all() for v in slots["1.weight"].values())
    assert all((v == 0).all() for v in slots["2.weight"].values())
    assert (after["batches"], after["optimizer"]["step"], after["sums"]) == (7, 5, "sums")
    assert after["accumulated"]["weight"] == 0.0
    assert set(after["accumulated"]["gradients"]) == set(slots)


def test_carried_takes_what_is_alike():
    new = {"a": np.zeros(2), "b": {"c": np.zeros(1), "d": np.zeros(1)}, "e": np.zeros(1, int)}
    old = {"a": np.ones(2), "b": {"c": np.ones(2)}, "e": np.ones(1), "f": np.ones(1)}
    found = carried(new, old)
    assert list(found) == ["a", "b", "e"]
    assert found["a"] is old["a"]
    assert found["b"]["c"] is new["b"]["c"]  # another shape
    assert found["e"] is new["e"]  # another type
    assert carried({"a": {"b": np.zeros(1)}}, {"a": np.ones(1)})["a"]["b"] == 0
    assert carried({"a": np.zeros(1)}, {"a": {}})["a"] == 0


def test_the_rate_is_scaled_in_the_state():
    state = state_of(made(), optimizers.SGD(0.1), 0, 1)
    assert with_rate_scale(state, 0.5)["optimizer"]["rate_scale"] == 0.5
    assert state["optimizer"]["rate_scale"] == 1.0


def test_nothing_to_train():
    with pytest.raises(InvalidArgumentError, match="has no parameters"):
        state_of(nn.Sequential(np.tanh), optimizers.SGD(0.1), 0, 1)
    with pytest.raises(InvalidArgumentError, match="all parameters are frozen"):
        state_of(made().freeze(), optimizers.SGD(0.1), 0, 1)
