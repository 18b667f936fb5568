"""Convolutional and pooling layers: shapes, names, errors; against PyTorch where it has them."""

import numpy as np
import pytest

from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, ShapeError

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(2, 7, 6, 4))


@pytest.mark.parametrize(
    ("layer", "text", "shape"),
    [
        (nn.Convolution(5, 3), "Convolution(5, 3)", (2, 5, 4, 5)),
        (
            nn.Convolution(6, (3, 1), strides=2, padding="same", groups=2, use_bias=False),
            "Convolution(6, (3, 1), strides=2, padding='same', groups=2, use_bias=False)",
            (2, 4, 3, 6),
        ),
        (nn.TransposedConvolution(5, 2, strides=2), None, (2, 14, 12, 5)),
        (nn.DepthwiseConvolution(3, padding=1, multiplier=2), None, (2, 7, 6, 8)),
        (nn.SeparableConvolution(5, 3), "SeparableConvolution(5, 3)", (2, 5, 4, 5)),
        (nn.MaxPool(2), "MaxPool(2)", (2, 3, 3, 4)),
        (nn.AveragePool((3, 2), 1, "same"), None, (2, 7, 6, 4)),
        (nn.LPPool(2, 3), "LPPool(2, 3)", (2, 2, 2, 4)),
        (nn.GlobalMaxPool(), "GlobalMaxPool()", (2, 4)),
        (nn.GlobalAveragePool(), "GlobalAveragePool()", (2, 4)),
        (nn.AdaptiveMaxPool(3), "AdaptiveMaxPool(3)", (2, 3, 3, 4)),
        (nn.AdaptiveAveragePool((2, 5)), "AdaptiveAveragePool((2, 5))", (2, 2, 5, 4)),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_shapes_and_names(layer, text, shape):
    assert layer.initialize(X)(X).shape == shape
    assert text is None or repr(layer) == text


def test_a_depthwise_convolution_sees_each_channel_alone():
    layer = nn.DepthwiseConvolution(3, use_bias=False).initialize(X)
    changed = X.copy()
    changed[..., 2] += 1
    different = np.any(layer(changed) != layer(X), axis=(0, 1, 2))
    assert different.tolist() == [False, False, True, False]


def test_a_separable_convolution_is_one_convolution_with_the_product_of_its_weights():
    layer = nn.SeparableConvolution(5, 3, use_bias=False).initialize(X)
    depthwise, pointwise = layer.depthwise.weight[:, :, 0], layer.pointwise.weight[0, 0]
    whole = nn.Convolution(5, 3, use_bias=False).initialize(X)
    whole.weight = depthwise[..., None] * pointwise
    np.testing.assert_allclose(layer(X), whole(X), atol=1e-12)


@pytest.mark.parametrize("places", [1, 3, (2, 5), (7, 6)])
def test_adaptive_pooling_is_pytorchs(places):
    functional = pytest.importorskip("torch").nn.functional
    torch = pytest.importorskip("torch")
    theirs = torch.tensor(np.moveaxis(X, -1, 1).copy())
    for layer, expected in (
        (nn.AdaptiveAveragePool(places), functional.adaptive_avg_pool2d(theirs, places)),
        (nn.AdaptiveMaxPool(places), functional.adaptive_max_pool2d(theirs, places)),
    ):
        np.testing.assert_allclose(np.moveaxis(layer(X), -1, 1), expected.numpy(), atol=1e-14)


def test_power_pooling_is_pytorchs():
    torch = pytest.importorskip("torch")
    theirs = torch.tensor(np.moveaxis(np.abs(X), -1, 1).copy())
    expected = torch.nn.functional.lp_pool2d(theirs, 3.0, 2)
    np.testing.assert_allclose(np.moveaxis(nn.LPPool(3, 2)(X), -1, 1), expected.numpy(), atol=1e-13)


@pytest.mark.parametrize("make", [lambda: nn.Convolution(3, (2, 2)), lambda: nn.MaxPool((2, 2))])
def test_inputs_with_other_axes_are_refused(make):
    with pytest.raises(ShapeError, match=r"with 2 axes of lengths, not \[2, 7, 6\].*None"):
        make()(X[..., 0])


def test_arguments_that_make_no_sense():
    with pytest.raises(InvalidArgumentError, match="filters"):
        nn.Convolution(0, 3)
    with pytest.raises(InvalidArgumentError, match="kernel_size"):
        nn.Convolution(3, (3, 0))
    with pytest.raises(InvalidArgumentError, match="5 filters cannot be divided into 2 groups"):
        nn.Convolution(5, 3, groups=2)
    with pytest.raises(ShapeError, match="divides channels into 3 groups; 4 of shape"):
        nn.Convolution(6, 3, groups=3)(X)
    with pytest.raises(InvalidArgumentError, match="'valid', 'same', a whole number"):
        nn.Convolution(6, 3, padding="full")(X)
