"""What holds for every layer: it is built, traced, differentiated, saved and shown like the others.

A new layer needs one row in EXAMPLES.
"""

import copy
from dataclasses import dataclass

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.backends.compile import compile
from gradiente.base.trees import flatten, map_tree
from gradiente.gradient.derivatives import grad

RANDOM = np.random.default_rng(3)


@dataclass(frozen=True)
class Example:
    """How to make a layer, what to give it, and further shapes that it takes."""

    make: object
    x: np.ndarray
    others: tuple[tuple[int, ...], ...] = ()
    parameters: int = 0
    buffers: int = 0


def numbers(*shape):
    return RANDOM.normal(size=shape)


EXAMPLES = {
    "Sequential": Example(
        lambda: nn.Sequential(nn.Dense(4), nn.tanh, nn.Dropout(0.3), nn.Dense(2)),
        numbers(5, 3),
        others=((2, 5, 3),),
        parameters=3 * 4 + 4 + 4 * 2 + 2,
    ),
    "Dense": Example(
        lambda: nn.Dense(4), numbers(5, 3), others=((3,), (2, 5, 3), (0, 3)), parameters=3 * 4 + 4
    ),
    "Dropout": Example(lambda: nn.Dropout(0.4), numbers(5, 3), others=((3,), (2, 5, 3))),
    "BatchNorm": Example(
        lambda: nn.BatchNorm(), numbers(5, 3), others=((2, 5, 3),), parameters=6, buffers=6
    ),
    "LayerNorm": Example(
        lambda: nn.LayerNorm(), numbers(5, 3), others=((3,), (2, 5, 3)), parameters=6
    ),
    "Embedding": Example(
        lambda: nn.Embedding(7, 2), RANDOM.integers(0, 7, (5, 3)), parameters=7 * 2
    ),
    "Flatten": Example(lambda: nn.Flatten(), numbers(5, 3, 2), others=((5,), (5, 3))),
    "Convolution": Example(
        lambda: nn.Convolution(4, (3, 2), strides=(2, 1), padding="same", groups=2),
        numbers(3, 5, 4, 6),
        parameters=3 * 2 * 3 * 4 + 4,
    ),
    "TransposedConvolution": Example(
        lambda: nn.TransposedConvolution(4, 3, strides=2),
        numbers(3, 5, 2),
        parameters=3 * 2 * 4 + 4,
    ),
    "DepthwiseConvolution": Example(
        lambda: nn.DepthwiseConvolution(3, padding=1, multiplier=2),
        numbers(3, 5, 4, 3),
        parameters=3 * 3 * 6 + 6,
    ),
    "SeparableConvolution": Example(
        lambda: nn.SeparableConvolution(4, 3),
        numbers(3, 5, 4, 3),
        parameters=3 * 3 * 3 + 3 * 4 + 4,
    ),
    "MaxPool": Example(lambda: nn.MaxPool(2), numbers(3, 5, 4, 2)),
    "AveragePool": Example(lambda: nn.AveragePool(3, 2, "same"), numbers(3, 5, 4, 2)),
    "LPPool": Example(lambda: nn.LPPool(2, 2), numbers(3, 5, 4, 2)),
    "GlobalMaxPool": Example(lambda: nn.GlobalMaxPool(), numbers(3, 5, 4, 2)),
    "GlobalAveragePool": Example(lambda: nn.GlobalAveragePool(), numbers(3, 5, 4, 2)),
    "AdaptiveMaxPool": Example(lambda: nn.AdaptiveMaxPool((3, 2)), numbers(3, 5, 4, 2)),
    "AdaptiveAveragePool": Example(lambda: nn.AdaptiveAveragePool(3), numbers(3, 5, 4, 2)),
}
everything = pytest.mark.parametrize("name", sorted(nn.LAYERS))
modes = pytest.mark.parametrize("training", [False, True], ids=["outside", "training"])
MIXED = {"Embedding"}  # its output does not have the type of its input


def made(name, dtype=np.float64):
    """A layer that has met its input, and that input, floating ones in the given type."""
    example = EXAMPLES[name]
    x = example.x.astype(dtype) if example.x.dtype.kind == "f" else example.x
    layer = example.make().initialize(x, seed=4)
    # Values that are not all zeros or ones, so that nothing cancels by accident.
    jitter = np.random.default_rng(8)
    layer.load_state(
        {
            path: (value + jitter.uniform(0.1, 0.5, value.shape)).astype(value.dtype)
            for path, value in layer.state().items()
        }
    )
    return layer, x


def run(layer, x, training):
    """Call a layer under given conditions, with the same random numbers each time."""
    with nn.running(nn.Context(training=training, key=gd.random.key(11))):
        return layer(x)


def test_every_layer_has_an_example():
    assert set(EXAMPLES) == set(nn.LAYERS)


@everything
def test_initialize_creates_parameters_and_buffers(name):
    example = EXAMPLES[name]
    layer = example.make()
    assert layer.initialize(example.x) is layer
    assert layer.count == example.parameters
    assert sum(value.size for value in layer.buffers().values()) == example.buffers
    assert all(type(value) is np.ndarray for value in layer.state().values())


@everything
def test_the_first_call_creates_what_initialize_creates(name):
    example = EXAMPLES[name]
    called, initialized = example.make(), example.make().initialize(example.x)
    called(example.x)
    assert list(called.state()) == list(initialized.state())
    for path, value in called.state().items():
        np.testing.assert_array_equal(value, initialized.state()[path])
        assert value.dtype == initialized.state()[path].dtype


@everything
def test_outside_training_it_is_a_pure_function(name):
    layer, x = made(name)
    before = copy.deepcopy(layer.state())
    first = layer(x)
    np.testing.assert_array_equal(first, layer(x))
    for path, value in layer.state().items():
        np.testing.assert_array_equal(value, before[path])
    assert type(first) is np.ndarray


@everything
@modes
def test_traced_and_called_give_the_same(name, training):
    layer, x = made(name)
    traced = compile(lambda layer, x: run(layer, x, training))(layer, x)
    np.testing.assert_allclose(traced, run(layer, x, training), rtol=1e-12, atol=1e-14)


@everything
@modes
def test_in_training_the_same_key_gives_the_same(name, training):
    layer, x = made(name)
    np.testing.assert_array_equal(run(layer, x, training), run(layer, x, training))


@everything
@modes
def test_gradients_are_those_of_central_differences(name, training):
    """With respect to parameters and input, along one random direction."""
    layer, x = made(name)
    floating = x.dtype.kind == "f"
    if name == "Embedding":  # the one layer that is float32 unless it is told otherwise
        layer.load_state({"weight": layer.weight.astype(np.float64)})
    weights = RANDOM.normal(size=run(layer, x, training).shape)

    def loss(arguments):
        net, inputs = arguments if floating else (arguments[0], x)
        return np.sum(run(net, inputs, training) * weights)

    point = (layer, x) if floating else (layer,)
    gradients = grad(loss)(point)
    direction = map_tree(lambda leaf: RANDOM.normal(size=leaf.shape), point)
    if not flatten(point)[0]:
        pytest.fail("nothing to differentiate")
    step = 1e-6
    ahead = loss(map_tree(lambda p, d: p + step * d, point, direction))
    behind = loss(map_tree(lambda p, d: p - step * d, point, direction))
    along = sum(
        np.sum(g * d) for g, d in zip(flatten(gradients)[0], flatten(direction)[0], strict=True)
    )
    np.testing.assert_allclose(along, (ahead - behind) / (2 * step), rtol=2e-7, atol=1e-8)


@everything
@modes
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_data_type_of_the_input_is_kept(name, dtype, training):
    layer, x = made(name, dtype)
    if name in MIXED:
        assert run(layer, x, training).dtype == np.float32
        return
    assert run(layer, x, training).dtype == dtype
    assert {value.dtype for value in layer.state().values()} <= {np.dtype(dtype)}


@everything
@modes
def test_integers_are_taken_as_float32(name, training):
    example = EXAMPLES[name]
    x = np.arange(example.x.size, dtype=np.uint8).reshape(example.x.shape) % 7
    y = run(example.make(), x, training)
    assert y.dtype == (np.uint8 if name == "Flatten" else np.float32)


@everything
def test_other_shapes_of_input(name):
    for shape in EXAMPLES[name].others:
        layer = EXAMPLES[name].make()
        y = layer(numbers(*shape))
        assert y.size == 0 or np.isfinite(y).all()
        if name != "Flatten":
            assert y.shape[:-1] == shape[:-1]


@everything
def test_arrays_in_any_memory_layout(name):
    layer, x = made(name)
    expected = layer(x)
    reversed_twice = np.flip(np.flip(x).copy())
    locked = x.copy()
    locked.flags.writeable = False
    for other in (np.asfortranarray(x), reversed_twice, locked):
        np.testing.assert_allclose(layer(other), expected, rtol=1e-12)


@everything
def test_state_round_trip(name):
    layer, x = made(name)
    used, unused = EXAMPLES[name].make().initialize(x), EXAMPLES[name].make()
    for other in (used, unused):
        other.load_state(layer.state())
        assert list(other.state()) == list(layer.state())
        np.testing.assert_array_equal(other(x), layer(x))
        assert list(other.buffers()) == list(layer.buffers())
        for path, value in other.state().items():
            assert not np.shares_memory(value, layer.state()[path])


@everything
def test_summary_row(name):
    layer, x = made(name)
    row = nn.summary(layer, x).rows[0]
    assert (row.path, row.kind) == ("", name)
    assert row.output == str(layer(x).shape)
    assert nn.summary(layer, x).parameters == EXAMPLES[name].parameters


@everything
def test_repr_is_how_it_is_written(name):
    assert repr(EXAMPLES[name].make()).startswith(f"{name}(")


@everything
def test_it_can_be_copied(name):
    layer, x = made(name)
    twin = copy.deepcopy(layer)
    np.testing.assert_array_equal(twin(x), layer(x))
    for path, value in twin.state().items():
        assert value is not layer.state()[path]


@everything
def test_frozen_it_has_no_leaves_and_no_gradient(name):
    layer, x = made(name)
    assert len(flatten(layer)[0]) == len(layer.parameters())
    layer.freeze()
    assert flatten(layer)[0] == []
    np.testing.assert_array_equal(layer(x), layer.unfreeze()(x))


@everything
@modes
def test_mapped_over_samples_it_is_a_loop_over_them(name, training):
    """Outputs and gradients by parameters and input, of each sample as a batch of one."""
    layer, x = made(name)

    def one(layer, x):
        return run(layer, x[np.newaxis], training)[0]

    def loss(layer, x):
        return np.sum(np.sin(one(layer, x)))

    outputs = [one(copy.deepcopy(layer), each) for each in x]
    got = gd.vmap(one, (None, 0))(copy.deepcopy(layer), x)
    np.testing.assert_allclose(got, np.stack(outputs), rtol=1e-9, atol=1e-12)
    argnums = (0, 1) if x.dtype.kind == "f" else (0,)
    gradient = grad(loss, argnums=argnums)
    rows = [flatten(gradient(layer, each))[0] for each in x]
    mapped = flatten(gd.vmap(gradient, (None, 0))(layer, x))[0]
    for got, expected in zip(mapped, map(np.stack, zip(*rows, strict=True)), strict=True):
        tolerance = 1e-12 if expected.dtype == np.float64 else 1e-5
        np.testing.assert_allclose(got, expected, rtol=1e-3 * tolerance**0.5, atol=tolerance)
