"""Networks made to suffer are diagnosed, each of what it suffers from; healthy ones are not."""

import re

import numpy as np
import pytest

from gradiente import initializers, losses, nn, optimizers
from gradiente.insight.flow import findings
from gradiente.train.trainer import Trainer

RANDOM = np.random.default_rng(11)
X = RANDOM.normal(size=(256, 10)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)


def found(network, rate=1e-3, x=X, **options):
    trainer = Trainer(network, losses.cross_entropy, optimizers.Adam(rate))
    options = {"epochs": 3, "batch_size": 32, "flow": 4, **options}
    return findings(trainer.fit(x, Y, verbose=False, **options).flow)


def deep(activation, depth=8, **options):
    layers = [layer for _ in range(depth) for layer in (nn.Dense(24, **options), activation)]
    return nn.Sequential(*layers, nn.Dense(2))


def kinds(findings):
    return [each.kind for each in findings]


@pytest.mark.parametrize("activation", [nn.relu, nn.tanh, nn.silu, nn.gelu, nn.leaky_relu])
def test_a_healthy_network_is_left_in_peace(activation):
    he = {"weight_initializer": initializers.he_normal}
    assert found(deep(activation, depth=3, **he), epochs=20) == []


def test_healthy_networks_of_other_kinds():
    images = RANDOM.normal(size=(256, 8, 8, 1)).astype(np.float32)
    network = nn.Sequential(
        nn.Convolution(8, 3), nn.BatchNorm(), nn.relu, nn.MaxPool(2), nn.Flatten(), nn.Dense(2)
    )
    assert found(network, x=images) == []
    sequences = X.reshape(256, 5, 2)
    assert found(nn.Sequential(nn.LSTM(8), nn.Flatten(), nn.Dense(2)), x=sequences) == []


def test_vanishing():
    (first,) = found(deep(nn.sigmoid, depth=8))
    assert first.kind == "vanishing" and first.layer == "0" and first.epoch == 1
    assert "vanishes" in first.text and "`16 Dense`" in first.text and "nn.relu" in first.text


def test_exploding():
    large = {"weight_initializer": initializers.normal(std=2.0)}
    first = found(deep(nn.relu, depth=8, **large))[0]
    assert first.kind == "exploding" and first.layer == "0" and "clip_norm=1.0" in first.text


def test_dead():
    network = deep(nn.relu, depth=2).initialize(X)
    network[2].bias[:18] = -100.0
    (only,) = found(network)
    assert only.kind == "dead" and only.layer == "2" and only.text.startswith("75% of the units")


def test_saturated():
    network = deep(nn.tanh, depth=2)
    (only,) = found(network, x=100 * X)
    assert only.kind == "saturated" and only.layer == "0" and "scaled to mean 0" in only.text


def test_a_saturated_output_is_what_is_wanted():
    rows = [row(0, layer="0"), row(0, layer="1", saturated=1.0)]
    assert findings(rows) == []


def test_updates_that_are_too_large():
    assert "update" in kinds(found(deep(nn.tanh, depth=1), rate=1.0))


def test_remedies_have_names_that_exist():
    rows = [row(1, error=1e9, dead=1.0, saturated=1.0, update=1.0), row(1, error=1e-9), row(1)]
    texts = " ".join(each.text for each in findings(rows))
    assert {"exploding", "vanishing", "dead", "saturated", "update"} == set(kinds(findings(rows)))
    for name in re.findall(r"nn\.(\w+)", texts):
        assert hasattr(nn, name)
    assert hasattr(initializers, "he_normal") and hasattr(initializers, "glorot_uniform")


def row(epoch, **values):
    usual = {"gradient": 1.0, "activation": 1.0, "error": 1.0, "update": 1e-3}
    numbers = {"dead": None, "saturated": None, **usual}
    return {"epoch": epoch, "layer": "0", "kind": "Dense", **numbers, **values}


def test_it_says_since_when_and_forgets_what_is_over():
    shares = [0.9, 0.0, 0.8, 0.9]
    (only,) = findings(row(epoch, dead=share) for epoch, share in enumerate(shares, start=1))
    assert only.epoch == 3 and only.text.endswith("(Since epoch 3.)")
    assert findings([row(1, dead=0.9), row(2, dead=0.1)]) == []
    assert findings([]) == []


def test_numbers_that_are_none():
    for name in ("gradient", "activation", "error", "update"):
        assert kinds(findings([row(1, **{name: np.inf})])) == ["exploding"]
    assert findings([row(1, error=None), row(1, error=None)]) == []
