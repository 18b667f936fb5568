"""A graph run by NumPy: each operation's own definition, in order."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.graph.evaluate import run
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node

Run = Callable[[Node, list[Any]], np.ndarray]


def program(graph: Graph, run: Run = run) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """A function from the arrays of the graph's inputs to those of its outputs.

    Every value is released after its last use. run: gives the value of a node from its inputs'.
    """
    steps = list(graph.steps)
    places = {node: place for place, node in enumerate(graph.nodes)}
    for node in graph.inputs:
        places.setdefault(node, len(places))
    start: list[Any] = [None] * len(places)
    for node in graph.nodes:
        if node.is_constant:
            start[places[node]] = node.value
    schedule = [
        (node, tuple(places[item] for item in node.inputs), places[node], finished)
        for node, finished in zip(steps, _finished(graph, steps, places), strict=True)
    ]
    inputs = [places[node] for node in graph.inputs]
    outputs = [places[node] for node in graph.outputs]

    def execute(arrays: list[np.ndarray]) -> list[np.ndarray]:
        values = start.copy()
        for place, array in zip(inputs, arrays, strict=True):
            values[place] = array
        with np.errstate(all="ignore"):  # infinities and NaN are values here, not events
            for node, read, write, finished in schedule:
                values[write] = run(node, [values[place] for place in read])
                for place in finished:
                    values[place] = None
        return [values[place] for place in outputs]

    return execute


def _finished(graph: Graph, steps: list[Node], places: dict[Node, int]) -> list[list[int]]:
    """For each step the values nobody reads after it."""
    kept = {*graph.outputs, *(node for node in graph.nodes if node.is_constant)}
    last: dict[Node, int] = {}
    for position, node in enumerate(steps):
        for item in node.inputs:
            last[item] = position
    finished: list[list[int]] = [[] for _ in steps]
    for node, position in last.items():
        if node not in kept:
            finished[position].append(places[node])
    return finished
