"""`gd.show` prints the chain rule of a function, as programs and as drawings."""

import inspect
import re

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import InvalidArgumentError, NotDifferentiableError
from gradiente.insight.show import graphs

W, X = np.ones((3, 2)), np.ones((4, 3))


def loss(w, x):
    hidden = np.tanh(x @ w)
    return np.mean(hidden**2)


LINE = loss.__code__.co_firstlineno


def line(number):
    return inspect.getsource(loss).splitlines()[number].strip()


def test_text(capsys):
    gd.show(loss, W, X)
    shown = capsys.readouterr().out
    forward, backward = shown.split("# backward: the chain rule from the result to each input\n")
    assert (
        forward
        == inspect.cleandoc(
            f"""
        # forward: loss
        loss(w: float64[3, 2], x: float64[4, 3]):
            v1 = x @ w                 : float64[4, 2]  # test_show.py:{LINE + 1}  {line(1)}
            v2 = tanh(v1)              : float64[4, 2]
            v3 = square(v2)            : float64[4, 2]  # test_show.py:{LINE + 2}  {line(2)}
            v4 = sum(v3, axes=(0, 1))  : float64[]
            v5 = v4 / 8                : float64[]
            return v5
        """
        )
        + "\n\n"
    )
    assert "gradient_of_loss(w: float64[3, 2], x: float64[4, 3]):" in backward
    returned = backward.splitlines()[-1]
    assert re.fullmatch(r"    return d/d w = v\d+, d/d x = v\d+", returned)
    assert " @ " in backward


def test_dot(capsys):
    gd.show(loss, W, X, format="dot")
    shown = capsys.readouterr().out
    assert shown.count("digraph") == 2
    assert 'digraph "loss" {' in shown
    assert 'digraph "gradient_of_loss" {' in shown
    assert shown.count("{") == shown.count("}")


def test_only_inputs_with_a_gradient_are_listed():
    _, derivative = graphs(lambda x, i, unused: x[i], X, np.array([0, 1]), np.ones(2))
    assert derivative.output_names == ("d/d x",)
    assert derivative.outputs[0].type.shape == X.shape


def test_trees_and_keywords_have_paths():
    forward, derivative = graphs(lambda params, x: x @ params["w"], {"w": W, "b": None}, x=X)
    assert [node.name for node in forward.inputs] == ["params.w", "x"]
    assert derivative.output_names == ("d/d params.w", "d/d x")


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(InvalidArgumentError, match='"text" or "dot", not \'png\''):
        gd.show(loss, W, X, format="png")
    with pytest.raises(NotDifferentiableError, match="no output that depends smoothly"):
        gd.show(lambda n: n + 1, np.arange(3))
