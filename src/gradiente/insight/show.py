"""Showing what becomes of a function: its graph, that of its gradient, and the code that runs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.backends.backend import Backend
from gradiente.backends.compile import CompiledFunction, compile
from gradiente.base.errors import InvalidArgumentError, NotDifferentiableError
from gradiente.base.trees import flatten
from gradiente.gradient.reverse import backward
from gradiente.graph.graph import Graph
from gradiente.graph.text import dot_text
from gradiente.trace.functions import Tensor
from gradiente.trace.tensor import constant
from gradiente.trace.trace import input_names, name_of, slot_of, trace
from gradiente.train.trainer import Trainer

STAGES = ("graph", "llvm", "asm")


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


def show(
    function: Callable[..., Any] | Trainer,
    *args: Any,
    stage: str = "graph",
    format: str = "text",
    **kwargs: Any,
) -> None:
    """Print what becomes of a function: graphs, LLVM's language, or machine code.

    function, args, kwargs: as in the call; arrays are taken for their shapes and types. Or a
    trainer, without arguments, for the training step it ran last.
    stage: "graph", the function and its gradient; "llvm" or "asm", what `gd.compile` runs for these
    arguments: each kernel named after its operations, below the user's lines behind it.
    format: of graphs: "text", a program beside the user's lines, or "dot", drawings for Graphviz.

    Raises `InvalidArgumentError` for anything else, and for a function that another backend runs;
    `BackendError` where native code cannot be made.
    """
    if stage not in STAGES:
        names = ", ".join(f'"{name}"' for name in STAGES)
        raise InvalidArgumentError(f"stage is one of {names}, not {stage!r}.")
    if format not in ("text", "dot"):
        raise InvalidArgumentError(f'format is "text" or "dot", not {format!r}.')
    if isinstance(function, Trainer):
        if args or kwargs:
            raise InvalidArgumentError("a trainer is shown without arguments: it has its data.")
        _show_step(function, stage, format)
    elif stage == "graph":
        _show_graphs(function, args, kwargs, format)
    else:
        compiled = _compiled(function)
        print(_text(compiled.backend, stage, lambda: compiled.program(*args, **kwargs)))


def _compiled(function: Callable[..., Any]) -> CompiledFunction:
    """The function as it was compiled, or as it would be by the native backend."""
    if isinstance(function, CompiledFunction):
        return function
    return compile(function, backend="native")


def _show_graphs(function: Callable[..., Any], args: Any, kwargs: Any, format: str) -> None:
    forward, derivative = graphs(function, *args, **kwargs)
    if format == "dot":
        print(dot_text(forward))
        print(dot_text(derivative))
        return
    print(f"# forward: {name_of(function)}\n{forward}\n")
    print(f"# backward: the chain rule from the result to each input\n{derivative}")


def _show_step(trainer: Trainer, stage: str, format: str) -> None:
    steps = trainer.step
    graph = steps.graph
    assert graph is not None  # it has run
    if stage != "graph":
        print(_text(steps.backend, stage, lambda: steps.program))
    elif format == "dot":
        print(dot_text(graph))
    else:
        print(f"# training step: forward, backward and update\n{graph}")


def _text(backend: Backend, stage: str, program: Callable[[], Any]) -> str:
    """A program at a stage, if its backend has that."""
    if stage not in backend.stages:
        raise InvalidArgumentError(
            f'the backend "{backend.name}" has no stage "{stage}": it makes no machine code. '
            'Compile the function with backend="native".'
        )
    return backend.stages[stage](program())
