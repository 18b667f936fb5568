"""One program for whole batches and for the rest: when it is used, and what it is given."""

import numpy as np
import pytest

from gradiente.backends.sharing import Sharing
from gradiente.backends.steps import CompiledSteps
from gradiente.graph.graph import Graph

DRAWN = np.random.default_rng(3)
X = DRAWN.normal(size=(19, 3))
ORDER = DRAWN.permutation(19)
WHOLE, REST = ORDER[:16].reshape(2, 8), ORDER[16:].reshape(1, 3)


def towards_the_mean(state, x):
    mean = np.mean(x, axis=0)
    return {"mean": state["mean"] + 0.5 * (mean - state["mean"]), "steps": state["steps"] + 1}


def middle_first(state, x):
    return {**state, "mean": state["mean"] + np.sort(x, axis=0)[x.shape[0] // 2]}


def start():
    return {"mean": np.zeros(3), "steps": np.array(0)}


def by_hand(*orders):
    mean = np.zeros(3)
    for rows in (rows for order in orders for rows in order):
        mean = mean + 0.5 * (X[rows].mean(axis=0) - mean)
    return mean


@pytest.mark.usefixtures("every_improvement")
def test_the_rest_runs_on_the_program_of_the_whole_batches():
    steps = CompiledSteps(towards_the_mean, "native")
    state = steps.run(start(), X, WHOLE, whole=8)
    state = steps.run(state, X, REST, whole=8)
    assert steps.variants == 1
    assert state["steps"] == 3
    np.testing.assert_allclose(state["mean"], by_hand(WHOLE, REST), rtol=1e-14)
    assert set(state) == {"mean", "steps"}
    assert steps.graph.inputs[-1].type.shape == (8, 3)


@pytest.mark.usefixtures("every_improvement")
def test_other_rests_run_on_it_too():
    steps = CompiledSteps(towards_the_mean, "native")
    steps.run(start(), X, WHOLE, whole=8)
    for rows in range(1, 8):
        order = ORDER[:rows].reshape(1, rows)
        state = steps.run(start(), X, order, whole=8)
        np.testing.assert_allclose(state["mean"], by_hand(order), rtol=1e-14)
    state = steps.run(start(), X, WHOLE, whole=8)  # not what an earlier rest has left
    np.testing.assert_allclose(state["mean"], by_hand(WHOLE), rtol=1e-14)
    assert steps.variants == 1


@pytest.mark.parametrize(
    ("backend", "function", "sizes"),
    [("numpy", towards_the_mean, [8, 3]), ("native", middle_first, [8, 3])],
    ids=["a backend that does not compile", "a step that looks at other rows"],
)
def test_otherwise_the_rest_has_a_variant_of_its_own(backend, function, sizes):
    steps, reference = CompiledSteps(function, backend), CompiledSteps(function, "numpy")
    state, expected = start(), start()
    for order, size in zip((WHOLE, REST), sizes, strict=True):
        state = steps.run(state, X, order, whole=8)
        expected = reference.run(expected, X, order)
        assert steps.graph.inputs[-1].type.shape == (size, 3)
        np.testing.assert_allclose(state["mean"], expected["mean"], rtol=1e-14)
    assert steps.variants == 2


def test_a_rest_before_any_whole_batch_has_a_variant_of_its_own():
    steps = CompiledSteps(towards_the_mean, "native")
    steps.run(start(), X, REST, whole=8)
    steps.run(start(), X, WHOLE, whole=8)
    assert steps.variants == 2
    steps.run(start(), X, REST, whole=8)
    assert steps.variants == 2


@pytest.mark.usefixtures("every_improvement")
def test_nothing_is_masked_where_there_is_no_rest():
    whole, known = CompiledSteps(towards_the_mean, "native"), []
    for data, options in ((X[:16], {"whole": 8}), (X, {})):
        whole.run(start(), data, WHOLE % 16, **options)
        known.append(len(whole.program.module.graph.inputs))
    assert known == [3, 3]
    masked = CompiledSteps(towards_the_mean, "native")
    masked.run(start(), X, WHOLE, whole=8)
    assert len(masked.program.module.graph.inputs) == 3 + 2  # the count, and which rows are valid


@pytest.mark.usefixtures("every_improvement")
def test_threads_do_not_change_the_bits():
    def step(state, batch):
        return {**state, "mean": state["mean"] - 1e-3 * (np.tanh(batch).T @ batch).sum(axis=0)}

    data = DRAWN.normal(size=(1000, 400)).astype(np.float32)
    order = np.arange(1000)
    results = []
    for threads in (1, 2, 3):
        steps = CompiledSteps(step, "native", threads)
        state = {"mean": np.zeros(400, np.float32)}
        state = steps.run(state, data, order[:768].reshape(1, -1), whole=768)
        results.append(steps.run(state, data, order[768:].reshape(1, -1), whole=768)["mean"].copy())
        assert steps.variants == 1
    np.testing.assert_array_equal(results[1], results[0])
    np.testing.assert_array_equal(results[2], results[0])


def test_a_step_is_traced_once_for_each_size_of_the_rest():
    traced = []

    def trace(rows: int) -> Graph:
        traced.append(rows)
        steps = CompiledSteps(towards_the_mean, "numpy")
        steps.run(start(), X, ORDER[:rows].reshape(1, rows))
        return steps.graph

    sharing = Sharing(trace(8), states=2)
    for _ in range(2):
        assert all(sharing.serves(rows, lambda rows=rows: trace(rows)) for rows in (3, 5))
    assert traced == [8, 3, 5]
    np.testing.assert_array_equal(sharing.filled_up(REST), np.resize(REST, (1, 8)))
    assert sharing.filled_up(WHOLE) is WHOLE
    assert [given.tolist() for given in sharing.given(3)] == [3.0, [True] * 3 + [False] * 5]
