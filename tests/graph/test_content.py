"""When two graphs say the same: never if a program made of them could differ."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.trees import flatten
from gradiente.graph.content import LARGEST, content
from gradiente.trace.trace import input_names, slot_of, trace

X = np.arange(6.0).reshape(2, 3)


def said(function, *arguments):
    slots = [slot_of(argument) for argument in arguments]
    structure = flatten((arguments, {}))[1]
    names = input_names(function, arguments, {})
    return content(trace(function, structure, slots, names).graph)


def scaled(factor, shift=1.0, array=(1.0, 2.0, 3.0)):
    """A function whose line is always the same."""
    constant = np.array(array)
    return lambda x: np.sum(np.tanh(x) * factor + constant, axis=-1) + shift


def test_graphs_of_one_configuration_are_equal():
    first, second = said(scaled(2.0), X), said(scaled(2.0), X)
    assert first == second and hash(first) == hash(second) and first is not None


@pytest.mark.parametrize(
    "other",
    [
        scaled(2.5),
        scaled(2.0, -1.0),
        scaled(2.0, array=(1.0, 2.0, 4.0)),
        scaled(np.float32(2.1)),
    ],
)
def test_other_constants_are_other_graphs(other):
    assert said(other, X) != said(scaled(2.0), X)


def test_signs_of_zeros_and_bits_of_nan_count():
    assert said(scaled(0.0), X) != said(scaled(-0.0), X)
    assert said(scaled(np.nan), X) == said(scaled(np.nan), X)


def test_types_parameters_and_operations_count():
    assert said(scaled(2.0), X.astype(np.float32)) != said(scaled(2.0), X)
    assert said(scaled(2.0), X[:1]) != said(scaled(2.0), X)

    def reduced(function, **options):
        return said(lambda x: function(x, **options), X)

    sums = [reduced(np.sum, axis=0), reduced(np.sum, axis=1), reduced(np.max, axis=1)]
    assert len(set(sums)) == 3
    assert reduced(np.sum, axis=0) == sums[0]


def test_the_lines_of_the_user_count():
    assert said(lambda x: x + 1, X) != said(
        lambda x: x + 1,
        X,
    )


def test_the_order_of_results_and_the_names_of_arguments_count():
    def two(first):
        return lambda x, y: (x - y, x * y) if first else (x * y, x - y)

    assert said(two(True), X, X) != said(two(False), X, X)
    assert said(two(True), X, X) == said(two(True), X, X)


def test_large_constants_and_own_rules_are_equal_to_nothing():
    assert said(lambda x: x + np.zeros(LARGEST // 8 + 1), 1.0) is None
    doubled = gd.custom_gradient(lambda x: (x * 2, lambda g: g * 2))
    assert said(doubled, X) is None
