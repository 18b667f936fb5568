"""What single layers do, and what they say to wrong arguments and inputs."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import initializers, nn
from gradiente.base.errors import (
    GradienteError,
    IndexRangeError,
    InvalidArgumentError,
    ShapeError,
    TypeMismatchError,
)

RANDOM = np.random.default_rng(9)
X = RANDOM.normal(size=(6, 4)).astype(np.float32)


def training(layer, x, seed=0):
    with nn.running(nn.Context(training=True, key=gd.random.key(seed))):
        return layer(x)


# -- Dense ---------------------------------------------------------------------------------------


def test_dense_is_a_matrix_product_and_a_bias():
    layer = nn.Dense(3)
    y = layer(X)
    assert layer.weight.shape == (4, 3)
    layer.bias[:] = [1, 2, 3]
    np.testing.assert_allclose(layer(X), y + np.array([1, 2, 3]), rtol=1e-6)
    np.testing.assert_allclose(layer(X), X @ layer.weight + layer.bias, rtol=1e-6)


def test_dense_starts_glorot_uniform_and_at_zero():
    layer = nn.Dense(300).initialize(np.zeros((1, 200), np.float32))
    limit = np.sqrt(6 / 500)
    assert np.abs(layer.weight).max() <= limit
    np.testing.assert_allclose(layer.weight.std(), limit / np.sqrt(3), rtol=0.01)
    np.testing.assert_array_equal(layer.bias, np.zeros(300))


def test_dense_takes_initializers_and_no_bias():
    layer = nn.Dense(3, weight_initializer=initializers.ones, use_bias=False).initialize(X)
    np.testing.assert_array_equal(layer.weight, np.ones((4, 3)))
    assert list(layer.state()) == ["weight"]
    layer = nn.Dense(3, bias_initializer=lambda key, shape, dtype: np.full(shape, 7, dtype))
    np.testing.assert_array_equal(layer.initialize(X).bias, [7, 7, 7])


def test_dense_takes_what_numpy_takes():
    layer = nn.Dense(3).initialize(X)
    np.testing.assert_allclose(layer(X.tolist()), layer(X), rtol=1e-4, atol=1e-6)
    pandas = pytest.importorskip("pandas")
    np.testing.assert_array_equal(layer(pandas.DataFrame(X)), layer(X))


def test_dense_without_samples():
    assert nn.Dense(3)(np.zeros((0, 4), np.float32)).shape == (0, 3)


@pytest.mark.parametrize("units", [0, -1, 2.5, "10", True, None])
def test_dense_refuses_a_wrong_size(units):
    with pytest.raises(InvalidArgumentError, match=r"`units` is .*: it must be a whole number, 1"):
        nn.Dense(units)
    if units is not None:
        with pytest.raises(InvalidArgumentError, match="`inputs` is"):
            nn.Dense(3, units)


def test_dense_with_the_order_of_torch_gets_a_hint():
    with pytest.raises(ShapeError) as caught:
        nn.Dense(4, 3)(X)
    assert "Dense(4, inputs=3) takes inputs of length 3, but the last axis of this one" in str(
        caught.value
    )
    assert "The first argument of Dense is the length of its output" in str(caught.value)


def test_another_input_size_names_the_layer_and_the_line():
    net = nn.Sequential(nn.Dense(5), nn.relu, nn.Sequential(nn.Dense(2))).initialize(X)
    net[2].initialize(np.zeros((1, 5)))
    with pytest.raises(ShapeError) as caught:
        net(X[:, :3])
    message = str(caught.value)
    assert "`weight` of layer `0` (Dense) has shape (4, 5), but this input needs (3, 5)" in message
    assert "test_layers.py" in message and "net(X[:, :3])" in message
    with pytest.raises(ShapeError, match=r"layer `2\.0` \(Dense\)"):
        nn.Sequential(nn.Dense(7), nn.relu, net[2])(X)


def test_dense_refuses_what_is_no_array_of_numbers():
    with pytest.raises(TypeMismatchError, match="a layer computes with numbers, got <U1"):
        nn.Dense(3)(np.array([["a", "b"]]))
    with pytest.raises(ShapeError, match="at least 1 axes"):
        nn.Dense(3)(np.float32(1.0))


@pytest.mark.parametrize("layer", [nn.Dense(3), nn.Flatten()], ids=["Dense", "Flatten"])
@pytest.mark.parametrize(
    ("several", "told"),
    [
        (lambda x: (x, x), "a tuple of 2"),
        (lambda x: {"left": x, "right": x}, "a dict of 2"),
    ],
    ids=["tuple", "dict"],
)
def test_several_arrays_are_not_one(layer, several, told):
    expected = rf"takes one array, got {told}: make one of them first, .*nn.Concatenate\(\)"
    with pytest.raises(TypeMismatchError, match=expected):
        layer(several(X))
    with pytest.raises(TypeMismatchError, match=expected):
        gd.compile(lambda x: layer(several(x)))(X)


def test_what_numpy_makes_an_array_of_is_one():
    layer = nn.Dense(3)
    np.testing.assert_array_equal(layer(X.tolist()), layer(X))
    np.testing.assert_array_equal(layer(list(X)), layer(X))


def test_a_list_of_traced_arrays_is_several():
    with pytest.raises(TypeMismatchError, match="got a list of 2"):
        gd.compile(lambda x: nn.Dense(3)([x, x]))(X)


def test_a_wrong_initializer_is_named():
    with pytest.raises(InvalidArgumentError, match="initializer of `weight` is 'he_normal'"):
        nn.Dense(3, weight_initializer="he_normal")(X)
    with pytest.raises(ShapeError, match=r"initializer of `0.bias` returned float64\[2\]"):
        nn.Sequential(nn.Dense(3, bias_initializer=lambda key, shape, dtype: np.zeros(2)))(X)
    with pytest.raises(ShapeError, match=r"returned int64\[3\]"):
        nn.Dense(3, bias_initializer=lambda key, shape, dtype: np.zeros(3, int))(X)


def test_one_array_returned_by_two_initializers_is_not_shared():
    array = np.zeros((4, 4), np.float32)
    net = nn.Sequential(
        *[nn.Dense(4, use_bias=False, weight_initializer=lambda k, s, d: array) for _ in range(2)]
    ).initialize(X)
    assert list(net.parameters()) == ["0.weight", "1.weight"]


# -- Dropout -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_scales_the_rest(rate):
    x = np.ones((400, 500), np.float32)
    y = training(nn.Dropout(rate), x)
    kept = y != 0
    deviation = np.sqrt(rate * (1 - rate) / x.size)
    assert abs(kept.mean() - (1 - rate)) < 5 * deviation
    np.testing.assert_allclose(y[kept], 1 / (1 - rate), rtol=1e-6)
    # Neighbours, in rows and in columns, are dropped independently.
    for a, b in ((kept[:, 1:], kept[:, :-1]), (kept[1:], kept[:-1])):
        assert abs(np.mean(a & b) - (1 - rate) ** 2) < 0.006


def test_dropout_does_nothing_outside_training_or_at_rate_zero():
    np.testing.assert_array_equal(nn.Dropout(0.9)(X), X)
    np.testing.assert_array_equal(training(nn.Dropout(0.0), X), X)


def test_dropout_is_a_function_of_the_key_and_of_the_place_in_the_network():
    x = np.ones((50, 50), np.float32)
    layer = nn.Dropout(0.5)
    np.testing.assert_array_equal(training(layer, x, seed=1), training(layer, x, seed=1))
    assert (training(layer, x, seed=1) != training(layer, x, seed=2)).any()
    both = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5))
    twice = np.mean(training(both, x) != 0)
    assert 0.2 < twice < 0.3  # one half of one half: the two draw different numbers


def test_dropout_passes_gradients_to_what_it_kept():
    x = np.ones((30, 30))
    layer = nn.Dropout(0.25)
    gradient = gd.grad(lambda x: np.sum(training(layer, x)))(x)
    np.testing.assert_allclose(gradient, training(layer, x))


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan"), "0.5", None])
def test_dropout_refuses_a_wrong_rate(rate):
    with pytest.raises(InvalidArgumentError, match=r"`rate` is .* at least 0 and below 1"):
        nn.Dropout(rate)


def test_a_random_layer_in_training_needs_a_key():
    with (
        nn.running(nn.Context(training=True)),
        pytest.raises(GradienteError, match=r"needs a key; train with `gd.Trainer`"),
    ):
        nn.Dropout(0.5)(X)


# -- normalization -------------------------------------------------------------------------------


def test_batch_norm_normalises_each_channel_of_the_batch():
    y = training(nn.BatchNorm(), 5 + 3 * X)
    np.testing.assert_allclose(y.mean(axis=0), np.zeros(4), atol=1e-6)
    np.testing.assert_allclose(y.std(axis=0), np.ones(4), atol=1e-4)


def test_batch_norm_does_not_learn_outside_training():
    layer = nn.BatchNorm().initialize(X)
    layer(X)
    np.testing.assert_array_equal(layer.running_mean, np.zeros(4))
    np.testing.assert_array_equal(layer.running_variance, np.ones(4))


def test_batch_norm_of_a_batch_of_one_is_finite():
    layer = nn.BatchNorm()
    np.testing.assert_array_equal(training(layer, X[:1]), np.zeros((1, 4)))
    np.testing.assert_allclose(layer.running_variance, np.full(4, 0.9), rtol=1e-6)


def test_batch_norm_keeps_the_type_of_its_statistics():
    layer = nn.BatchNorm().initialize(X)
    training(layer, X.astype(np.float64))
    assert layer.running_mean.dtype == np.float32
    assert layer.running_variance.dtype == np.float32


def test_layer_norm_normalises_each_sample():
    y = nn.LayerNorm()(5 + 3 * X)
    np.testing.assert_allclose(y.mean(axis=1), np.zeros(6), atol=1e-6)
    np.testing.assert_allclose(y.std(axis=1), np.ones(6), atol=1e-4)


def test_normalization_refuses_other_sizes_and_settings():
    layer = nn.BatchNorm().initialize(X)
    with pytest.raises(ShapeError, match=r"`weight` of BatchNorm has shape \(4,\)"):
        training(layer, X[:, :3])
    with pytest.raises(ShapeError, match="at least 2 axes"):
        nn.BatchNorm()(X[0])
    with pytest.raises(InvalidArgumentError, match="`momentum` is 64"):
        nn.BatchNorm(momentum=64)
    with pytest.raises(InvalidArgumentError, match="`epsilon` is 0"):
        nn.LayerNorm(epsilon=0)
    with pytest.raises(TypeError, match="positional"):
        nn.BatchNorm(64)  # the number of channels, for torch: here they are found out
    with pytest.raises(TypeError, match="positional"):
        nn.LayerNorm(64)


def test_repr_shows_what_was_chosen():
    assert repr(nn.BatchNorm()) == "BatchNorm()"
    assert repr(nn.BatchNorm(momentum=0.01)) == "BatchNorm(momentum=0.01)"
    assert repr(nn.LayerNorm(epsilon=0.001)) == "LayerNorm(epsilon=0.001)"
    assert repr(nn.Dense(3, 4, use_bias=False)) == "Dense(3, inputs=4, use_bias=False)"
    assert repr(nn.Dropout(0.25)) == "Dropout(0.25)"
    assert repr(nn.Embedding(5, 2)) == "Embedding(5, 2)"


# -- Embedding, Flatten --------------------------------------------------------------------------


def test_embedding_looks_up_rows():
    layer = nn.Embedding(5, 2)
    indices = np.array([[0, 4], [4, 1]], np.uint8)
    assert layer(indices).shape == (2, 2, 2)
    np.testing.assert_array_equal(layer(indices), layer.weight[indices])
    np.testing.assert_array_equal(layer([3, -1]), layer.weight[[3, 4]])


def test_embedding_refuses_what_is_no_index():
    layer = nn.Embedding(5, 2)
    with pytest.raises(TypeMismatchError, match=r"integers, got float32; convert with"):
        layer(np.zeros(3, np.float32))
    with pytest.raises(TypeMismatchError, match="got bool"):
        layer(np.zeros(3, bool))
    for wrong in (5, -6):
        with pytest.raises(IndexRangeError, match="out of range for an axis of length 5"):
            layer(np.array([0, wrong]))
        with pytest.raises(IndexRangeError, match="out of range"):
            gd.compile(lambda layer, x: layer(x))(layer, np.array([0, wrong]))
    for sizes in ((0, 2), (5, 0), (5, 1.5)):
        with pytest.raises(InvalidArgumentError, match="whole number"):
            nn.Embedding(*sizes)


def test_flatten_is_row_major():
    x = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(nn.Flatten()(x), x.reshape(2, 12))
    assert nn.Flatten()(np.zeros((3,))).shape == (3, 1)
    assert nn.Flatten()(np.zeros((0, 3, 4))).shape == (0, 12)
    with pytest.raises(ShapeError, match="single number"):
        nn.Flatten()(3.0)
