"""Kernels hold what can share a loop, and follow what they need."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.trees import flatten
from gradiente.graph.graph import Graph
from gradiente.ops.identity import after
from gradiente.rewrite.pipeline import improve
from gradiente.rewrite.schedule import is_elementwise, schedule
from gradiente.trace.functions import bind
from gradiente.trace.trace import input_names, slot_of, trace


def graph_of(function, *args) -> Graph:
    leaves, structure = flatten((args, {}))
    names = input_names(function, args, {})
    return improve(trace(function, structure, [slot_of(x) for x in leaves], names).graph)


def names(kernels) -> list[list[str]]:
    return [[node.operation.name for node in kernel.nodes] for kernel in kernels]


X = np.ones((4, 3), np.float32)


@pytest.mark.usefixtures("every_improvement")
def test_a_chain_of_elementwise_operations_is_one_kernel():
    kernels = schedule(graph_of(lambda x: np.tanh(np.exp(x) * 2 + 1), X))
    assert names(kernels) == [["exp", "multiply", "add", "tanh"]]


@pytest.mark.usefixtures("every_improvement")
def test_a_reduction_separates_loops():
    kernels = schedule(graph_of(lambda x: np.exp(x - np.max(x)) * 2, X))
    assert names(kernels) == [["max"], ["subtract", "exp", "multiply"]]


@pytest.mark.usefixtures("every_improvement")
def test_other_shapes_run_in_loops_of_their_own():
    kernels = schedule(graph_of(lambda x, b: np.exp(b) * np.exp(x), X, X[0]))
    assert names(kernels) == [["exp"], ["exp", "multiply"]]


@pytest.mark.usefixtures("every_improvement")
def test_operations_wait_for_those_who_need_them():
    """exp(x) is not needed before the product: it is computed with what multiplies it."""
    kernels = schedule(graph_of(lambda x: np.exp(x) * np.sum(np.sin(x) @ x.T, axis=1)[:, None], X))
    exponential = next(k for k in kernels if "exp" in names([k])[0])
    assert "multiply" in names([exponential])[0]


def test_extra_order_is_kept():
    graph = graph_of(lambda x: (np.exp(x), np.sin(x.T)), X)
    first, second = (node for node in graph.steps if is_elementwise(node))
    views = [node for node in graph.steps if not is_elementwise(node)]
    for before, later in ((first, second), (second, first)):
        kernels = schedule(graph, views, {later: [before]})
        order = [node for kernel in kernels for node in kernel.nodes]
        assert order.index(before) < order.index(later)


@pytest.mark.parametrize("seed", range(30))
def test_random_programs_keep_their_order(seed):
    random = np.random.default_rng(seed)

    def program(x):
        values = [x, x[0], x[:, :1]]
        for _ in range(25):
            a, b = (values[i] for i in random.integers(0, len(values), 2))
            choice = random.integers(0, 4)
            if choice == 0:
                values.append(a + b)
            elif choice == 1:
                values.append(np.sum(a, axis=-1, keepdims=True) * 0.1)
            elif choice == 2:
                values.append(np.flip(a, -1))
            else:
                values.append(gd.tanh(a) * b)
        return values

    graph = graph_of(program, X)
    views = [node for node in graph.steps if node.operation.name in ("flip", "slice", "reshape")]
    kernels = schedule(graph, views)
    done = {node for node in graph.nodes if node.operation is None}
    seen = []
    for kernel in kernels:
        for node in kernel.nodes:
            assert _computed(node.inputs, done, set(views))
            done.add(node)
            seen.append(node)
        shapes = {node.type.shape for node in kernel.nodes}
        assert len(kernel.nodes) == 1 or (kernel.is_elementwise and len(shapes) == 1)
    assert sorted(map(id, seen)) == sorted(id(n) for n in graph.steps if n not in set(views))


def _computed(nodes, done, views) -> bool:
    return all(
        node in done or (node in views and _computed(node.inputs, done, views)) for node in nodes
    )


def test_what_is_computed_again_waits_for_the_gradient_it_is_for():
    def function(x):
        g = np.sum(np.exp(x), axis=0)
        return np.exp(bind(after, x, g)) * g

    graph = graph_of(function, X)
    views = [node for node in graph.steps if node.operation is after]
    first, second = (node for node in graph.steps if node.operation.name == "exp")
    stages = {node: k.stage for k in schedule(graph, views) for node in k.nodes}
    total = next(node for node in graph.steps if node.operation.name == "sum")
    assert stages[first] < stages[total] < stages[second]
