"""Padding, cropping, upsampling and shuffling of pixels: against PyTorch, and their errors."""

import numpy as np
import pytest

from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, ShapeError

RANDOM = np.random.default_rng(9)
X = RANDOM.normal(size=(2, 5, 4, 3))
SHAPES = pytest.mark.parametrize("shape", [(2, 5, 3), (2, 5, 4, 3), (2, 3, 5, 4, 3)], ids=str)


def torch_tensor(x):
    return pytest.importorskip("torch").tensor(np.moveaxis(x, -1, 1).copy())


def same(ours, theirs):
    np.testing.assert_allclose(ours, theirs.movedim(1, -1).numpy(), rtol=1e-12, atol=1e-14)


@SHAPES
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_pad_is_pytorchs(shape, mode):
    torch = pytest.importorskip("torch")
    x = RANDOM.normal(size=shape)
    ends = [(1, 2), (2, 0), (0, 1)][: len(shape) - 2]
    theirs = [n for pair in reversed(ends) for n in pair]  # the last axis first
    value = 0.5 if mode == "constant" else 0.0
    expected = torch.nn.functional.pad(torch_tensor(x), theirs, mode=mode, value=value)
    same(nn.Pad(tuple(ends), mode, value=value)(x), expected)
    every = [1] * 2 * len(ends)
    same(nn.Pad(1, mode)(x), torch.nn.functional.pad(torch_tensor(x), every, mode=mode))


def test_pad_keeps_the_data_type_and_crop_undoes_it():
    x = np.arange(40).reshape(2, 5, 4)
    y = nn.Pad(((2, 1),), value=7)(x)
    assert y.dtype == x.dtype and (y[:, :2] == 7).all() and (y[:, -1] == 7).all()
    np.testing.assert_array_equal(nn.Crop(((2, 1),))(y), x)
    np.testing.assert_array_equal(nn.Crop((1, (0, 3)))(X), X[:, 1:-1, :1])
    np.testing.assert_array_equal(nn.Crop(0)(X), X)


def test_pad_and_crop_refuse_what_cannot_be():
    for mode, padding in (("reflect", 4), ("circular", 5)):
        with pytest.raises(ShapeError, match="too short for that"):
            nn.Pad(padding, mode)(X)
    with pytest.raises(ShapeError, match="too short"):
        nn.Pad(1, "replicate")(X[:, :0])
    with pytest.raises(InvalidArgumentError, match=r"`mode` is 'zeros'"):
        nn.Pad(1, "zeros")
    with pytest.raises(InvalidArgumentError, match=r"`padding` is -1"):
        nn.Pad(-1)
    with pytest.raises(InvalidArgumentError, match=r"a number or \(before, after\)"):
        nn.Pad(((1, 2, 3), 1))
    with pytest.raises(ShapeError, match="with 1 axes of lengths"):
        nn.Pad((1,))(X)
    with pytest.raises(ShapeError, match=r"Crop\(2\) leaves nothing"):
        nn.Crop(2)(X)


@SHAPES
@pytest.mark.parametrize("mode", ["nearest", "linear", "corners"])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_upsample_is_pytorchs(shape, mode, factor):
    torch = pytest.importorskip("torch")
    x = RANDOM.normal(size=shape)
    theirs = {"scale_factor": factor, "mode": "nearest"}
    if mode != "nearest":
        theirs["mode"] = ["linear", "bilinear", "trilinear"][len(shape) - 3]
        theirs["align_corners"] = mode == "corners"
    layer = nn.Upsample(
        factor, "nearest" if mode == "nearest" else "linear", align_corners=mode == "corners"
    )
    same(layer(x), torch.nn.Upsample(**theirs)(torch_tensor(x)))


def test_upsample_with_a_factor_for_each_axis():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Upsample(scale_factor=(3, 2), mode="bilinear")
    same(nn.Upsample((3, 2), "linear")(X), theirs(torch_tensor(X)))
    assert nn.Upsample(2, "linear")(X[:, :1]).shape == (2, 2, 8, 3)  # an axis of length 1
    with pytest.raises(ShapeError, match="with 1 axes of lengths"):
        nn.Upsample((2,))(X)
    with pytest.raises(InvalidArgumentError, match=r"`mode` is 'bilinear'"):
        nn.Upsample(2, "bilinear")
    with pytest.raises(InvalidArgumentError, match=r"`factor` is 1\.5"):
        nn.Upsample(1.5)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_pixel_shuffle_is_pytorchs(factor):
    torch = pytest.importorskip("torch")
    x = RANDOM.normal(size=(2, 3, 4, 2 * factor**2))
    y = nn.PixelShuffle(factor)(x)
    same(y, torch.nn.PixelShuffle(factor)(torch_tensor(x)))
    same(nn.PixelUnshuffle(factor)(y), torch.nn.PixelUnshuffle(factor)(torch_tensor(y)))


@SHAPES
def test_pixel_unshuffle_is_the_inverse_in_any_number_of_axes(shape):
    x = RANDOM.normal(size=(*(2 * n for n in shape[:-1]), shape[-1]))
    y = nn.PixelUnshuffle(2)(x)
    assert y.shape == (2 * shape[0], *shape[1:-1], shape[-1] * 2 ** (len(shape) - 2))
    np.testing.assert_array_equal(nn.PixelShuffle(2)(y), x)


def test_pixel_shuffle_refuses_what_does_not_divide():
    with pytest.raises(ShapeError, match="channels that are divided by 4"):
        nn.PixelShuffle(2)(X)
    with pytest.raises(ShapeError, match="lengths that are divided by 2"):
        nn.PixelUnshuffle(2)(X)
