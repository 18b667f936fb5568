"""Every pass keeps the meaning of a graph to the last bit, and makes the graph it should."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.backends.numpy.program import program
from gradiente.base.trees import flatten
from gradiente.graph.graph import Graph, verify
from gradiente.rewrite.expand import expand
from gradiente.rewrite.fold import fold
from gradiente.rewrite.merge import merge
from gradiente.rewrite.pipeline import PASSES, improve
from gradiente.rewrite.simplify import simplify
from gradiente.trace.trace import input_names, slot_of, trace

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
X[0, 0], X[1, 1], X[2, 2] = np.nan, -0.0, np.inf


def graph_of(function, *args) -> Graph:
    leaves, structure = flatten((args, {}))
    names = input_names(function, args, {})
    return trace(function, structure, [slot_of(leaf) for leaf in leaves], names).graph


def operations(graph: Graph) -> list[str]:
    return [node.operation.name for node in graph.steps]


def loss(w, b, x):
    total = gd.logsumexp(gd.relu(x @ w + b) * 1.0, axis=-1)
    return np.mean(total - gd.log_softmax(gd.relu(x @ w + b))[:, 0])


def training_step(w, b, x):
    value, gradients = gd.value_and_grad(loss, argnums=(0, 1))(w, b, x)
    return value, *(p - 0.1 * g for p, g in zip((w, b), gradients, strict=True))


ARGUMENTS = (
    np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32),
    np.zeros(5, np.float32),
    np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32),
)


@pytest.mark.parametrize("name", PASSES)
def test_a_training_step_keeps_its_bits_under_each_pass(name):
    graph = graph_of(training_step, *ARGUMENTS)
    changed = PASSES[name](graph)
    verify(changed)
    for before, after in zip(
        program(graph)(list(ARGUMENTS)), program(changed)(list(ARGUMENTS)), strict=True
    ):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", PASSES)
def test_a_pass_can_be_switched_off(name, monkeypatch):
    graph = graph_of(training_step, *ARGUMENTS)
    monkeypatch.setenv("GRADIENTE_SKIP", name)
    without = improve(graph)
    monkeypatch.setenv("GRADIENTE_SKIP", "")
    assert len(operations(improve(graph))) < len(operations(without)) < len(operations(graph))


@pytest.mark.parametrize(
    ("function", "left"),
    [
        (lambda x: x * 1, []),
        (lambda x: 1 * x, []),
        (lambda x: x / 1, []),
        (lambda x: x - 0.0, []),
        (lambda x: x + 0.0, ["add"]),  # -0.0 + 0.0 is 0.0
        (lambda x: x - (-0.0), ["subtract"]),
        (lambda x: np.negative(-x), []),
        (lambda x: -x, ["negative"]),
        (lambda x: gd.stop_gradient(x), []),
        (lambda x: x.T.T, []),
        (lambda x: x.T, ["transpose"]),
        (lambda x: np.flip(np.flip(x, 0), 0), []),
        (lambda x: np.flip(np.flip(x, 0), 1), ["flip", "flip"]),
        (lambda x: x.reshape(12).reshape(2, 6), ["reshape"]),
        (lambda x: x.reshape(12).reshape(4, 3), []),
        (lambda x: x * np.broadcast_to(x[0], (4, 3)), ["slice", "reshape", "multiply"]),
        (
            lambda x: np.broadcast_to(x[0], (4, 3)) * 2,
            ["slice", "reshape", "broadcast_to", "multiply"],
        ),
    ],
)
def test_identities(function, left):
    graph = graph_of(function, X)
    simpler = simplify(graph)
    verify(simpler)
    assert operations(simpler) == left
    np.testing.assert_array_equal(program(simpler)([X])[0], program(graph)([X])[0])
    signs = [np.signbit(program(g)([X])[0]) for g in (simpler, graph)]
    np.testing.assert_array_equal(*signs)


def test_three_transpositions_become_one():
    cube = np.arange(24.0).reshape(2, 3, 4)

    def turned(x):
        return np.transpose(np.transpose(np.transpose(x, (1, 2, 0)), (2, 0, 1)), (0, 2, 1))

    simpler = simplify(graph_of(turned, cube))
    assert operations(simpler) == ["transpose"]
    np.testing.assert_array_equal(program(simpler)([cube])[0], turned(cube))


def test_constants_are_folded_unless_large():
    table = np.arange(3.0)
    graph = graph_of(lambda x: x * gd.exp(gd.stop_gradient(x) * 0 + table).sum(), X)
    assert operations(fold(graph)) == operations(graph)
    small = fold(graph_of(lambda x: x + gd.jvp(gd.sin, (table,), (table,))[1], X.astype(float)))
    assert operations(small) == ["add"]


def test_a_large_constant_is_computed_when_it_is_needed():
    def large(x):
        key = gd.random.fold_in(gd.random.key(0), x)
        return gd.random.uniform(key, (300, 300))

    assert "random_bits" in operations(fold(graph_of(large, np.array(3))))


def test_equal_subexpressions_are_computed_once():
    graph = graph_of(lambda x: np.tanh(x) * np.tanh(x) + np.exp(x.T).T * np.exp(x.T).T, X)
    assert sorted(operations(merge(graph))) == sorted(
        ["tanh", "multiply", "transpose", "exp", "transpose", "multiply", "add"]
    )


def test_merging_distinguishes_parameters_and_signed_zeros():
    graph = graph_of(lambda x: np.sum(x, axis=0).sum() + np.sum(x, axis=1).sum(), X)
    assert operations(merge(graph)) == operations(graph)
    zeros = graph_of(lambda x: (np.copysign(x, 0.0), np.copysign(x, -0.0)), X)
    assert len(operations(merge(zeros))) == 2


def test_composites_are_written_out():
    graph = graph_of(lambda x: gd.softmax(x) + gd.log_softmax(x), X)
    everything = expand(graph)
    assert "softmax" not in operations(everything)
    assert "exp" in operations(everything)
    one = expand(graph, lambda operation: operation.name == "softmax")
    assert "log_softmax" in operations(one)
    for changed in (everything, one):
        verify(changed)
        np.testing.assert_array_equal(program(changed)([X])[0], program(graph)([X])[0])


def test_the_part_that_a_concatenation_is_made_of_is_that_part():
    def function(x, y):
        joined = np.concatenate([x, y, x], axis=1)
        return joined[:, 3:6] + 1, joined[:, 2:5] * 2, joined[:2, 3:6] - 3

    graph = simplify(graph_of(function, X, X + 1))
    assert operations(graph).count("slice") == 2
    added = next(node for node in graph.steps if node.operation.name == "add")
    assert added.inputs[0] is graph.inputs[1]


IMAGES = np.random.default_rng(3).normal(size=(2, 6, 7, 3))
KERNEL = np.random.default_rng(4).normal(size=(3, 3, 3, 2))


def same_bits(graph, changed, *arrays):
    verify(changed)
    for a, b in zip(program(graph)(arrays), program(changed)(arrays), strict=True):
        np.testing.assert_array_equal(a, b)


def test_zeros_that_a_slice_takes_away_are_not_put_there():
    graph = graph_of(lambda x: np.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0)))[:, 1:-1, :-3], IMAGES)
    changed = simplify(graph)
    assert operations(changed) == ["pad"]
    assert changed.outputs[0].operation.name == "pad"
    same_bits(graph, changed, IMAGES)


@pytest.mark.parametrize("cut", [slice(3, -1), slice(None, None, 2)])
def test_a_slice_of_what_was_padded_stays_a_slice(cut):
    graph = graph_of(lambda x: np.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0)))[:, cut], IMAGES)
    changed = simplify(graph)
    assert operations(changed) == ["pad", "slice"]
    same_bits(graph, changed, IMAGES)


@pytest.mark.parametrize("dilations", [1, 2])
def test_only_the_places_of_a_convolution_that_are_wanted_are_computed(dilations):
    def some(x, w):
        return gd.convolution(x, w, padding=3, dilations=dilations)[:, 1:-2, 2:-1]

    graph = graph_of(some, IMAGES, KERNEL)
    changed = simplify(graph)
    assert operations(changed) == ["pad", "convolution"]
    assert changed.outputs[0].operation.name == "convolution"
    same_bits(graph, changed, IMAGES, KERNEL)


def test_a_convolution_that_is_needed_whole_is_computed_once():
    def both(x, w):
        y = gd.convolution(x, w)
        return y, y[:, 1:]

    graph = graph_of(both, IMAGES, KERNEL)
    assert operations(simplify(graph)).count("convolution") == 1
    same_bits(graph, simplify(graph), IMAGES, KERNEL)


def test_a_convolution_of_every_second_place_stays():
    def strided(x, w):
        return gd.convolution(x, w, strides=2)[:, 1:]

    graph = graph_of(strided, IMAGES, KERNEL)
    assert "slice" in operations(simplify(graph))
    same_bits(graph, simplify(graph), IMAGES, KERNEL)
