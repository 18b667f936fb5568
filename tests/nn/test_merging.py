"""Layers of several inputs: values by NumPy and PyTorch, and what they say to wrong inputs."""

import numpy as np
import pytest

from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.gradient.derivatives import grad

RANDOM = np.random.default_rng(7)
A, B, C = (RANDOM.normal(size=(5, 3)) for _ in range(3))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Add(), A + B + C),
        (nn.Multiply(), A * B * C),
        (nn.Average(), (A + B + C) / 3),
        (nn.Maximum(), np.maximum(np.maximum(A, B), C)),
        (nn.Minimum(), np.minimum(np.minimum(A, B), C)),
        (nn.Concatenate(), np.concatenate((A, B, C), axis=-1)),
        (nn.Concatenate(0), np.concatenate((A, B, C))),
    ],
    ids=repr,
)
def test_values(layer, expected):
    np.testing.assert_allclose(layer((A, B, C)), expected, rtol=1e-15)
    np.testing.assert_allclose(layer([A, B, C]), expected, rtol=1e-15)


def test_subtract_takes_the_second_from_the_first():
    np.testing.assert_array_equal(nn.Subtract()((A, B)), A - B)
    with pytest.raises(ShapeError, match=r"Subtract\(\) takes two arrays, got 3"):
        nn.Subtract()((A, B, C))


@pytest.mark.parametrize(
    ("axis", "shapes", "subscripts"),
    [
        (-1, ((5, 3), (5, 3)), "nk,nk->n"),
        (-1, ((5, 2, 3), (5, 4, 3)), "nik,njk->nij"),
        ((1, 2), ((5, 3, 2), (5, 4, 3)), "nki,njk->nij"),
        ((2, 1), ((5, 2, 3, 4), (5, 3)), "nikl,nk->nil"),
    ],
)
def test_dot_is_a_sum_of_products_for_each_sample(axis, shapes, subscripts):
    a, b = (RANDOM.normal(size=shape) for shape in shapes)
    expected = np.einsum(subscripts, a, b)
    y = nn.Dot(axis)((a, b))
    assert y.shape == (expected.shape if expected.ndim > 1 else (5, 1))
    np.testing.assert_allclose(y.reshape(expected.shape), expected, rtol=1e-12, atol=1e-14)


def test_dot_normalized_is_pytorchs_cosine():
    torch = pytest.importorskip("torch")
    expected = torch.nn.CosineSimilarity()(torch.tensor(A), torch.tensor(B)).numpy()
    np.testing.assert_allclose(nn.Dot(normalize=True)((A, B))[:, 0], expected, rtol=1e-10)
    zero = np.zeros((5, 3))
    towards_zero = grad(lambda x: np.sum(nn.Dot(normalize=True)((x, A))))(zero)
    assert np.isfinite(towards_zero).all()


@pytest.mark.parametrize("use_bias", [True, False])
def test_bilinear_is_pytorchs(use_bias):
    torch = pytest.importorskip("torch")
    a, b = RANDOM.normal(size=(2, 5, 3)), RANDOM.normal(size=(2, 5, 4))
    layer = nn.Bilinear(6, use_bias=use_bias).initialize((a, b))
    theirs = torch.nn.Bilinear(3, 4, 6, bias=use_bias).double()
    cotangent = RANDOM.normal(size=(2, 5, 6))
    with torch.no_grad():
        for name, value in layer.parameters().items():
            getattr(theirs, name).copy_(torch.tensor(value))
    variables = [torch.tensor(x, requires_grad=True) for x in (a, b)]
    y = theirs(*variables)
    (y * torch.tensor(cotangent)).sum().backward()
    np.testing.assert_allclose(layer((a, b)), y.detach().numpy(), rtol=1e-11)
    gradient, *towards = grad(
        lambda layer, a, b: np.sum(layer((a, b)) * cotangent), argnums=(0, 1, 2)
    )(layer, a, b)
    for ours, variable in zip(towards, variables, strict=True):
        np.testing.assert_allclose(ours, variable.grad.numpy(), rtol=1e-10, atol=1e-12)
    for name, value in gradient.parameters().items():
        expected = getattr(theirs, name).grad.numpy()
        np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12)


def test_bilinear_starts_within_the_limits_of_pytorch():
    x = np.zeros((1, 16)), np.zeros((1, 30))
    weight = nn.Bilinear(20).initialize(x).weight
    assert np.abs(weight).max() <= 0.25
    np.testing.assert_allclose(weight.std(), 0.25 / np.sqrt(3), rtol=0.03)


def test_wrong_inputs():
    with pytest.raises(TypeMismatchError, match=r"Add\(\) takes a tuple or list .* got one array"):
        nn.Add()(A)
    with pytest.raises(TypeMismatchError, match="got an empty tuple"):
        nn.Maximum()(())
    with pytest.raises(ShapeError, match=r"Add\(\) needs shapes that broadcast .* \(5, 2\)"):
        nn.Add()((A, B[:, :2]))
    with pytest.raises(ShapeError, match=r"agree in all axes but the one it joins"):
        nn.Concatenate()((A, B[:2]))
    with pytest.raises(ShapeError, match="axis 2 does not exist"):
        nn.Concatenate(2)((A, B))
    with pytest.raises(InvalidArgumentError, match=r"`axis` is 1\.5"):
        nn.Concatenate(1.5)
    with pytest.raises(InvalidArgumentError, match="one axis or two"):
        nn.Dot((1, 2, 3))
    for axis, pair in ((-1, (A, B[:, :2])), (-1, (A, B[:4])), (0, (A, B))):
        with pytest.raises(ShapeError, match="as many samples, and axes of one length"):
            nn.Dot(axis)(pair)
    with pytest.raises(ShapeError, match="agree in all axes but the last"):
        nn.Bilinear(2)((A, B[:4]))
