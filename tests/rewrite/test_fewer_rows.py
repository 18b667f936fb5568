"""A graph for many rows that also serves fewer computes what a graph made for those computes."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import random
from gradiente.backends.numpy.program import program
from gradiente.base.trees import flatten
from gradiente.graph.graph import verify
from gradiente.ops.contract import matmul
from gradiente.rewrite.expand import expand
from gradiente.rewrite.fewer_rows import changed, changes
from gradiente.rewrite.pipeline import improve
from gradiente.trace.trace import input_names, slot_of, trace

ROWS = 8
DRAWN = np.random.default_rng(5)
W = DRAWN.normal(size=(4, 3)).astype(np.float32)
X = DRAWN.normal(size=(ROWS, 2, 4)).astype(np.float32)
K = DRAWN.integers(0, 3, ROWS)
KEY = random.key(3)


def graph_of(function, rows):
    arguments = (W, X[:rows], K[:rows])
    leaves, structure = flatten((arguments, {}))
    names = input_names(function, arguments, {})
    return expand(trace(function, structure, [slot_of(leaf) for leaf in leaves], names).graph)


def row_numbers(x):
    return np.arange(x.shape[0], dtype=np.float32)


def cross_entropy(w, x, k):
    return np.mean(gd.softmax_cross_entropy(x[:, 0] @ w, k))


def contrastive(w, x, k):
    """Every sample against every other: the batch lies along both axes."""
    likeness = gd.softmax((x[:, 0] @ w) @ (x[:, 1] @ w).T, axis=1)
    return np.sum(likeness * np.eye(x.shape[0], dtype=np.float32)) / x.shape[0]


def embedded(w, x, k):
    return np.mean(np.tanh(gd.take(w.T, k, axis=0) * x[:, 0]))


def extremes(w, x, k):
    return np.max(x * w[:, 0], axis=0) - np.min(x * w[:, 0], axis=(0, 1)), np.max(k), np.min(-k)


def logic(w, x, k):
    over = x[:, 0] > 0.7
    return np.any(over, axis=0), np.all(over | (x[:, 1] < 2.0), axis=0), np.sum(over), np.sum(k)


def noisy(w, x, k):
    kept = random.bernoulli(KEY, 0.5, x.shape)
    noise = random.normal(KEY, x.shape, np.float64)
    return np.sum(gd.where(kept, x, 0.0), axis=(0, 1)) @ w, np.sum(noise)


def along_features(w, x, k):
    sorted_ = np.sort(np.cumsum(x[:, :, ::-1], axis=2), axis=2)
    joined = np.concatenate([sorted_[:, :, 1:3], np.pad(x, ((0, 0), (0, 0), (1, 0)))], axis=2)
    return np.mean(joined), np.sum(np.argmax(joined, axis=2))


EXACT = {
    "mean": lambda w, x, k: np.mean(x, axis=0),
    "variance": lambda w, x, k: np.var(x, axis=(0, 1), ddof=1.5) + np.std(x),
    "extremes": extremes,
    "logic": logic,
    "steps": lambda w, x, k: np.mean(x.reshape(-1, 4) @ w, axis=0),
    "middle": lambda w, x, k: np.mean(np.transpose(x, (1, 0, 2)), axis=1) @ w,
    "product": lambda w, x, k: (x[:, 0].T @ np.exp(x[:, 1])) @ w,
    "outer": lambda w, x, k: np.sum(x.T @ np.transpose(x, (2, 0, 1)), axis=0) @ w[:2],
    "single": lambda w, x, k: np.sum(x.mean(axis=0, keepdims=True) - x) + np.sum(w),
    "gradient": gd.grad(cross_entropy),
    "embedding": gd.grad(embedded),
    "contrastive": gd.grad(contrastive),
    "curvature": gd.grad(lambda w, x, k: np.sum(gd.grad(cross_entropy)(w, x, k) ** 2)),
    "random": noisy,
    "features": along_features,
    "filled": lambda w, x, k: np.sum(np.full(x.shape[0], 1.0 / x.shape[0]) * x[:, 0, 0]) * w,
    "numbered": lambda w, x, k: row_numbers(x) @ x[:, 1] @ w,
    "unchanged": lambda w, x, k: (w, gd.stop_gradient(np.sum(x, axis=0))),
    "the count": lambda w, x, k: (w, np.asarray(float(x.shape[0])) + 0 * w),
}

NOT_SURE = {
    "sort": lambda w, x, k: np.sum(np.sort(x, axis=0)[0]),
    "running sum": lambda w, x, k: np.sum(np.cumsum(x, axis=0)),
    "reverse": lambda w, x, k: np.sum(x[::-1] * x),
    "neighbours": lambda w, x, k: np.sum(x[1:] * x[:-1]),
    "every other": lambda w, x, k: np.sum(x[::2]),
    "both": lambda w, x, k: np.sum(np.concatenate([x, x], axis=0)),
    "position": lambda w, x, k: np.argmax(x, axis=0),
    "one of them": lambda w, x, k: x[-1] @ w,
    "chosen": lambda w, x, k: np.sum(gd.take(x, k, axis=0)),
    "halves": lambda w, x, k: np.sum(x.reshape(2, -1), axis=1),
    "ramp": lambda w, x, k: np.linspace(0.0, 1.0, x.shape[0]) @ x[:, 0],
    "branch": lambda w, x, k: np.sum(np.exp(x) if x.shape[0] < ROWS else np.tanh(x)),
    "no step": lambda w, x, k: x,
    "columns": lambda w, x, k: np.sum(random.uniform(KEY, (3, x.shape[0])) @ x[:, 0]),
    "padded": lambda w, x, k: np.sum(np.pad(x, ((1, 0), (0, 0), (0, 0)))),
}


def both_sizes(function, rows):
    full, fewer = graph_of(function, ROWS), graph_of(function, rows)
    return full, fewer, changes(full, fewer, states=1)


def run(graph, extras, rows):
    """A run on so many rows, filled up if the graph wants more."""
    size = graph.inputs[-1].type.shape[0]
    chosen = np.arange(size) % rows
    return program(improve(graph))([W, *extras, X[chosen], K[chosen]])


@pytest.mark.parametrize("rows", [1, 2, 5, 7])
@pytest.mark.parametrize("name", EXACT)
def test_fewer_rows_give_what_a_graph_of_their_own_gives(name, rows):
    full, fewer, found = both_sizes(EXACT[name], rows)
    graph = changed(full, 1, found)
    verify(graph)
    for own, size in ((fewer, rows), (full, ROWS)):
        expected, extras = run(own, [], size), found.extras(size)
        got = run(graph, extras, size)
        for ours, theirs in zip(got, [*expected, *extras], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, strict=True)


@pytest.mark.parametrize("name", EXACT)
def test_all_smaller_sizes_need_the_same_changes(name):
    full = graph_of(EXACT[name], ROWS)
    first, *others = [changes(full, graph_of(EXACT[name], rows), 1) for rows in (1, 2, 5, 7)]
    assert all(other == first for other in others)


@pytest.mark.parametrize("name", NOT_SURE)
def test_what_might_depend_on_other_rows_is_left_alone(name):
    assert both_sizes(NOT_SURE[name], 4)[2] is None


def test_other_sizes_are_refused():
    small, large = (graph_of(cross_entropy, rows) for rows in (3, ROWS))
    assert changes(small, large, 1) is None
    assert changes(small, small, 1) is None
    assert changes(large, graph_of(lambda w, x, k: (w, w), 3), 1) is None


def test_the_gradient_is_masked_once_for_the_weights_and_the_bias():
    def loss(w, x, k):
        return np.sum(np.tanh(x[:, 0] @ w + np.sum(w, axis=0)) ** 2)

    full, _, found = both_sizes(gd.grad(loss), 3)
    graph = improve(changed(full, 1, found))
    (where,) = [node for node in graph.steps if node.operation.name == "where"]
    products = [node for node in graph.steps if node.operation is matmul]
    assert any(where in node.inputs for node in products)
    assert found.places == (1,) and not found.full


def test_rows_that_are_no_copies_cannot_spoil_a_product():
    """1 / (number - 6) is infinite in the seventh row, which is not valid."""

    def product(w, x, k):
        with np.errstate(divide="ignore"):
            strange = x[:, 0] / np.expand_dims(row_numbers(x) - 6, 1)
        return strange.T @ np.exp(x[:, 1])

    full, fewer, found = both_sizes(product, 5)
    (got, *_), (expected,) = (
        run(changed(full, 1, found), found.extras(5), 5),
        run(fewer, [], 5),
    )
    assert np.all(np.isfinite(expected))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_numbers_of_the_batch_become_inputs():
    full, _, found = both_sizes(lambda w, x, k: np.mean(x) + np.var(x, ddof=1) + np.mean(x), 5)
    graph = changed(full, 1, found)
    assert sorted(map(float, found.full)) == [63, 64]
    assert sorted(map(float, found.fewer)) == [39, 40]
    names = [node.name for node in graph.inputs]
    assert names[:4] == ["w", "batch.number0", "batch.number1", "batch.valid1"]
