"""A graph as a program a person can read, and as a drawing for Graphviz."""

from itertools import count
from typing import Any, Protocol

import numpy as np

from gradiente.graph.node import Node

INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "power": "**",
    "matmul": "@",
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
    "equal": "==",
    "not_equal": "!=",
}


class Program(Protocol):
    """What is needed of a graph to print it."""

    name: str
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    output_names: tuple[str, ...]
    nodes: list[Node]


def _constant_text(value: np.ndarray) -> str:
    if value.ndim == 0:
        return f"{value.item():.6g}" if value.dtype.kind == "f" else str(value.item())
    if value.size == 0:
        return f"empty{list(value.shape)}"
    if np.all(value == value.flat[0]):
        return f"full({list(value.shape)}, {value.flat[0].item():.6g})"
    return f"constant{list(value.shape)}"


def names_of(program: Program) -> dict[Node, str]:
    """A short name for every node: inputs by their path, constants by value, others numbered."""
    names: dict[Node, str] = {
        node: node.name or f"input{i}" for i, node in enumerate(program.inputs)
    }
    taken = set(names.values())
    unused = (name for name in map("v{}".format, count(1)) if name not in taken)
    for node in program.nodes:
        if node.is_constant and node not in names:
            names[node] = _constant_text(np.asarray(node.value))
        elif node not in names:
            names[node] = next(unused)
    return names


def _param_text(value: Any) -> str:
    if isinstance(value, np.dtype):
        return value.name
    return getattr(value, "__name__", repr(value))


def expression(node: Node, names: dict[Node, str]) -> str:
    """The right-hand side: `x @ w`, `tanh(v1)`, `sum(v2, axes=(0,))`."""
    assert node.operation is not None
    inputs = [names[item] for item in node.inputs]
    word = INFIX.get(node.operation.name)
    if word and len(inputs) == 2:
        return f"{inputs[0]} {word} {inputs[1]}"
    params = [f"{key}={_param_text(value)}" for key, value in node.params.items()]
    return f"{node.operation.name}({', '.join([*inputs, *params])})"


def program_text(program: Program) -> str:
    """The whole program: header, one line for each node, results.

    The user's line stands beside the first of the nodes that came from it.
    """
    names = names_of(program)
    arguments = ", ".join(f"{names[node]}: {node.type}" for node in program.inputs)
    rows: list[tuple[str, str, str]] = []
    previous = ""
    inputs = set(program.inputs)
    for node in program.nodes:
        if node in inputs or node.is_constant or node.operation is None:
            continue
        comment = node.source.comment
        shown = comment if comment != previous else ""
        previous = comment
        rows.append((f"{names[node]} = {expression(node, names)}", str(node.type), shown))
    results = ", ".join(
        f"{label} = {names[node]}" if label else names[node]
        for node, label in zip(program.outputs, program.output_names, strict=True)
    )
    return "\n".join([f"{program.name}({arguments}):", *_aligned(rows), f"    return {results}"])


def _aligned(rows: list[tuple[str, str, str]]) -> list[str]:
    left = min(max((len(row[0]) for row in rows), default=0), 60)
    middle = max((len(row[1]) for row in rows), default=0)
    lines = []
    for code, kind, comment in rows:
        line = f"    {code:<{left}}  : {kind:<{middle}}"
        lines.append(f"{line}  # {comment}" if comment else line.rstrip())
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def dot_text(program: Program) -> str:
    """The graph in the DOT language; draw it with `dot -Tsvg`."""
    names = names_of(program)
    lines = [
        f'digraph "{_escaped(program.name)}" {{',
        '  rankdir=TB; node [shape=box, fontname="Helvetica", style="rounded,filled"];',
    ]
    inputs = set(program.inputs)
    outputs = set(program.outputs)
    for node in program.nodes:
        if node in inputs or node.operation is None:
            label, color = f"{_escaped(names[node])}\\n{node.type}", "#d8e8ff"
        else:
            label = f"{_escaped(expression(node, names))}\\n{node.type}"
            color = "#ffe2c8" if node in outputs else "#f2f2f2"
        tip = _escaped(node.source.comment)
        lines.append(f'  n{node.number} [label="{label}", fillcolor="{color}", tooltip="{tip}"];')
        lines += [f"  n{item.number} -> n{node.number};" for item in node.inputs]
    return "\n".join([*lines, "}"])
