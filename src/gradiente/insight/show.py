"""Showing how a gradient comes about: the graph of a function, and the graph of its gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError, NotDifferentiableError
from gradiente.base.trees import flatten
from gradiente.gradient.reverse import backward
from gradiente.graph.graph import Graph
from gradiente.graph.text import dot_text
from gradiente.trace.functions import Tensor
from gradiente.trace.tensor import constant
from gradiente.trace.trace import input_names, name_of, slot_of, trace


def graphs(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Graph, Graph]:
    """The graph of `function`, and that of its gradient for every floating-point input.

    Several outputs, or outputs with axes, are summed up, as `grad` of their sum would.
    Raises `NotDifferentiableError` if no output depends on a floating-point input.
    """
    leaves, structure = flatten((args, kwargs))
    names = input_names(function, args, kwargs)
    forward = trace(function, structure, [slot_of(x) for x in leaves], names).graph
    sources = [node for node in forward.inputs if node.type.is_floating]
    losses = [node for node in forward.outputs if node.type.is_floating]
    seeds = [Tensor(constant(np.ones(n.type.shape, n.type.dtype))) for n in losses]
    pairs = zip(sources, backward(losses, seeds, sources), strict=True)
    found = [(node, gradient) for node, gradient in pairs if gradient is not None]
    if not found:
        raise NotDifferentiableError(
            f"`{forward.name}` has no output that depends smoothly on a floating-point input."
        )
    derivative = Graph(
        f"gradient_of_{forward.name}",
        forward.inputs,
        tuple(gradient.node for _, gradient in found),
        tuple(f"d/d {node.name}" for node, _ in found),
    )
    return forward, derivative


def show(function: Callable[..., Any], *args: Any, format: str = "text", **kwargs: Any) -> None:
    """Print the graph of a function and the graph of its gradient.

    function, args, kwargs: as in the call; arrays are taken for their shapes and types.
    format: "text", a program beside the user's lines, or "dot", drawings for Graphviz.
    """
    if format not in ("text", "dot"):
        raise InvalidArgumentError(f'format is "text" or "dot", not {format!r}.')
    forward, derivative = graphs(function, *args, **kwargs)
    if format == "dot":
        print(dot_text(forward))
        print(dot_text(derivative))
        return
    print(f"# forward: {name_of(function)}\n{forward}\n")
    print(f"# backward: the chain rule from the result to each input\n{derivative}")
