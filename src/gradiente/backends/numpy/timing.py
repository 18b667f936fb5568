"""A graph run by NumPy with a clock beside each operation."""

from collections.abc import Iterable
from time import perf_counter
from typing import Any

import numpy as np

from gradiente.backends.numpy.program import program
from gradiente.backends.profile import Entry, Profile, product_flops
from gradiente.graph.evaluate import run
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node


class TimedProgram:
    """A program that adds up what each operation takes."""

    def __init__(self, graph: Graph):
        self.steps = list(graph.steps)
        self.execute = program(graph, self._run)
        self.reset()

    def reset(self) -> None:
        """Forget what was measured."""
        self.seconds = dict.fromkeys(self.steps, 0.0)
        self.elapsed, self.runs = 0.0, 0

    def __call__(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        started = perf_counter()
        outputs = self.execute(arrays)
        self.elapsed += perf_counter() - started
        self.runs += 1
        return outputs

    def _run(self, node: Node, values: Iterable[Any]) -> np.ndarray:
        started = perf_counter()
        value = run(node, values)
        self.seconds[node] += perf_counter() - started
        return value

    def profile(self) -> Profile:
        """Where the time went since the last reset."""
        entries = tuple(
            self._entry(node, number, seconds)
            for number, (node, seconds) in enumerate(self.seconds.items())
        )
        return Profile(entries, self.elapsed, self.runs, threads=1, backend="numpy")

    def _entry(self, node: Node, number: int, seconds: float) -> Entry:
        assert node.operation is not None
        name, comment = node.operation.name, node.source.comment
        types = [node.type, *(item.type for item in node.inputs)]
        return Entry(
            f"{name}_{number}",
            operations=(name,),
            lines=(comment,) if comment else (),
            calls=self.runs,
            seconds=seconds,
            longest=seconds,
            flops=self.runs * product_flops(node),
            bytes=self.runs * sum(t.size * t.dtype.itemsize for t in types),
        )
