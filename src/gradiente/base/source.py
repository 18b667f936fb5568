"""Where in the user's program something happened: file, line and layer."""

import linecache
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

PACKAGE_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
NUMPY_FOLDER = os.path.dirname(os.path.abspath(np.__file__)) + os.sep


@dataclass(frozen=True)
class Source:
    """A line of the user's program, and what was running there.

    layer: the path of the layer. part: another part of a training step, such as "optimizer".
    """

    file: str
    line: int
    layer: str = ""
    part: str = ""

    @property
    def text(self) -> str:
        """The line itself, stripped; empty if the file cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    @property
    def place(self) -> str:
        """`file:line`, with the file's name only."""
        return f"{os.path.basename(self.file)}:{self.line}"

    @property
    def within(self) -> str:
        """The layer or the part in words; empty outside of them."""
        if self.layer:
            return f"in layer `{self.layer}`"
        return f"in the {self.part}" if self.part else ""

    @property
    def comment(self) -> str:
        """Place, layer and text in one line; empty if nothing is known."""
        return "" if self == UNKNOWN else f"{self}  {self.text}".rstrip()

    def __str__(self) -> str:
        return f"{self.place} {self.within}".rstrip()

    def explain(self) -> str:
        """The last lines of an error message: file, line, text and layer."""
        quoted = f"\n    {self.text}" if self.text else ""
        within = f", {self.within}" if self.within else ""
        return f'\n  File "{self.file}", line {self.line}{within}{quoted}'


UNKNOWN = Source("<unknown>", 0)

_layer: ContextVar[str] = ContextVar("layer", default="")
_part: ContextVar[str] = ContextVar("part", default="")
_override: ContextVar[Source | None] = ContextVar("source", default=None)


def current_source() -> Source:
    """The innermost line outside this library, or the one set by `attributed_to`."""
    override = _override.get()
    if override is not None:
        return override
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith((PACKAGE_FOLDER, NUMPY_FOLDER)):
            return Source(file, frame.f_lineno, _layer.get(), _part.get())
        if frame.f_back is None:
            break
        frame = frame.f_back
    return UNKNOWN


def current_layer() -> str:
    """The path of the layer at work; empty outside of layers."""
    return _layer.get()


@contextmanager
def attributed_to(source: Source) -> Iterator[None]:
    """Attribute what is recorded inside to `source`: a gradient belongs to its forward line."""
    token = _override.set(source)
    try:
        yield
    finally:
        _override.reset(token)


@contextmanager
def inside_layer(path: str) -> Iterator[None]:
    """Attribute what is recorded inside to the layer at `path`."""
    token = _layer.set(path)
    try:
        yield
    finally:
        _layer.reset(token)


@contextmanager
def inside_part(name: str) -> Iterator[None]:
    """Attribute what is recorded inside to a part of a training step, such as "optimizer"."""
    token = _part.set(name)
    try:
        yield
    finally:
        _part.reset(token)
