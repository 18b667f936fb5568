"""The reverse pass: complete before passed on, no recursion, every gradient of its value's type."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import InvalidGraphError
from gradiente.gradient.reverse import backward
from gradiente.graph.node import Node
from gradiente.ops.operation import Operation
from gradiente.trace.functions import Tensor, bind
from gradiente.trace.tensor import constant


def variable(value):
    return Tensor(Node(None, (), {}, constant(value).type, value=np.asarray(value)))


def one():
    return Tensor(constant(1.0))


def test_a_value_used_several_times_is_complete_before_it_is_passed_on():
    """y = x·x; z = y·y + y. Passing y's first contribution on before the rest would lose some."""
    assert gd.grad(lambda x: (x * x) * (x * x) + x * x)(3.0) == 4 * 27.0 + 2 * 3.0
    assert gd.grad(lambda x: x * x + x)(3.0) == 7.0


def test_long_and_short_ways_to_a_value_meet():
    """A value used directly and through a long chain: the chain must be finished first."""

    def function(x):
        y = x * 2.0
        z = y
        for _ in range(50):
            z = z + 1.0
        return y * z

    # y (y + 50), y = 2x: dy/dx = 2 (2y + 50)
    assert gd.grad(function)(1.5) == 2 * (2 * 3.0 + 50)


def test_each_node_is_visited_once():
    """Ten doublings have 2¹⁰ paths; every local gradient runs once all the same."""
    calls = []

    def counting(m, g, y, x):
        calls.append(1)
        return (g,)

    counted = Operation("counted", lambda x: x, lambda x: x, pullback=counting)

    def function(x):
        for _ in range(10):
            x = bind(counted, x)
            x = x + x
        return x

    assert gd.grad(function)(1.0) == 1024.0
    assert len(calls) == 10


@pytest.mark.parametrize("run", [lambda f: f, gd.compile])
def test_a_graph_of_twenty_thousand_nodes_needs_no_recursion(run):
    def chain(x):
        for _ in range(20_000):
            x = x + 0.5
        return x * x

    value, gradient = run(gd.value_and_grad(chain))(1.0)
    assert value == 10_001.0**2
    assert gradient == 2 * 10_001.0


def test_sources_that_are_not_used_have_no_gradient():
    x, y = variable(2.0), variable(3.0)
    z = x * 5.0
    assert backward([z.node], [one()], [x.node, y.node])[1] is None
    gradients = gd.grad(lambda x, y: x * 5.0, argnums=(0, 1))(2.0, np.ones(3, np.float32))
    assert gradients[0] == 5.0
    np.testing.assert_array_equal(gradients[1], np.zeros(3, np.float32), strict=True)


def test_a_source_that_is_the_output_has_its_seed():
    x = variable(2.0)
    (gradient,) = backward([x.node], [one()], [x.node])
    assert float(gd.stop_gradient(gradient)) == 1.0
    assert gd.grad(lambda x: x)(2.0) == 1.0


def test_several_outputs_add_up():
    x = variable(2.0)
    y, z = x * 3.0, x * x
    (gradient,) = backward([y.node, z.node], [one(), one()], [x.node])
    assert float(gd.stop_gradient(gradient)) == 3.0 + 4.0


def test_the_gradient_stops_at_its_sources():
    """The gradient for y does not wander on to x, of which y is made."""
    x = variable(2.0)
    y = x * x
    z = y * 3.0
    to_y, to_x = backward([z.node], [one()], [y.node, x.node])
    assert float(gd.stop_gradient(to_y)) == 3.0
    assert to_x is None


@pytest.mark.parametrize(
    "rule",
    [
        lambda m, g, y, x: (m.cast(g, np.float32),),
        lambda m, g, y, x: (m.reshape(g, (3, 1)),),
        lambda m, g, y, x: (m.sum(g),),
    ],
    ids=["data type", "shape", "axes"],
)
def test_a_local_gradient_of_another_type_is_a_defect_that_is_caught(rule):
    wrong = Operation("wrong", lambda x: x, lambda x: x, pullback=rule)
    with pytest.raises(InvalidGraphError, match="got a gradient of type float"):
        gd.grad(lambda x: gd.sum(bind(wrong, x * 1.0)))(np.ones(3))


def test_integers_do_not_carry_gradients():
    """Through the path of floats only: the index takes part, and gets none."""

    def function(x):
        order = np.argsort(x)
        return gd.sum(x[order] * np.arange(3.0)) + gd.sum(order.astype(float))

    np.testing.assert_array_equal(gd.grad(function)(np.array([3.0, 1.0, 2.0])), [2.0, 0.0, 1.0])


def test_gradients_belong_to_the_line_of_their_value():
    graph = gd.compile(gd.grad(lambda x: gd.sum(np.tanh(x) * x))).graph(np.ones(3))
    files = {node.source.file for node in graph.steps}
    lines = {node.source.line for node in graph.steps}
    assert files == {__file__}
    assert len(lines) == 1
