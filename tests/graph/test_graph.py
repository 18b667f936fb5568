"""A graph obeys its rules, and `verify` finds each way of breaking them."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import InvalidGraphError
from gradiente.base.types import ArrayType
from gradiente.graph.graph import Graph, verify
from gradiente.graph.node import Node
from gradiente.graph.walk import between, reachable
from gradiente.ops.elementwise import add, tanh
from gradiente.ops.reduce import sum_

VECTOR, NUMBER = ArrayType((3,), np.dtype(np.float64)), ArrayType((), np.dtype(np.float64))


def leaf(name="x", type=VECTOR):
    return Node(None, (), {}, type, name=name)


def test_a_right_graph_passes():
    x, y = leaf("x"), leaf("y")
    total = Node(sum_, (Node(add, (x, y), {}, VECTOR),), {"axes": (0,)}, NUMBER)
    graph = Graph("right", (x, y), (total,))
    verify(graph)
    assert [node.operation for node in graph.steps] == [add, sum_]
    assert graph.output_names == ("",)


def wrong_shape(x):
    return Node(tanh, (x,), {}, NUMBER)


def wrong_dtype(x):
    return Node(tanh, (x,), {}, ArrayType((3,), np.dtype(np.float32)))


def wrong_params(x):
    return Node(sum_, (x,), {"axes": ()}, NUMBER)


@pytest.mark.parametrize("defect", [wrong_shape, wrong_dtype, wrong_params])
def test_a_wrong_type_is_found(defect):
    x = leaf()
    node = defect(x)
    with pytest.raises(
        InvalidGraphError, match=f"{node.operation.name} .*should have type float64"
    ):
        verify(Graph("wrong", (x,), (Node(tanh, (node,), {}, node.type),)))


def test_an_input_that_is_not_listed_is_found():
    x, stranger = leaf("x"), leaf("stranger")
    graph = Graph("wrong", (x,), (Node(add, (x, stranger), {}, VECTOR),))
    with pytest.raises(InvalidGraphError, match=r"stranger .*that the graph does not list"):
        verify(graph)


def test_a_node_before_its_input_is_found():
    x = leaf()
    first = Node(tanh, (x,), {}, VECTOR)
    second = Node(tanh, (first,), {}, VECTOR)
    graph = Graph("wrong", (x,), (second,))
    graph.nodes = [x, second, first]
    with pytest.raises(InvalidGraphError, match="comes before one of its inputs"):
        verify(graph)


def test_graphs_are_verified_while_the_setting_is_on(monkeypatch):
    monkeypatch.setattr(tanh, "type_rule", lambda x: ArrayType((2,), x.dtype))
    calls = []

    def lying(x):
        calls.append(1)
        return ArrayType((2,) if len(calls) > 1 else x.shape, x.dtype)

    monkeypatch.setattr(tanh, "type_rule", lying)
    monkeypatch.setenv("GRADIENTE_CHECK", "1")
    with pytest.raises(InvalidGraphError, match="tanh"):
        gd.compile(np.tanh)(np.ones(3))


def test_walking():
    x = leaf()
    a = Node(tanh, (x,), {}, VECTOR)
    b = Node(tanh, (a,), {}, VECTOR)
    c = Node(add, (a, b), {}, VECTOR)
    aside = Node(tanh, (c,), {}, VECTOR)
    assert reachable([c]) == [x, a, b, c]
    assert reachable([c, aside, c]) == [x, a, b, c, aside]
    assert reachable([c], stop=lambda node: node is a) == [a, b, c]
    assert reachable([]) == []
    assert between({a}, [c]) == {a, b, c}
    assert between({b}, [c]) == {b, c}
    assert between({aside}, [c]) == set()
    assert between({x}, [c], through=lambda node: node is not b) == {x, a, c}


def test_nodes_know_what_they_are():
    x, one = leaf(), Node(None, (), {}, NUMBER, value=np.ones(()))
    assert one.is_constant
    assert one.concrete
    assert not x.is_constant
    assert not x.concrete
    assert Node(add, (one, one), {}, NUMBER).concrete
    assert not Node(add, (one, x), {}, VECTOR).concrete
    assert repr(x).startswith("<node ")
    assert "x float64[3]" in repr(x)
    assert one.number > x.number
