"""Reshaping layers: the order of elements, lengths that are found out, errors."""

import numpy as np
import pytest

from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError

X = np.arange(2 * 3 * 4).reshape(2, 3, 4)


def test_reshape_leaves_the_samples():
    np.testing.assert_array_equal(nn.Reshape(2, 6)(X), X.reshape(2, 2, 6))
    np.testing.assert_array_equal(nn.Reshape(-1, 2)(X), X.reshape(2, 6, 2))
    np.testing.assert_array_equal(nn.Reshape(12)(X), nn.Flatten()(X))
    assert nn.Reshape(3, -1)(X[:0]).shape == (0, 3, 4)
    with pytest.raises(ShapeError, match=r"Reshape\(5, -1\) needs a number .* 12, of an input"):
        nn.Reshape(5, -1)(X)
    with pytest.raises(ShapeError, match="do not"):
        nn.Reshape(2, 5)(X)
    with pytest.raises(InvalidArgumentError, match="only one can be found out"):
        nn.Reshape(-1, -1)
    with pytest.raises(InvalidArgumentError, match="`lengths` is -2"):
        nn.Reshape(-2, 3)


@pytest.mark.parametrize(("lengths", "axis"), [((2, 2), -1), ((3, 1), 1), ((-1, 2), 2)])
def test_unflatten_is_pytorchs(lengths, axis):
    torch = pytest.importorskip("torch")
    expected = torch.nn.Unflatten(axis, lengths)(torch.tensor(X)).numpy()
    np.testing.assert_array_equal(nn.Unflatten(lengths, axis)(X), expected)


def test_unflatten_refuses_what_does_not_fit():
    with pytest.raises(ShapeError, match="divides axis 3"):
        nn.Unflatten((2, 2), 3)(X)
    with pytest.raises(ShapeError, match="4, of an input of shape"):
        nn.Unflatten((3, -1))(X)


def test_permute_counts_from_one():
    np.testing.assert_array_equal(nn.Permute(2, 1)(X), X.transpose(0, 2, 1))
    for axes in ((), (0, 1), (1, 1), (1, 3)):
        with pytest.raises(InvalidArgumentError, match="each must come once"):
            nn.Permute(*axes)
    with pytest.raises(ShapeError, match=r"samples of 3 axes, got shape \(2, 3, 4\)"):
        nn.Permute(3, 1, 2)(X)


def test_repeat_vector():
    y = nn.RepeatVector(3)(X[:, 0])
    np.testing.assert_array_equal(y, np.repeat(X[:, :1], 3, axis=1))
    with pytest.raises(InvalidArgumentError, match="`times` is 0"):
        nn.RepeatVector(0)


def test_lambda_is_a_module_of_any_function():
    layer = nn.Lambda(np.sin)
    np.testing.assert_array_equal(layer(X), np.sin(X))
    assert repr(layer) == "Lambda(sin)" and layer.parameters() == {}
    with pytest.raises(TypeMismatchError, match="layer 0 of Lambda is"):
        nn.Lambda(3)
