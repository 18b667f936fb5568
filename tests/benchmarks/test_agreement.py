"""The libraries compute the same on a small network, and would be caught if they did not."""

import math
from importlib.util import find_spec

import pytest

from benchmarks.agreement import EPOCHS, TOLERANCE, agrees, differences
from benchmarks.libraries import LIBRARIES
from benchmarks.training import Unsuitable
from benchmarks.workloads import Workload

CLASSES = Workload("classes", (6, 9, 5, 3), batch=8, batches=12)
NUMBER = Workload("number", (6, 9, 1), batch=8, batches=12)


def losses(name: str, workload: Workload) -> list[float]:
    options = {"backend": "numpy"} if name == "gradiente" else {}
    return LIBRARIES[name].training(workload, **options).losses(EPOCHS)


@pytest.mark.parametrize("workload", [CLASSES, NUMBER], ids=lambda workload: workload.name)
@pytest.mark.parametrize("name", ["torch", "jax.jit", "jax.scan", "sklearn"])
def test_a_peer_computes_what_we_compute(name, workload):
    if not LIBRARIES[name].installed:
        pytest.skip(f"{name} is not installed")
    found = {"gradiente": losses("gradiente", workload), name: losses(name, workload)}
    assert found[name][1] < found[name][0]  # it learns
    assert differences(found, "gradiente")[name] < 1e-4


def test_training_goes_on_where_it_was():
    training = LIBRARIES["gradiente"].training(CLASSES, backend="numpy")
    first = training.losses(1)
    training.train(3)
    assert training.losses(1) < first


@pytest.mark.skipif(not find_spec("sklearn"), reason="scikit-learn is not installed")
def test_what_cannot_be_compared_says_why():
    two = LIBRARIES["sklearn"].training(Workload("two", (6, 9, 2), batch=8, batches=2))
    assert "one logistic output" in two.note
    with pytest.raises(Unsuitable, match="one logistic output"):
        two.losses(1)
    with pytest.raises(Unsuitable, match="hidden layer"):
        LIBRARIES["sklearn"].training(Workload("linear", (6, 3), batch=8, batches=2))


def test_differences_are_relative_and_the_largest_counts():
    found = differences({"a": [2.0, 1.0], "b": [2.0, 1.1], "c": [2.1, 1.0]}, "a")
    assert found == {"a": 0.0, "b": pytest.approx(0.1), "c": pytest.approx(0.05)}


def test_the_tolerance_and_a_loss_that_is_no_number():
    assert agrees(TOLERANCE) and not agrees(2 * TOLERANCE) and not agrees(math.nan)
