"""What holds for every layer: it is built, traced, differentiated, saved and shown like the others.

A new layer needs one row in EXAMPLES.
"""

import copy
from dataclasses import dataclass

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn, regularizers
from gradiente.backends.compile import compile
from gradiente.base.trees import flatten, map_tree
from gradiente.gradient.derivatives import grad

RANDOM = np.random.default_rng(3)


@dataclass(frozen=True)
class Example:
    """How to make a layer, what to give it, and further shapes that it takes.

    x: an array or a tuple of arrays, given as one argument; with `several`, as several.
    """

    make: object
    x: object
    others: tuple[tuple[int, ...], ...] = ()
    parameters: int = 0
    buffers: int = 0
    several: bool = False


def numbers(*shape):
    return RANDOM.normal(size=shape)


class TransformerDecoderLayer(nn.TransformerDecoderLayer):
    """One that looks at its own input backwards."""

    def __call__(self, x):
        return super().__call__(x, x[:, ::-1])


class TransformerDecoder(nn.TransformerDecoder):
    """One that looks at its own input backwards."""

    def __call__(self, x):
        return super().__call__(x, x[:, ::-1])


def dense(inputs, units):
    """How many parameters a dense layer has."""
    return inputs * units + units


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
    "PReLU": Example(lambda: nn.PReLU(), numbers(5, 3), others=((3,), (2, 5, 3)), parameters=1),
    "RReLU": Example(lambda: nn.RReLU(), numbers(5, 3), others=((3,), (2, 5, 3))),
    "Swish": Example(
        lambda: nn.Swish(per_feature=True), numbers(5, 3), others=((3,), (2, 5, 3)), parameters=3
    ),
    "Snake": Example(lambda: nn.Snake(), numbers(5, 3), others=((3,), (2, 5, 3)), parameters=3),
    "GumbelSoftmax": Example(
        lambda: nn.GumbelSoftmax(0.7), numbers(5, 3), others=((3,), (2, 5, 3))
    ),
}
EXAMPLES |= {
    "GroupNorm": Example(
        lambda: nn.GroupNorm(2), numbers(3, 5, 4), others=((3, 4), (2, 3, 5, 4)), parameters=8
    ),
    "InstanceNorm": Example(
        lambda: nn.InstanceNorm(affine=True), numbers(3, 5, 4), others=((2, 3, 5, 4),), parameters=8
    ),
    "LocalResponseNorm": Example(
        lambda: nn.LocalResponseNorm(3, alpha=0.5), numbers(5, 4), others=((4,), (2, 5, 2))
    ),
    "RMSNorm": Example(lambda: nn.RMSNorm(), numbers(5, 3), others=((3,), (2, 5, 3)), parameters=3),
    "SpectralNorm": Example(
        lambda: nn.SpectralNorm(nn.Dense(4)),
        numbers(5, 3),
        others=((3,), (2, 5, 3)),
        parameters=3 * 4 + 4,
        buffers=3 + 4,
    ),
    "UnitNorm": Example(lambda: nn.UnitNorm(), numbers(5, 3), others=((3,), (2, 5, 3))),
    "WeightNorm": Example(
        lambda: nn.WeightNorm(nn.Dense(4)),
        numbers(5, 3),
        others=((3,), (2, 5, 3)),
        parameters=3 * 4 + 4 + 4,
    ),
}
EXAMPLES |= {
    "AlphaDropout": Example(lambda: nn.AlphaDropout(0.4), numbers(5, 3), others=((3,),)),
    "GaussianDropout": Example(lambda: nn.GaussianDropout(0.4), numbers(5, 3), others=((3,),)),
    "GaussianNoise": Example(lambda: nn.GaussianNoise(0.4), numbers(5, 3), others=((3,),)),
    "SpatialDropout": Example(lambda: nn.SpatialDropout(0.4), numbers(5, 2, 3), others=((5, 3),)),
    "StochasticDepth": Example(
        lambda: nn.StochasticDepth(0.4), numbers(5, 2, 3), others=((5,), (5, 3))
    ),
    "ActivityRegularization": Example(
        lambda: nn.ActivityRegularization(regularizers.L2(0.3)), numbers(5, 3), others=((5,),)
    ),
    "RNN": Example(
        lambda: nn.RNN(4, activation=nn.sigmoid), numbers(5, 3, 2), parameters=2 * 4 + 4 * 4 + 4
    ),
    "LSTM": Example(
        lambda: nn.LSTM(3, layers=2, dropout=0.2),
        numbers(8, 3, 2),
        parameters=(2 * 12 + 3 * 12 + 12) + (3 * 12 + 3 * 12 + 12),
    ),
    "GRU": Example(
        lambda: nn.GRU(3, bidirectional=True, return_sequences=False),
        numbers(5, 4, 2),
        parameters=2 * (2 * 9 + 3 * 9 + 9 + 3),
    ),
}
EXAMPLES |= {
    "MultiHeadAttention": Example(
        lambda: nn.MultiHeadAttention(
            8, 4, key_value_heads=2, dropout=0.3, causal=True, positions=nn.RotaryPositions()
        ),
        numbers(3, 5, 6),
        others=((2, 1, 6), (0, 5, 6)),
        parameters=dense(6, 8) + 2 * dense(6, 4) + dense(8, 8),
    ),
    "SinusoidalPositions": Example(
        lambda: nn.SinusoidalPositions(), numbers(3, 5, 7), others=((5, 7), (2, 3, 5, 1))
    ),
    "LearnedPositions": Example(
        lambda: nn.LearnedPositions(9), numbers(3, 5, 4), others=((9, 4),), parameters=9 * 4
    ),
    "RotaryPositions": Example(
        lambda: nn.RotaryPositions(interleaved=True), numbers(3, 5, 4), others=((2, 3, 5, 6),)
    ),
    "LinearBiases": Example(
        lambda: nn.LinearBiases(), numbers(2, 3, 5, 7), others=((4, 5, 5), (1, 12, 1, 3))
    ),
    "TransformerEncoderLayer": Example(
        lambda: nn.TransformerEncoderLayer(4, 2, 7, dropout=0.2, activation=nn.gelu),
        numbers(3, 5, 4),
        others=((1, 1, 4),),
        parameters=4 * dense(4, 4) + dense(4, 7) + dense(7, 4) + 2 * 8,
    ),
    "TransformerDecoderLayer": Example(
        lambda: TransformerDecoderLayer(4, 2, 7, norm_first=True),
        numbers(3, 5, 4),
        others=((1, 1, 4),),
        parameters=8 * dense(4, 4) + dense(4, 7) + dense(7, 4) + 3 * 8,
    ),
    "TransformerEncoder": Example(
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(4, 2, 7, norm_first=True), 2, nn.LayerNorm()
        ),
        numbers(3, 5, 4),
        parameters=2 * (4 * dense(4, 4) + dense(4, 7) + dense(7, 4) + 2 * 8) + 8,
    ),
    "TransformerDecoder": Example(
        lambda: TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 7), 2),
        numbers(3, 5, 4),
        parameters=2 * (8 * dense(4, 4) + dense(4, 7) + dense(7, 4) + 3 * 8),
    ),
}
EXAMPLES |= {
    "Residual": Example(
        lambda: nn.Residual(nn.Dense(3)), numbers(5, 3), others=((2, 5, 3),), parameters=3 * 3 + 3
    ),
    "Parallel": Example(
        lambda: nn.Parallel(nn.Dense(4), nn.tanh, merge=nn.Concatenate()),
        numbers(5, 3),
        others=((2, 5, 3),),
        parameters=3 * 4 + 4,
    ),
    "Highway": Example(
        lambda: nn.Highway(nn.tanh), numbers(5, 3), others=((2, 5, 3),), parameters=2 * (9 + 3)
    ),
    "SqueezeExcite": Example(
        lambda: nn.SqueezeExcite(2, nn.tanh),
        numbers(3, 5, 4),
        others=((2, 3, 5, 6),),
        parameters=4 * 2 + 2 + 2 * 4 + 4,
    ),
    "Add": Example(lambda: nn.Add(), (numbers(5, 3), numbers(5, 1), numbers(5, 3))),
    "Subtract": Example(lambda: nn.Subtract(), (numbers(5, 3), numbers(5, 1))),
    "Multiply": Example(lambda: nn.Multiply(), (numbers(5, 3), numbers(5, 1), numbers(5, 3))),
    "Average": Example(lambda: nn.Average(), (numbers(5, 3), numbers(5, 1), numbers(5, 3))),
    "Maximum": Example(lambda: nn.Maximum(), (numbers(5, 3), numbers(5, 1), numbers(5, 3))),
    "Minimum": Example(lambda: nn.Minimum(), (numbers(5, 3), numbers(5, 1), numbers(5, 3))),
    "Concatenate": Example(lambda: nn.Concatenate(1), (numbers(5, 3, 2), numbers(5, 1, 2))),
    "Dot": Example(lambda: nn.Dot(normalize=True), (numbers(5, 2, 3), numbers(5, 4, 3))),
    "Bilinear": Example(
        lambda: nn.Bilinear(2), (numbers(5, 3), numbers(5, 4)), parameters=2 * 3 * 4 + 2
    ),
    "Reshape": Example(lambda: nn.Reshape(3, -1), numbers(5, 2, 6), others=((0, 3), (5, 12))),
    "Unflatten": Example(lambda: nn.Unflatten((2, -1), 1), numbers(5, 6, 2), others=((5, 4),)),
    "Permute": Example(lambda: nn.Permute(2, 1), numbers(5, 2, 3), others=((0, 2, 3),)),
    "RepeatVector": Example(lambda: nn.RepeatVector(3), numbers(5, 2), others=((5,), (5, 2, 3))),
    "Lambda": Example(lambda: nn.Lambda(nn.tanh), numbers(5, 2), others=((5,), (5, 2, 3))),
    "Pad": Example(lambda: nn.Pad((1, (0, 2)), "reflect"), numbers(2, 3, 4, 2)),
    "Crop": Example(lambda: nn.Crop((1, (0, 2))), numbers(2, 3, 4, 2)),
    "Upsample": Example(lambda: nn.Upsample((2, 3), "linear"), numbers(2, 3, 4, 2)),
    "PixelShuffle": Example(lambda: nn.PixelShuffle(2), numbers(2, 3, 2, 8), others=((2, 3, 4),)),
    "PixelUnshuffle": Example(
        lambda: nn.PixelUnshuffle(2), numbers(2, 4, 6, 3), others=((2, 4, 3),)
    ),
}
EDGES = [[-2.0, -0.5, 0.7, 2.0], [-3.0, -1.0, 0.4, 1.6]]  # apart by more than the jitter of `made`
EXAMPLES |= {
    "EmbeddingBag": Example(
        lambda: nn.EmbeddingBag(7, 2, padding_index=1),
        RANDOM.integers(0, 7, (5, 3)),
        parameters=7 * 2,
    ),
    "CategoryEmbedding": Example(
        lambda: nn.CategoryEmbedding((3, 4), 2, unknown_rate=0.3),
        RANDOM.integers(0, 5, (5, 2)),
        parameters=(4 + 5) * 2,
    ),
    "PeriodicEmbedding": Example(
        lambda: nn.PeriodicEmbedding(4, 3, 0.5), numbers(5, 2), parameters=2 * (3 + 6 * 4 + 4)
    ),
    "PiecewiseLinearEmbedding": Example(
        lambda: nn.PiecewiseLinearEmbedding(EDGES, 5),
        numbers(5, 2),
        parameters=2 * (3 * 5 + 5),
        buffers=2 * 4,
    ),
    "FeatureTokenizer": Example(
        lambda: nn.FeatureTokenizer(4), numbers(5, 2), parameters=4 + 2 * 4 + 2 * 4
    ),
}
everything = pytest.mark.parametrize("name", sorted(nn.LAYERS))
modes = pytest.mark.parametrize("training", [False, True], ids=["outside", "training"])
# Their output does not have the type of their input.
MIXED = {"Embedding", "EmbeddingBag", "CategoryEmbedding"}
MOVING = {  # elements keep their type, whatever it is, and change their places
    *("Flatten", "Reshape", "Unflatten", "Permute", "RepeatVector", "Pad", "Crop", "Concatenate"),
    *("PixelShuffle", "PixelUnshuffle"),
}
DETACHED = {"SpectralNorm"}  # in training a part of it is a constant of the gradient by intention


def made(name, dtype=np.float64):
    """A layer that has met its input, and that input, floating ones in the given type."""
    example = EXAMPLES[name]
    x = map_tree(lambda x: x.astype(dtype) if x.dtype.kind == "f" else x, example.x)
    layer = example.make().initialize(*arguments(name, x), seed=4)
    # Values that are not all zeros or ones, so that nothing cancels by accident.
    jitter = np.random.default_rng(8)
    layer.load_state(
        {
            path: (value + jitter.uniform(0.1, 0.5, value.shape)).astype(value.dtype)
            for path, value in layer.state().items()
        }
    )
    return layer, x


def arguments(name, x):
    """The positional arguments that x is."""
    return x if EXAMPLES[name].several else (x,)


def run(layer, x, training):
    """Call a layer under given conditions, with the same random numbers each time."""
    with nn.running(nn.Context(training=training, key=gd.random.key(11))):
        return layer(*arguments(type(layer).__name__, x))


def called(layer, x):
    """Call a layer by itself."""
    return layer(*arguments(type(layer).__name__, x))


def floating(x):
    """True if there is anything to differentiate by."""
    return all(leaf.dtype.kind == "f" for leaf in flatten(x)[0])


def test_every_layer_has_an_example():
    assert set(EXAMPLES) == set(nn.LAYERS)


@everything
def test_initialize_creates_parameters_and_buffers(name):
    example = EXAMPLES[name]
    layer = example.make()
    assert layer.initialize(*arguments(name, example.x)) is layer
    assert layer.count == example.parameters
    assert sum(value.size for value in layer.buffers().values()) == example.buffers
    assert all(type(value) is np.ndarray for value in layer.state().values())


@everything
def test_the_first_call_creates_what_initialize_creates(name):
    example = EXAMPLES[name]
    used = example.make()
    initialized = example.make().initialize(*arguments(name, example.x))
    called(used, example.x)
    assert list(used.state()) == list(initialized.state())
    for path, value in used.state().items():
        np.testing.assert_array_equal(value, initialized.state()[path])
        assert value.dtype == initialized.state()[path].dtype


@everything
def test_outside_training_it_is_a_pure_function(name):
    layer, x = made(name)
    before = copy.deepcopy(layer.state())
    first = called(layer, x)
    np.testing.assert_array_equal(first, called(layer, x))
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
    twin = copy.deepcopy(layer)
    np.testing.assert_array_equal(run(layer, x, training), run(twin, x, training))


@everything
@modes
def test_gradients_are_those_of_central_differences(name, training):
    """With respect to parameters and input, along one random direction."""
    if training and name in DETACHED:
        pytest.skip("its gradient is not that of its value; compared with PyTorch elsewhere")
    layer, x = made(name)
    if name in MIXED:  # float32 unless they are told otherwise
        layer.load_state({"weight": layer.weight.astype(np.float64)})
    weights = RANDOM.normal(size=run(layer, x, training).shape)

    def loss(point):
        net, inputs = point if floating(x) else (point[0], x)
        return np.sum(run(net, inputs, training) * weights)

    point = (layer, x) if floating(x) else (layer,)
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
    if name == "Lambda":
        pytest.skip("its function gets the input as it is")
    example = EXAMPLES[name]
    x = map_tree(lambda x: np.arange(x.size, dtype=np.uint8).reshape(x.shape) % 7, example.x)
    y = run(example.make(), x, training)
    assert y.dtype == (np.uint8 if name in MOVING else np.float32)


@everything
def test_other_shapes_of_input(name):
    for shape in EXAMPLES[name].others:
        layer = EXAMPLES[name].make()
        y = layer(numbers(*shape))
        assert y.size == 0 or np.isfinite(y).all()
        if name not in MOVING:
            assert y.shape[:-1] == shape[:-1]


@everything
def test_arrays_in_any_memory_layout(name):
    layer, x = made(name)
    expected = called(layer, x)

    def locked(x):
        x = x.copy()
        x.flags.writeable = False
        return x

    for other in (np.asfortranarray, lambda x: np.flip(np.flip(x).copy()), locked):
        np.testing.assert_allclose(called(layer, map_tree(other, x)), expected, rtol=1e-12)


@everything
def test_state_round_trip(name):
    layer, x = made(name)
    used, unused = EXAMPLES[name].make().initialize(*arguments(name, x)), EXAMPLES[name].make()
    for other in (used, unused):
        other.load_state(layer.state())
        assert list(other.state()) == list(layer.state())
        np.testing.assert_array_equal(called(other, x), called(layer, x))
        assert list(other.buffers()) == list(layer.buffers())
        for path, value in other.state().items():
            assert not np.shares_memory(value, layer.state()[path])


@everything
def test_summary_row(name):
    layer, x = made(name)
    if EXAMPLES[name].several:
        pytest.skip("a summary is of a network, which has one argument")
    summary = nn.summary(layer, x)
    assert (summary.rows[0].path, summary.rows[0].kind) == ("", name)
    assert summary.rows[0].output == str(layer(x).shape)
    assert summary.parameters == EXAMPLES[name].parameters


@everything
def test_repr_is_how_it_is_written(name):
    assert repr(EXAMPLES[name].make()).startswith(f"{name}(")


@everything
def test_it_can_be_copied(name):
    layer, x = made(name)
    twin = copy.deepcopy(layer)
    np.testing.assert_array_equal(called(twin, x), called(layer, x))
    for path, value in twin.state().items():
        assert value is not layer.state()[path]


@everything
def test_frozen_it_has_no_leaves_and_no_gradient(name):
    layer, x = made(name)
    assert len(flatten(layer)[0]) == len(layer.parameters())
    layer.freeze()
    assert flatten(layer)[0] == []
    np.testing.assert_array_equal(called(layer, x), called(layer.unfreeze(), x))


@everything
@modes
def test_mapped_over_samples_it_is_a_loop_over_them(name, training):
    """Outputs and gradients by parameters and input, of each sample as a batch of one."""
    layer, x = made(name)

    def one(layer, x):
        batch = map_tree(lambda leaf: leaf[np.newaxis], x)
        return map_tree(lambda leaf: leaf[0], run(layer, batch, training))

    def loss(layer, x):
        return sum(np.sum(np.sin(leaf)) for leaf in flatten(one(layer, x))[0])

    def stacked(results):
        return [np.stack(leaves) for leaves in zip(*(flatten(r)[0] for r in results), strict=True)]

    samples = [map_tree(lambda leaf, i=i: leaf[i], x) for i in range(len(flatten(x)[0][0]))]
    outputs = gd.vmap(one, (None, 0))(copy.deepcopy(layer), x)
    equal(flatten(outputs)[0], stacked(one(copy.deepcopy(layer), each) for each in samples))
    gradient = grad(loss, argnums=(0, 1) if floating(x) else (0,))
    gradients = gd.vmap(gradient, (None, 0))(layer, x)
    equal(flatten(gradients)[0], stacked(gradient(layer, each) for each in samples))


def equal(ours, expected):
    """Arrays equal to rounding, in their own data type."""
    for got, wanted in zip(ours, expected, strict=True):
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
        tolerance = 1e-10 if wanted.dtype == np.float64 else 2e-5
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
