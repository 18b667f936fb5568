"""Workloads: sizes, arithmetic, and data that anyone can make again."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.networks.kinds import KINDS
from benchmarks.peers.gradiente.training import network
from benchmarks.process import FOLDER
from benchmarks.workloads import GROUPS, WORKLOADS, Workload, perceptron

TINY = perceptron("tiny", 5, 4, 3, batch=2, batches=3)
DISTINCT = [name for name in WORKLOADS if name != "W3"]  # which is large


def test_flops_are_those_of_five_products():
    # of two layers: two outputs, two gradients of weights, one of an input
    first, second = 2 * 2 * 5 * 4, 2 * 2 * 4 * 3
    assert TINY.flops == 2 * first + 3 * second


def test_the_workloads_of_the_table():
    assert [w.name for w in GROUPS["main"]] == ["W1", "W2", "W3"]
    assert [w.name for w in GROUPS["networks"]] == ["W4", "W5", "W6", "W7"]
    assert GROUPS["all"] == tuple(WORKLOADS.values())
    assert WORKLOADS["W1"].flops == 2 * 32 * (2 * 30 * 64 + 3 * (64 * 64 + 64 * 2))


@pytest.mark.parametrize(
    ("name", "products"),
    [
        (
            "W4",
            [28 * 28 * 9 * 32, 14 * 14 * 9 * 32 * 64, 7 * 7 * 64 * 128, 128 * 10],
        ),
        ("W6", [0, *[64 * 12 * 128**2 + 2 * 64**2 * 128] * 4, 64 * 128 * 65]),
        ("W7", [64 * 64 * 512, 64 * 128 * 512, 128 * 10]),
    ],
)
def test_products_of_one_sample(name, products):
    assert list(WORKLOADS[name].network.products) == products


def test_products_of_a_residual_network():
    found = WORKLOADS["W5"].network.products
    assert found[0] == 32 * 32 * 9 * 3 * 16 and found[-1] == 64 * 10
    assert len(found) == 1 + 2 * 9 + 2 + 1  # twenty layers, and two shortcuts
    assert sum(found) == pytest.approx(41e6, rel=0.02)  # in the paper 40.8 million, without these


def test_parameters_of_the_networks():
    trained = {
        workload.name: sum(
            weight.size for name, weight in workload.weights().items() if ".running_" not in name
        )
        for workload in GROUPS["networks"]
    }
    assert trained["W4"] == 320 + 18_496 + 401_536 + 1_290
    assert trained["W5"] == pytest.approx(0.27e6, rel=0.02)  # the paper's 0.27 million
    assert trained["W7"] == 512 * (64 + 128 + 1) + 1_290


@pytest.mark.parametrize("name", DISTINCT)
def test_data_are_of_the_size_and_type_of_the_workload(name):
    workload = WORKLOADS[name].shortened(2)
    x, y = workload.data()
    assert len(x) == len(y) == 2 * workload.batch
    assert x.dtype == (np.int32 if workload.network.kind == "transformer" else workload.dtype)
    if workload.regression:
        assert y.shape == (len(x), 1) and y.dtype == workload.dtype
    else:
        assert y.dtype == np.int32 and y.min() >= 0 and len(np.unique(y)) > 1
    assert all(weight.dtype == workload.dtype for weight in workload.weights().values())


def test_weights_have_the_names_and_shapes_of_our_layers(small):
    built, weights = network(small), small.weights()
    state = built.state()
    assert set(state) == set(weights)
    for name, weight in weights.items():
        np.testing.assert_array_equal(state[name], weight)


def test_a_text_is_followed_by_itself():
    x, y = next(w for w in GROUPS["networks"] if w.name == "W6").shortened(1).data()
    np.testing.assert_array_equal(x[:, 1:], y[:, :-1])


def test_the_seed_decides(small):
    other = replace(small, seed=1)
    for one, same, different in zip(
        (*small.data(), *small.weights().values()),
        (*small.data(), *small.weights().values()),
        (*other.data(), *other.weights().values()),
        strict=True,
    ):
        np.testing.assert_array_equal(one, same)
        assert len(np.unique(one)) == 1 or not np.array_equal(one, different)


def test_a_shorter_epoch_has_at_most_what_there_was():
    assert TINY.shortened(2).batches == 2
    assert TINY.shortened(9) == TINY


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=lambda workload: workload.name)
def test_a_record_survives_json(workload):
    assert Workload.from_record(json.loads(json.dumps(workload.record()))) == workload


@pytest.mark.parametrize("peer", ["gradiente", "torch", "jax"])
def test_a_peer_has_a_module_for_each_kind(peer):
    for kind in KINDS:
        assert (FOLDER / "benchmarks" / "peers" / peer / f"{kind}.py").exists()
        assert (FOLDER / "benchmarks" / "networks" / f"{kind}.py").exists()
