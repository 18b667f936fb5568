"""Layers for tables: against their equations in NumPy and PyTorch, unknown categories, errors."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.gradient.derivatives import grad

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(6, 3))
CATEGORIES = np.array([[0, 1], [2, 0], [1, 3], [2, 2], [0, 0], [1, 1]])


def training(layer, x):
    with nn.running(nn.Context(training=True, key=gd.random.key(0))):
        return layer(x)


def test_each_column_has_vectors_of_its_own():
    layer = nn.CategoryEmbedding((3, 4), 5).initialize(CATEGORIES)
    assert layer.weight.shape == (4 + 5, 5)
    expected = np.stack((layer.weight[CATEGORIES[:, 0]], layer.weight[4 + CATEGORIES[:, 1]]), 1)
    np.testing.assert_array_equal(layer(CATEGORIES), expected)


def test_unknown_categories_share_a_vector_that_starts_at_zero():
    layer = nn.CategoryEmbedding((3, 4), 5).initialize(CATEGORIES)
    strange = np.array([[3, -1], [-7, 4], [100, 2**40]])
    np.testing.assert_array_equal(layer(strange), np.zeros((3, 2, 5)))
    np.testing.assert_array_equal(layer(np.array([[200, 0]], np.uint8))[0, 0], np.zeros(5))
    assert (layer(CATEGORIES) != 0).all()
    gradient = grad(lambda layer: np.sum(layer(strange)))(layer)
    np.testing.assert_array_equal(gradient.weight[:, 0], [0, 0, 0, 3, 0, 0, 0, 0, 3])


def test_some_categories_are_taken_as_unknown_in_training():
    layer = nn.CategoryEmbedding((3, 4), 1, unknown_rate=0.25).initialize(CATEGORIES)
    x = np.zeros((4000, 2), int)
    unknown = training(layer, x) == 0
    assert abs(unknown.mean() - 0.25) < 0.03
    assert (layer(x) != 0).all()


def test_category_embedding_refuses_wrong_inputs():
    with pytest.raises(ShapeError, match=r"takes \(batch, 2\) integers, got shape \(6, 3\)"):
        nn.CategoryEmbedding((3, 4), 5)(np.zeros((6, 3), int))
    with pytest.raises(TypeMismatchError, match="CategoryEmbedding looks up integers"):
        nn.CategoryEmbedding((3, 4), 5)(np.zeros((6, 2)))
    with pytest.raises(InvalidArgumentError, match="`categories` is empty"):
        nn.CategoryEmbedding((), 5)
    with pytest.raises(InvalidArgumentError, match="`categories` is 0"):
        nn.CategoryEmbedding((3, 0), 5)


def test_periodic_embedding_is_its_equation():
    layer = nn.PeriodicEmbedding(4, 5, scale=0.7).initialize(X)
    angle = 2 * np.pi * layer.frequency * X[:, :, None]
    waves = np.concatenate((np.cos(angle), np.sin(angle)), axis=-1)
    expected = np.einsum("njk,jkd->njd", waves, layer.weight) + layer.bias
    np.testing.assert_allclose(layer(X), np.maximum(expected, 0), rtol=1e-10, atol=1e-12)
    plain = nn.PeriodicEmbedding(4, 5, activation=nn.linear)
    plain.load_state(layer.state())
    np.testing.assert_allclose(plain(X), expected, rtol=1e-10, atol=1e-12)


def test_the_frequencies_start_with_the_given_deviation():
    layer = nn.PeriodicEmbedding(2, 200, scale=0.3).initialize(RANDOM.normal(size=(1, 50)))
    np.testing.assert_allclose(layer.frequency.std(), 0.3, rtol=0.02)
    limit = 400**-0.5
    assert np.abs(layer.weight).max() <= limit and np.abs(layer.bias).max() <= limit


def piecewise(x, edges):
    """The encoding of one number, as the paper writes it."""
    parts = len(edges) - 1
    share = np.zeros(parts)
    for t in range(parts):
        lower, upper = edges[t], edges[t + 1]
        if x < lower and t > 0:
            share[t] = 0
        elif x >= upper and t < parts - 1:
            share[t] = 1
        else:
            share[t] = (x - lower) / (upper - lower)
    return share


def test_piecewise_linear_embedding_is_its_equation():
    edges = [np.array([-0.5, 0.1, 0.4, 1.0]), np.array([-1.0, 1.0]), np.array([-0.3, 0.0, 0.9])]
    layer = nn.PiecewiseLinearEmbedding(edges, 4).initialize(X)
    shares = np.zeros((6, 3, 3))
    for n in range(6):
        for j, each in enumerate(edges):
            shares[n, j, : len(each) - 1] = piecewise(X[n, j], each)
    expected = np.einsum("njk,jkd->njd", shares, layer.weight) + layer.bias
    np.testing.assert_allclose(layer(X), expected, rtol=1e-10, atol=1e-12)
    assert list(layer.buffers()) == ["limits"]
    assert repr(layer) == "PiecewiseLinearEmbedding(<3 columns, 3 parts>, size=4)"
    gradient = grad(lambda layer: np.sum(layer(X) ** 2))(layer)
    assert all(np.isfinite(g).all() for g in gradient.parameters().values())


def test_quantile_edges():
    x = np.stack((np.arange(101.0), np.repeat([0.0, 1.0], [90, 11])), axis=1)
    first, second = nn.quantile_edges(x, 4)
    np.testing.assert_allclose(first, [0, 25, 50, 75, 100])
    np.testing.assert_allclose(second, [0, 1])
    with pytest.raises(InvalidArgumentError, match="column 1 has one value only, 5"):
        nn.quantile_edges(np.array([[1, 5], [2, 5]]))


def test_piecewise_linear_embedding_refuses_wrong_edges_and_inputs():
    for edges in ([], [[1.0]], [[1.0, 1.0]], [[2.0, 1.0]], [[[1.0, 2.0]]], [[0.0, np.nan]]):
        with pytest.raises(InvalidArgumentError, match="two ascending numbers or more"):
            nn.PiecewiseLinearEmbedding(edges)
    with pytest.raises(ShapeError, match=r"has edges of 1 columns, got shape \(6, 3\)"):
        nn.PiecewiseLinearEmbedding([[0, 1]])(X)
    with pytest.raises(ShapeError, match=r"takes \(batch, columns\)"):
        nn.PeriodicEmbedding()(X[None])


def test_feature_tokenizer_is_its_equation():
    layer = nn.FeatureTokenizer(4, (3, 4)).initialize((X, CATEGORIES))
    y = layer((X, CATEGORIES))
    assert y.shape == (6, 1 + 3 + 2, 4)
    np.testing.assert_array_equal(y[:, 0], np.tile(layer.class_vector, (6, 1)))
    np.testing.assert_allclose(y[:, 1:4], X[:, :, None] * layer.weight + layer.bias[:3])
    vectors = layer.embedding(CATEGORIES)
    np.testing.assert_allclose(y[:, 4:], vectors + layer.bias[3:], rtol=1e-6)
    assert all(np.abs(value).max() <= 0.5 for value in layer.parameters().values())
    assert nn.FeatureTokenizer(4, class_token=False)(X).shape == (6, 3, 4)


def test_feature_tokenizer_feeds_a_transformer():
    net = nn.Sequential(
        nn.FeatureTokenizer(8, (3, 4)),
        nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 1),
        lambda tokens: tokens[:, 0],
        nn.Dense(1),
    )
    assert net((X.astype(np.float32), CATEGORIES)).shape == (6, 1)


def test_feature_tokenizer_refuses_wrong_inputs():
    with pytest.raises(TypeMismatchError, match=r"takes \(numbers, categories\)"):
        nn.FeatureTokenizer(4, (3, 4))(X)
    with pytest.raises(TypeMismatchError, match="takes an array of numbers"):
        nn.FeatureTokenizer(4)((X, CATEGORIES))
