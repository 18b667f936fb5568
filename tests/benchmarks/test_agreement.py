"""The libraries compute the same on a small network, and would be caught if they did not."""

import math
from dataclasses import replace
from importlib.util import find_spec

import pytest

from benchmarks.agreement import EPOCHS, TOLERANCE, agrees, differences
from benchmarks.libraries import LIBRARIES
from benchmarks.networks.residual import Residual
from benchmarks.training import Unsuitable
from benchmarks.workloads import GROUPS, WORKLOADS, Workload, perceptron


def losses(name: str, workload: Workload, **options) -> list[float]:
    return LIBRARIES[name].training(workload, **options).losses(EPOCHS)


@pytest.mark.parametrize("name", ["torch", "jax.jit", "sklearn"])
def test_a_peer_computes_what_we_compute(name, small):
    if not LIBRARIES[name].installed:
        pytest.skip(f"{name} is not installed")
    if name == "sklearn" and small.network.kind != "perceptron":
        pytest.skip("scikit-learn has no such networks")
    ours = losses("gradiente", small, backend="numpy")
    found = {"gradiente": ours, name: losses(name, small)}
    assert found[name][1] < found[name][0]  # it learns
    assert differences(found, "gradiente")[name] < 1e-4


@pytest.mark.skipif(not LIBRARIES["jax.scan"].installed, reason="JAX is not installed")
def test_a_scan_goes_through_the_same_steps():
    network = Residual((4, 4, 1), (2, 3), 1, 3)  # which has statistics too
    workload = Workload("small", network, 4, 3, "AdamW")
    found = {name: losses(name, workload) for name in ("jax.jit", "jax.scan")}
    assert differences(found, "jax.jit")["jax.scan"] < 1e-5


def test_our_backends_compute_the_same(small):
    found = {
        backend: losses("gradiente", small, backend=backend) for backend in ("numpy", "native")
    }
    assert differences(found, "numpy")["native"] < 1e-5


def test_training_goes_on_where_it_was(small):
    training = LIBRARIES["gradiente"].training(small, backend="numpy")
    first = training.losses(1)
    training.train(3)
    assert training.losses(1) < first


@pytest.mark.skipif(not find_spec("sklearn"), reason="scikit-learn is not installed")
def test_what_cannot_be_compared_says_why():
    two = LIBRARIES["sklearn"].training(perceptron("two", 6, 9, 2, batch=8, batches=2))
    assert "one logistic output" in two.note
    with pytest.raises(Unsuitable, match="one logistic output"):
        two.losses(1)
    with pytest.raises(Unsuitable, match="hidden layer"):
        LIBRARIES["sklearn"].training(perceptron("linear", 6, 3, batch=8, batches=2))


@pytest.mark.skipif(not find_spec("sklearn"), reason="scikit-learn is not installed")
@pytest.mark.parametrize(
    "workload", [*GROUPS["networks"], replace(WORKLOADS["W1"], optimizer="AdamW")]
)
def test_scikit_learn_has_perceptrons_with_adam_only(workload):
    with pytest.raises(Unsuitable, match="multilayer perceptrons only, and Adam"):
        LIBRARIES["sklearn"].training(workload)


def test_differences_are_relative_and_the_largest_counts():
    found = differences({"a": [2.0, 1.0], "b": [2.0, 1.1], "c": [2.1, 1.0]}, "a")
    assert found == {"a": 0.0, "b": pytest.approx(0.1), "c": pytest.approx(0.05)}


def test_the_tolerance_and_a_loss_that_is_no_number():
    assert agrees(TOLERANCE) and not agrees(2 * TOLERANCE) and not agrees(math.nan)
