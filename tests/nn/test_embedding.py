"""Embeddings and bags of them against PyTorch; padding, norms, errors."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, TypeMismatchError
from gradiente.gradient.derivatives import grad

RANDOM = np.random.default_rng(4)
X = np.array([[0, 3, 2, 2], [3, 3, 3, 3], [1, 2, 0, 3], [4, 4, 1, 0]])
TIGHT = {"rtol": 1e-6, "atol": 1e-12}


def compare(layer, theirs, x, *more):
    """Value and gradient of the weight; more: weights of the vectors."""
    torch = pytest.importorskip("torch")
    ours = (x, *more) if more else x
    layer.load_state({"weight": RANDOM.normal(size=(5, 3))})
    theirs = theirs.double()
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(layer.weight))

    weights = {"per_sample_weights": torch.tensor(more[0])} if more else {}
    y = theirs(torch.tensor(x), **weights)
    cotangent = RANDOM.normal(size=y.shape)
    (y * torch.tensor(cotangent)).sum().backward()
    np.testing.assert_allclose(layer(ours), y.detach().numpy(), **TIGHT)
    gradient = grad(lambda layer: np.sum(layer(ours) * cotangent))(layer)
    np.testing.assert_allclose(gradient.weight, theirs.weight.grad.numpy(), **TIGHT)


@pytest.mark.parametrize("padding", [None, 3, -2])
@pytest.mark.parametrize("norm", [None, 1.0])
def test_embedding_is_pytorchs(padding, norm):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Embedding(5, 3, padding_idx=padding, max_norm=norm)
    compare(nn.Embedding(5, 3, padding_index=padding, max_norm=norm), theirs, X)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 3])
def test_embedding_bag_is_pytorchs(mode, padding):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.EmbeddingBag(5, 3, mode=mode, padding_idx=padding)
    compare(nn.EmbeddingBag(5, 3, mode, padding_index=padding), theirs, X)


def test_embedding_bag_with_weights_is_pytorchs():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.EmbeddingBag(5, 3, mode="sum", padding_idx=3)
    layer = nn.EmbeddingBag(5, 3, "sum", padding_index=3)
    compare(layer, theirs, X, RANDOM.normal(size=X.shape))


def test_gradients_go_to_the_weights_of_the_bag():
    layer = nn.EmbeddingBag(5, 3, "sum").initialize(X)
    gradient = grad(lambda w: np.sum(layer((X, w))))(np.ones(X.shape))
    np.testing.assert_allclose(gradient, layer.weight[X].sum(axis=-1), rtol=1e-6)


def test_padding_starts_at_zero_and_counts_from_the_end_too():
    layer = nn.Embedding(5, 3, padding_index=-2).initialize(X)
    np.testing.assert_array_equal(layer.weight[3], np.zeros(3))
    assert (layer.weight[[0, 1, 2, 4]] != 0).all()
    layer.load_state({"weight": np.ones((5, 3))})
    gradient = grad(lambda layer: np.sum(layer(np.array([3, -2, 4]))))(layer)
    np.testing.assert_array_equal(gradient.weight[:, 0], [0, 0, 0, 0, 1])
    bag = nn.EmbeddingBag(5, 3, "sum", padding_index=3).initialize(X)
    bag.load_state({"weight": np.ones((5, 3))})
    np.testing.assert_array_equal(bag(np.array([[3, -2, 4]])), np.ones((1, 3)))
    np.testing.assert_array_equal(bag(np.array([[3, 1, 4]], np.uint8)), 2 * np.ones((1, 3)))


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_a_bag_of_padding_only_is_zero_and_has_a_finite_gradient(mode):
    layer = nn.EmbeddingBag(5, 3, mode, padding_index=3).initialize(X)
    x = np.full((2, 4), 3)
    np.testing.assert_array_equal(layer(x), np.zeros((2, 3)))
    gradient = gd.compile(grad(lambda layer: np.sum(layer(x))))(layer)
    np.testing.assert_array_equal(gradient.weight, np.zeros((5, 3)))


def test_wrong_arguments():
    with pytest.raises(InvalidArgumentError, match=r"`padding_index` is 5: .* one of 5 categories"):
        nn.Embedding(5, 3, padding_index=5)
    with pytest.raises(InvalidArgumentError, match="`max_norm` is 0"):
        nn.Embedding(5, 3, max_norm=0)
    with pytest.raises(InvalidArgumentError, match="`mode` is 'min'"):
        nn.EmbeddingBag(5, 3, "min")
    with pytest.raises(InvalidArgumentError, match=r'takes no weights: they are for mode="sum"'):
        nn.EmbeddingBag(5, 3)((X, np.ones(X.shape)))
    with pytest.raises(TypeMismatchError, match="EmbeddingBag looks up integers, got float64"):
        nn.EmbeddingBag(5, 3)(np.ones((2, 2)))
    assert repr(nn.EmbeddingBag(5, 3, "max", padding_index=1)) == (
        "EmbeddingBag(5, 3, mode='max', padding_index=1)"
    )
