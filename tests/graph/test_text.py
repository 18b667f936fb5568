"""A graph prints like a program beside the user's lines, and draws itself for Graphviz."""

import inspect
import re

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.trees import flatten
from gradiente.graph.text import dot_text
from gradiente.trace.trace import input_names, slot_of, trace


def traced(function, *args):
    """The graph as it was written down, before any pass improves it."""
    leaves, structure = flatten((args, {}))
    names = input_names(function, args, {})
    return trace(function, structure, [slot_of(leaf) for leaf in leaves], names).graph


def loss(params, x, y):
    hidden = np.tanh(x @ params["w"] + params["b"])
    error = np.sum(hidden, axis=-1) - y
    return np.mean(error**2)


LINE = loss.__code__.co_firstlineno
PARAMS = {"w": np.ones((3, 4), np.float32), "b": np.zeros(4, np.float32)}
X, Y = np.ones((2, 3), np.float32), np.ones(2, np.float32)


def test_a_program_reads_like_one():
    assert str(traced(loss, PARAMS, X, Y)) == inspect.cleandoc(
        f"""
        loss(params.w: float32[3, 4], params.b: float32[4], x: float32[2, 3], y: float32[2]):
            v1 = x @ params.w        : float32[2, 4]  # test_text.py:{LINE + 1}  {line(1)}
            v2 = v1 + params.b       : float32[2, 4]
            v3 = tanh(v2)            : float32[2, 4]
            v4 = sum(v3, axes=(1,))  : float32[2]     # test_text.py:{LINE + 2}  {line(2)}
            v5 = v4 - y              : float32[2]
            v6 = square(v5)          : float32[2]     # test_text.py:{LINE + 3}  {line(3)}
            v7 = sum(v6, axes=(0,))  : float32[]
            v8 = v7 / 2              : float32[]
            return v8
        """
    )


def line(number):
    return inspect.getsource(loss).splitlines()[number].strip()


def words(x, i):
    y = np.where(x > 0, x, -0.5) * np.array([1.0, 2.0, 3.0])
    z = y[i].astype(np.float32) + np.full(2, 7.0, np.float32)
    return {"z": z, "none": None, "same": [x, np.zeros((0, 2))]}


def test_every_kind_of_name():
    text = str(traced(words, np.ones(3), np.array([0, 1])))
    program = [row.split(" : ")[0].strip() for row in text.splitlines()]
    assert program == [
        "words(x: float64[3], i: int64[2]):",
        "v1 = x > 0",
        "v2 = where(v1, x, -0.5)",
        "v3 = v2 * constant[3]",
        "v4 = i < 0",
        "v5 = i + 3",
        "v6 = where(v4, v5, i)",
        "v7 = take(v3, v6, axis=0)",
        "v8 = cast(v7, dtype=float32)",
        "v9 = v8 + full([2], 7)",
        "return z = v9, same.0 = x, same.1 = empty[0, 2]",
    ]


def test_names_are_not_used_twice():
    """An argument may be called as a value of ours would be."""
    text = str(traced(lambda v1, v3: v1 * v3 + v1, np.ones(2), np.ones(2)))
    names = re.findall(r"(v\d+) =", text)
    assert names == ["v2", "v4"]
    assert "v2 = v1 * v3" in text
    assert "v4 = v2 + v1" in text


def test_arguments_of_methods_keywords_and_stars_are_named():
    class Model:
        def predict(self, x, *rest, scale):
            return x * scale + rest[0]

    compiled = gd.compile(Model().predict)
    graph = compiled.graph(np.ones(2), np.ones(2), scale=np.ones(2))
    assert [node.name for node in graph.inputs] == ["x", "rest.0", "scale"]
    assert repr(graph) == "<graph predict: 3 inputs, 2 operations, 1 outputs>"

    class Silent:
        __signature__ = "does not tell"

        def __call__(self, a, b):
            return a + b

    graph = gd.compile(Silent()).graph(np.ones(2), np.ones(2))
    assert [node.name for node in graph.inputs] == ["argument0", "argument1"]


def test_the_lines_of_a_gradient_are_those_of_the_forward_pass():
    graph = traced(gd.grad(loss), PARAMS, X, Y)
    lines = {node.source.line for node in graph.steps if node.operation.name != "identity"}
    assert lines == {LINE + 1, LINE + 2, LINE + 3}
    assert {node.source.file for node in graph.steps} == {__file__}


# -- drawings ------------------------------------------------------------------------------------

NODE = re.compile(
    r'  n(\d+) \[label="((?:[^"\\]|\\.)*)", fillcolor="#\w{6}", tooltip="((?:[^"\\]|\\.)*)"\];'
)
EDGE = re.compile(r"  n(\d+) -> n(\d+);")
FUNCTIONS = {
    "loss": (loss, PARAMS, X, Y),
    "gradient": (gd.grad(loss), PARAMS, X, Y),
    "constants": (words, np.ones(3), np.array([0, 1])),
    "nothing": (lambda x: None, X),
    "quotes": (lambda tree: tree['a"b\\'] * 2, {'a"b\\': X}),
    "unused": (lambda x, y: x + 1, X, Y),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_drawing_is_valid(name):
    """Each line is the head, a node, an edge between declared nodes, or the closing brace."""
    function, *args = FUNCTIONS[name]
    graph = traced(function, *args)
    head, style, *rows, foot = dot_text(graph).splitlines()
    assert re.fullmatch(r'digraph "\w+" \{', head)
    assert style.strip().startswith("rankdir=TB; node [")
    assert foot == "}"
    declared, edges = [], []
    for row in rows:
        node, edge = NODE.fullmatch(row), EDGE.fullmatch(row)
        assert bool(node) != bool(edge), row
        if node:
            declared.append(int(node[1]))
        else:
            edges.append((int(edge[1]), int(edge[2])))
    assert len(set(declared)) == len(declared)
    assert declared == [node.number for node in graph.nodes]
    assert {end for edge in edges for end in edge} <= set(declared)
    expected = [(item.number, n.number) for n in graph.nodes for item in n.inputs]
    assert edges == expected


def test_inputs_results_and_the_rest_are_drawn_apart():
    graph = traced(loss, PARAMS, X, Y)
    colors = dict(re.findall(r'n(\d+) \[.*fillcolor="(#\w+)"', dot_text(graph)))
    inputs = {colors[str(node.number)] for node in graph.inputs}
    outputs = {colors[str(node.number)] for node in graph.outputs}
    between = {colors[str(n.number)] for n in graph.steps if n not in graph.outputs}
    assert [len(group) for group in (inputs, outputs, between)] == [1, 1, 1]
    assert len(inputs | outputs | between) == 3
