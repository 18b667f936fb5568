"""A table of what a network consists of."""

import io
from dataclasses import dataclass
from html import escape
from typing import Any

from gradiente.base.trees import flatten
from gradiente.nn.context import Context
from gradiente.nn.module import Module
from gradiente.nn.slots import Slot

UNKNOWN_SHAPE = "?"


@dataclass(frozen=True)
class SummaryRow:
    """One module: its path, kind, output shape, own parameters and their bytes."""

    path: str
    kind: str
    output: str
    parameters: int
    bytes: int
    frozen: bool


@dataclass(frozen=True)
class Summary:
    """The modules of a network, outer ones before inner ones; print it for a table."""

    rows: tuple[SummaryRow, ...]
    parameters: int
    trainable: int
    bytes: int

    HEAD = ("layer", "kind", "output shape", "parameters", "bytes")

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                row.path or "(network)",
                row.kind + (" (frozen)" if row.frozen else ""),
                row.output,
                f"{row.parameters:,}",
                f"{row.bytes:,}",
            )
            for row in self.rows
        ]

    def _total(self) -> str:
        frozen = self.parameters - self.trainable
        note = f", {frozen:,} of them frozen" if frozen else ""
        return f"{self.parameters:,} parameters{note}, {self.bytes:,} bytes"

    def __str__(self) -> str:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title=None, caption=self._total(), caption_justify="left")
        for place, name in enumerate(self.HEAD):
            table.add_column(name, justify="right" if place > 2 else "left")
        for cells in self._cells():
            table.add_row(*map(Text, cells))  # brackets in a name are no markup
        output = io.StringIO()
        Console(file=output, width=100, force_terminal=False, no_color=True).print(table)
        return output.getvalue().rstrip()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in self.HEAD)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
            for cells in self._cells()
        )
        return (
            f"<table><caption>{self._total()}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def summary(network: Module, x: Any = None) -> Summary:
    """The summary of a network; with an input, or its like, also the shapes of all outputs.

    x: an array, or a tree of arrays, of the shape the network gets. Without it, layers that were
    never used count no parameters yet. The batch axis of outputs is shown as in x. The network
    stays as it is: what x would create on first use is counted, but not kept.
    """
    before = [(module, dict(module.__dict__)) for module in network.modules().values()]
    try:
        return _summary(network, x)
    finally:
        for module, attributes in before:
            module.__dict__.clear()
            module.__dict__.update(attributes)


def _summary(network: Module, x: Any) -> Summary:
    shapes: dict[int, str] = {}
    if x is not None:
        calls = network.rehearse(x, context=Context(calls=[])).calls or []
        shapes = {id(module): _shape(output) for _, module, output in calls}
    slots = network.slots()
    rows = [
        _row(path, module, slots, shapes.get(id(module), UNKNOWN_SHAPE))
        for path, module in network.modules().items()
    ]
    parameters = [slot for slot in slots if slot.is_parameter]
    return Summary(
        tuple(rows),
        parameters=sum(slot.value.size for slot in parameters),
        trainable=sum(slot.value.size for slot in parameters if not slot.frozen),
        bytes=sum(slot.value.nbytes for slot in slots),
    )


def _shape(output: Any) -> str:
    shapes = [str(tuple(leaf.shape)) for leaf in flatten(output)[0] if hasattr(leaf, "shape")]
    return ", ".join(shapes)


def _row(path: str, module: Module, slots: list[Slot], output: str) -> SummaryRow:
    """A module with the parameters that are its own, not those of modules inside it."""
    own = [slot for slot in slots if slot.module is module]
    parameters = [slot for slot in own if slot.is_parameter]
    return SummaryRow(
        path,
        type(module).__name__,
        output,
        sum(slot.value.size for slot in parameters),
        sum(slot.value.nbytes for slot in own),
        bool(parameters) and all(slot.frozen for slot in parameters),
    )
