"""Steps that run again and again on one state, and on another one after it."""

import gc
import weakref

import numpy as np
import pytest

from gradiente.backends.steps import CompiledSteps

DATA = np.arange(12.0).reshape(12, 1)
ORDER = np.arange(12).reshape(6, 2)


def moved(state, batch):
    """A step whose result depends on every batch, and on their order."""
    return {"w": 0.5 * state["w"] + batch.sum(), "count": state["count"] + 1}


def start(value=1.0):
    return {"w": np.full(3, value), "count": np.zeros((), np.int64)}


@pytest.fixture(params=["native", "numpy"])
def steps(request):
    return CompiledSteps(moved, request.param)


def test_runs_that_follow_each_other_are_one_run(steps):
    whole = steps.run(start(), DATA, ORDER)
    whole = {name: np.array(value) for name, value in whole.items()}
    state = start()
    for row in ORDER:
        state = steps.run(state, DATA, row[None])
    assert steps.variants == 1
    for name, value in whole.items():
        np.testing.assert_array_equal(state[name], value)


def test_a_state_that_was_changed_on_the_way_is_taken_as_it_is(steps):
    state = steps.run(start(), DATA, ORDER[:1])
    state = {**state, "w": np.zeros(3)}
    state = steps.run(state, DATA, ORDER[1:2])
    np.testing.assert_array_equal(state["w"], np.full(3, DATA[2:4].sum()))
    assert state["count"] == 2


def test_a_former_state_is_not_kept_alive(steps):
    """With its optimizer it may be three times the network."""
    former = steps.run(start(), DATA, ORDER)
    former = steps.run(former, DATA, ORDER[:, :1])  # other work, which is known by itself
    gone = weakref.ref(former["w"])
    former = None
    for order in (ORDER, ORDER[:, :1]):
        latest = steps.run(start(2.0), DATA, order)
    gc.collect()
    assert gone() is None
    assert latest["count"] == len(ORDER)
