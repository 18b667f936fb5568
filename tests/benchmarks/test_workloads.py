"""Workloads: sizes, arithmetic, and data that anyone can make again."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.workloads import GROUPS, WORKLOADS, Workload

TINY = Workload("tiny", (5, 4, 3), batch=2, batches=3)


def test_flops_are_those_of_five_products():
    # of two layers: two outputs, two gradients of weights, one of an input
    first, second = 2 * 2 * 5 * 4, 2 * 2 * 4 * 3
    assert TINY.flops == 2 * first + 3 * second


def test_the_workloads_of_the_table():
    assert [w.name for w in GROUPS["main"]] == ["W1", "W2", "W3"]
    assert WORKLOADS["W1"].flops == 2 * 32 * (2 * 30 * 64 + 3 * (64 * 64 + 64 * 2))


@pytest.mark.parametrize("name", [name for name in WORKLOADS if name != "W3"])  # which is large
def test_data_and_weights_fit_together(name):
    workload = WORKLOADS[name]
    short = workload.shortened(2)
    (x, y), weights = short.data(), short.weights()
    assert x.shape == (2 * workload.batch, workload.layers[0]) and len(y) == len(x)
    assert x.dtype == weights[0][0].dtype == workload.dtype
    assert [w.shape for w, _ in weights] == workload.shapes
    if workload.regression:
        assert y.shape == (len(x), 1) and y.dtype == workload.dtype
    else:
        assert y.shape == (len(x),) and y.min() >= 0 and y.max() < workload.layers[-1]


def test_the_seed_decides():
    for one, same, other in zip(
        (*TINY.data(), *TINY.weights()[0]),
        (*TINY.data(), *TINY.weights()[0]),
        (*replace(TINY, seed=1).data(), *replace(TINY, seed=1).weights()[0]),
        strict=True,
    ):
        np.testing.assert_array_equal(one, same)
        assert not one.any() or not np.array_equal(one, other)


def test_a_shorter_epoch_has_at_most_what_there_was():
    assert TINY.shortened(2).batches == 2
    assert TINY.shortened(9) == TINY


def test_a_record_survives_json():
    assert Workload.from_record(json.loads(json.dumps(TINY.record()))) == TINY
