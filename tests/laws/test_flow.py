"""What holds for the flow of the gradient through every layer and every activation function."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.backends.compile import compile
from gradiente.gradient.derivatives import grad
from gradiente.nn.context import Context, running
from gradiente.train.flow import BOUNDED, FLAT, NO_SLOPE, RECTIFIERS, flow_function
from gradiente.train.state import state_of
from gradiente.train.step import Recipe
from tests.laws.test_layers import EXAMPLES

# Activations of which nothing is said: never flat, flat by intention, or not elementwise.
OTHERS = {
    *("linear", "leaky_relu", "log_sigmoid", "tanh_shrink", "exponential", "sin", "snake", "step"),
    *("glu", "swiglu", "geglu", "reglu", "maxout", "rrelu"),
    *("softmax", "softmin", "log_softmax", "sparsemax", "entmax15", "gumbel_softmax"),
}
SECOND_NAMES = {"swish", "hard_swish"}


def test_every_activation_is_placed():
    groups = (RECTIFIERS, set(BOUNDED), OTHERS, SECOND_NAMES)
    assert set().union(*groups) == set(nn.ACTIVATIONS)
    assert sum(map(len, groups)) == len(nn.ACTIVATIONS)


def activation(name):
    options = {"threshold": 0.5}
    return lambda x: (
        nn.ACTIVATIONS[name](x, options[name], 0.0) if name in options else nn.ACTIVATIONS[name](x)
    )


def slopes(name, x):
    return grad(lambda x: np.sum(activation(name)(x)))(np.asarray(x, float))


@pytest.mark.parametrize("name", sorted(RECTIFIERS | set(BOUNDED)))
def test_what_is_placed_is_elementwise(name):
    x = np.linspace(-3, 3, 7)
    jacobian = gd.jacobian(activation(name))(x)
    np.testing.assert_allclose(jacobian, np.diag(slopes(name, x)), atol=1e-12)


@pytest.mark.parametrize("name", sorted(RECTIFIERS))
def test_a_rectifier_is_flat_on_one_side_only(name):
    flat_at, steep_at = (0.0, 8.0) if name.endswith("shrink") else (-60.0, 5.0)
    if name in ("squareplus",):
        flat_at = -1e4
    assert abs(slopes(name, [flat_at])[0]) < NO_SLOPE
    assert abs(slopes(name, [steep_at])[0]) > 0.5


@pytest.mark.parametrize("name", sorted(BOUNDED))
def test_a_bounded_one_is_flat_on_both_sides(name):
    x = np.linspace(-30, 30, 60001)
    found = slopes(name, x)
    assert np.max(found) == pytest.approx(BOUNDED[name], rel=1e-6)
    assert (found[[0, -1]] < FLAT * BOUNDED[name]).all()


def test_calls_are_told_once_and_only_to_who_asks():
    context = Context(calls=[], activations=[])
    x = np.ones(3)
    with running(context):
        nn.silu(nn.hard_tanh(x, -2.0, 2.0))
    assert [each.name for each in context.activations] == ["hard_tanh", "silu"]
    first = context.activations[0]
    np.testing.assert_array_equal(first.function(np.full(3, 9.0)), np.full(3, 2.0))
    assert first.x is x
    nn.relu(x)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_layer_has_a_flow_and_it_is_that_of_numpy(name):
    example = EXAMPLES[name]
    if example.several:
        pytest.skip("it takes several arguments")

    class Network(nn.Module):
        def __init__(self):
            self.layer, self.scale = example.make(), np.ones(())

        def __call__(self, x):
            return self.layer(x)

    recipe = Recipe(
        Network(), lambda p, y: _mean_square(p), gd.optimizers.SGD(0.1), (), seed=0, accumulate=1
    )
    recipe.network.initialize(example.x)
    state = state_of(recipe.network, recipe.optimizer, 0, 1)
    count = len(gd.base.trees.flatten(example.x)[0][0])
    batch = (example.x, np.zeros(count), None)
    native, numpy = (compile(flow_function(recipe), b)(state, batch) for b in ("native", "numpy"))
    assert set(native) == set(numpy) and "" in numpy
    for path, numbers in numpy.items():
        np.testing.assert_allclose(native[path], numbers, rtol=1e-5, atol=1e-7, err_msg=path)


def _mean_square(prediction):
    leaves = gd.base.trees.flatten(prediction)[0]
    return sum(np.mean(np.square(leaf)) for leaf in leaves)
