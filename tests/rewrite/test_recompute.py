"""What is cheap is computed again where it is needed, and not kept in memory."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.backends.native.machine.target import host
from gradiente.backends.native.module import NativeModule
from gradiente.base.trees import flatten
from gradiente.graph.graph import Graph
from gradiente.trace.trace import input_names, slot_of, trace

RANDOM = np.random.default_rng(1)
X, ROW = RANDOM.normal(size=(600, 64)), RANDOM.normal(size=64)


def module_of(function, *args):
    leaves, structure = flatten((args, {}))
    names = input_names(function, args, {})
    graph: Graph = trace(function, structure, [slot_of(x) for x in leaves], names).graph
    return NativeModule(graph, host())


def operations(module):
    return [
        [node.operation.name for node in w.kernel.nodes if node.operation] for w in module.written
    ]


def variance(x):
    """The mean is taken away in both reductions, but never stored."""
    away = x - np.mean(x, axis=0)
    return np.sum(away * away, axis=0), np.max(away, axis=0)


def check(function, *args):
    """The same with and without, and as NumPy has it."""
    got = flatten(gd.compile(function, backend="native")(*args))[0]
    for ours, numpys in zip(got, flatten(function(*args))[0], strict=True):
        np.testing.assert_allclose(ours, numpys, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("every_improvement")
def test_a_difference_is_formed_in_each_reduction_that_needs_it():
    found = operations(module_of(variance, X))
    assert sum("subtract" in names for names in found) == 2
    assert ["subtract"] not in found


def test_without_it_the_difference_is_kept(monkeypatch):
    monkeypatch.setenv("GRADIENTE_SKIP", "recompute")
    found = operations(module_of(variance, X))
    assert sum("subtract" in names for names in found) == 1
    arena = module_of(variance, X).arena_size
    monkeypatch.setenv("GRADIENTE_SKIP", "")
    assert module_of(variance, X).arena_size < arena - X.nbytes / 2


@pytest.mark.parametrize(
    "function",
    [
        variance,
        lambda x: (x - np.mean(x, axis=1, keepdims=True)) @ np.ones((64, 3)) + np.max(x),
        lambda x: (np.sum(x * 2.0 + ROW, axis=1), np.tanh(x * 2.0 + ROW), np.max(x * 2.0 + ROW)),
        lambda x: (np.sum(x + ROW), (x + ROW).T @ x, np.exp(x + ROW)),
        lambda x: (np.sum(-(x + ROW), axis=0), np.max(np.exp(-(x + ROW)), axis=0)),
        lambda x: (x + ROW, np.sum(x + ROW), np.max(np.exp(x + ROW), axis=1)),
    ],
)
def test_the_results_are_the_same(function):
    check(function, X)


@pytest.mark.usefixtures("every_improvement")
def test_what_is_costly_is_kept():
    found = operations(module_of(lambda x: (np.sum(np.exp(x)), np.max(np.exp(x))), X))
    assert sum("exp" in names for names in found) == 1


@pytest.mark.usefixtures("every_improvement")
def test_two_large_arrays_are_not_read_for_one():
    both = lambda x, y: (np.sum(x + y, axis=0), np.max(x + y, axis=0))  # noqa: E731
    found = operations(module_of(both, X, X + 1))
    assert sum("add" in names for names in found) == 1


@pytest.mark.usefixtures("every_improvement")
def test_small_arrays_are_kept():
    found = operations(module_of(variance, X[:100]))
    assert sum("subtract" in names for names in found) == 1


def test_state_that_is_overwritten_is_not_read_afterwards():
    """The new state takes the place of the old one, which the other results still need."""

    def step(state, batch):
        shifted = state * 2.0 + ROW
        new = shifted + 0.0 * np.sum(batch["x"])
        return new, {"largest": np.max(np.exp(shifted) + np.max(new))}

    states = {}
    for backend in ("numpy", "native"):
        state, seen = X.copy(), []
        compiled = gd.compile(step, backend=backend)
        for _ in range(3):
            state, result = compiled(state, {"x": X[:5]})
            seen.append(result["largest"])
        states[backend] = [state, *seen]
    for ours, numpys in zip(states["native"], states["numpy"], strict=True):
        np.testing.assert_allclose(ours, numpys, rtol=1e-12)
