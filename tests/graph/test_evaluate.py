"""Values of concrete nodes are computed when they are asked for, each once, and no others."""

import numpy as np

import gradiente as gd
from gradiente.base.types import ArrayType
from gradiente.graph.evaluate import evaluate
from gradiente.graph.node import Node
from gradiente.ops.operation import Operation

NUMBER = ArrayType((), np.dtype(np.float64))


def counted(calls, name):
    def value(*inputs):
        calls.append(name)
        return np.asarray(sum(inputs) + 1.0)

    return Operation(name, value, lambda *types: NUMBER)


def test_each_node_is_computed_once_and_only_if_needed():
    calls = []
    start = Node(None, (), {}, NUMBER, value=np.zeros(()))
    a = Node(counted(calls, "a"), (start,), {}, NUMBER)
    b = Node(counted(calls, "b"), (a, a), {}, NUMBER)
    c = Node(counted(calls, "c"), (b, a), {}, NUMBER)
    aside = Node(counted(calls, "aside"), (c,), {}, NUMBER)
    evaluate([b])
    assert calls == ["a", "b"]
    evaluate([b, c])
    evaluate([c])
    assert calls == ["a", "b", "c"]
    assert c.value == 3.0 + 1.0 + 1.0
    assert aside.value is None
    evaluate([])


def test_infinities_and_nan_are_values_without_warnings():
    x = np.array([0.0, -1.0, 1e308])
    value, gradient = gd.value_and_grad(lambda x: gd.sum(np.log(x) + x * 10))(x)
    assert np.isnan(value)
    assert np.isinf(gradient[0])
    assert np.isnan(gd.compile(lambda x: gd.sum(np.log(x)))(x))
