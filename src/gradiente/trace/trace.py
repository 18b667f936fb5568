"""Running a function on symbols: a Python function becomes a graph."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.base.errors import GradienteError
from gradiente.base.trees import Structure, flatten, paths_of, unflatten
from gradiente.base.types import ArrayType, is_array, is_weak, type_of
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.trace.functions import Tensor
from gradiente.trace.surroundings import surrounded_by
from gradiente.trace.tensor import constant


@dataclass(frozen=True)
class Slot:
    """What is known of an argument before the function runs: a type, or a static value."""

    type: ArrayType | None
    weak: bool = False
    static: Any = None


def slot_of(leaf: Any) -> Slot:
    """Arrays and numbers become inputs; booleans, strings and other objects are static."""
    if isinstance(leaf, bool) or not is_array(leaf):
        return Slot(None, static=leaf)
    return Slot(type_of(leaf), is_weak(leaf))


@dataclass(frozen=True)
class Traced:
    """A graph, and how its outputs make up what the function returned.

    outputs: for each leaf of the result the index of a graph output, or a static value.
    """

    graph: Graph
    result: Structure
    outputs: tuple[tuple[bool, Any], ...]

    def rebuild(self, arrays: list[Any]) -> Any:
        """The result of the function from the outputs of the graph."""
        leaves = [arrays[item] if dynamic else item for dynamic, item in self.outputs]
        return unflatten(self.result, leaves)


def name_of(function: Callable[..., Any]) -> str:
    """What to call a function in print."""
    return getattr(function, "__name__", type(function).__name__).strip("<>")


def argument_names(function: Callable[..., Any], count: int) -> list[str]:
    """The names of the first positional arguments."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # built-in functions do not tell
        parameters = []
    known = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    star = next((f"{p.name}." for p in parameters if p.kind is p.VAR_POSITIONAL), "argument")
    return [*known[:count], *(f"{star}{i}" for i in range(count - len(known)))]


def input_names(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> list[str]:
    """A path for every leaf of the arguments: `params.w1`, `x`."""
    names = argument_names(function, len(args))
    paths = []
    for name, value in [*zip(names, args, strict=True), *kwargs.items()]:
        paths += [f"{name}.{path}" if path else name for path in paths_of(value)]
    return paths


def trace(
    function: Callable[..., Any],
    structure: Structure,
    slots: Iterable[Slot],
    names: Iterable[str],
    label: str = "",
) -> Traced:
    """Run `function` on Tensors of the given types and write down what it did.

    structure: of `(args, kwargs)`; slots and names: one for each of its leaves.
    """
    inputs: list[Node] = []
    leaves: list[Any] = []
    for slot, name in zip(slots, names, strict=True):
        if slot.type is None:
            leaves.append(slot.static)
            continue
        node = Node(None, (), {}, slot.type, name=name)
        inputs.append(node)
        leaves.append(Tensor(node, slot.weak))
    args, kwargs = unflatten(structure, leaves)
    with surrounded_by(inputs):
        result = function(*args, **kwargs)
    return written_out(label or name_of(function), inputs, result)


def written_out(name: str, inputs: list[Node], result: Any) -> Traced:
    """The graph from given inputs to a tree of results."""
    leaves, structure = flatten(result)
    nodes: list[Node] = []
    outputs: list[tuple[bool, Any]] = []
    for leaf in leaves:
        if isinstance(leaf, Tensor):
            outputs.append((True, len(nodes)))
            nodes.append(leaf.node)
        elif isinstance(leaf, np.ndarray | np.generic):
            outputs.append((True, len(nodes)))
            nodes.append(constant(leaf))
        else:
            outputs.append((False, leaf))
    graph = Graph(name, tuple(inputs), tuple(nodes), tuple(_output_names(result, outputs)))
    _refuse_strangers(graph)
    return Traced(graph, structure, tuple(outputs))


def _output_names(result: Any, outputs: list[tuple[bool, Any]]) -> list[str]:
    return [path for path, (dynamic, _) in zip(paths_of(result), outputs, strict=True) if dynamic]


def _refuse_strangers(graph: Graph) -> None:
    inputs = set(graph.inputs)
    for node in graph.nodes:
        if node.operation is None and node not in inputs and not node.is_constant:
            raise GradienteError(
                f"`{graph.name}` uses a value that was traced in another function and kept: "
                f"{node.name or 'a value'} {node.type}. Return values instead of storing them."
            )


def result_types(function: Callable[..., Any], *args: Any) -> Any:
    """What `function` would return, with types in place of arrays; nothing is computed."""
    leaves, structure = flatten((args, {}))
    names = input_names(function, args, {})
    traced = trace(function, structure, [slot_of(leaf) for leaf in leaves], names)
    return traced.rebuild([node.type for node in traced.graph.outputs])
