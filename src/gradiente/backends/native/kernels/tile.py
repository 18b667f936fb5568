"""Tiles of a matrix product: how large they are, where they lie, what becomes of their sums."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gradiente.backends.native.language.emit import Value

Ahead = Callable[[Value], None]


@dataclass(frozen=True)
class Tile:
    """Rows by vectors of columns."""

    rows: int
    vectors: int


def largest_tile(registers: int) -> Tile:
    """Accumulators, a row of B and one element of A must fit into the registers."""
    return Tile(8, 3) if registers >= 32 else Tile(6, 2)


@dataclass(frozen=True)
class Spot:
    """A tile at a place of the product: its first row and column, and the lanes of its vectors.

    outer: the indices before that of the row; inner: those between row and column.
    """

    outer: list[Value]
    row: Value
    column: Value
    tile: Tile
    lanes: int
    inner: tuple[Value, ...] = ()

    def indices(self, row: Value, column: Value) -> list[Value]:
        """Where an element of the tile lies in the result."""
        return [*self.outer, row, *self.inner, column]

    @property
    def size(self) -> int:
        """How many vectors it has."""
        return self.tile.rows * self.tile.vectors

    def offsets(self, stride: int) -> list[int]:
        """Where its vectors lie, row after row, if rows lie a stride apart."""
        return [
            i * stride + j * self.lanes
            for i in range(self.tile.rows)
            for j in range(self.tile.vectors)
        ]


class Result(Protocol):
    """What becomes of the sums of a product. kind: the data type they are added up in."""

    @property
    def kind(self) -> np.dtype:
        """The data type of the sums."""

    @property
    def work(self) -> float:
        """Nanoseconds for one element, roughly."""

    def keep_sums(self) -> None:
        """The depth is cut into blocks: sums have to wait for the next one."""

    def ahead(self, spot: Spot) -> Ahead | None:
        """What asks for the memory a tile will need, in as many parts as it has rows."""

    def begin(self, spot: Spot, k: Value) -> list[Value]:
        """What the sums of a tile start from at a place of the depth."""

    def finish(self, spot: Spot, sums: list[Value], last: Value | None = None) -> None:
        """Take the sums; last: whether this was the last block of the depth (`None`: the only)."""
