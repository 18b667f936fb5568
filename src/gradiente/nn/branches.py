"""Layers that lead one input through several ways: past a layer, or through layers side by side."""

from collections.abc import Callable, Iterator
from typing import Any

from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.base.source import current_source
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Module
from gradiente.nn.representation import written
from gradiente.nn.sequential import Layer, checked_layers


class Residual(Module):
    """y = x + f(x), or shortcut(x) + f(x).

    layer: f, any callable of one array; shortcut: what is added to it, x itself by default, for a
    branch whose output has another shape than x.

        nn.Residual(nn.Sequential(nn.LayerNorm(), nn.Dense(64), nn.relu, nn.Dense(16)))

    He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016.
    Raises `TypeMismatchError` if a layer cannot be called, `ShapeError` if the shapes of the two
    differ.
    """

    def __init__(self, layer: Layer, shortcut: Layer | None = None):
        checked_layers("Residual", (layer,) if shortcut is None else (layer, shortcut))
        self.layer = layer
        self.shortcut = shortcut

    def __call__(self, x: Any) -> Any:
        x = floating(x)
        y = self.layer(x)
        through = x if self.shortcut is None else self.shortcut(x)
        if tuple(through.shape) != tuple(y.shape):
            hint = "; give it a `shortcut=` that does" if self.shortcut is None else ""
            raise ShapeError(
                f"{self!r} adds what it passes by, of shape {tuple(through.shape)}, to the output "
                f"of its layer, of shape {tuple(y.shape)}: these must agree{hint}."
                + current_source().explain()
            )
        return through + y

    def __repr__(self) -> str:
        return written(self, self.layer, shortcut=(self.shortcut, None))


class Parallel(Module):
    """y = merge((f₁(x), …, fₙ(x))): several layers that get the same input.

    merge: what makes one array of their outputs, such as `nn.Add()` or `nn.Concatenate(axis=1)`;
    by default the tuple of all is the output. Parameters are named by position: `0.weight`.

        nn.Parallel(nn.Dense(8), nn.Sequential(nn.Dense(32), nn.relu, nn.Dense(8)), merge=nn.Add())

    Raises `TypeMismatchError` if a layer cannot be called, `InvalidArgumentError` for none.
    Source: none.
    """

    def __init__(self, *layers: Layer, merge: Callable[[Any], Any] | None = None):
        if not layers:
            raise InvalidArgumentError("Parallel needs at least one layer.")
        checked_layers("Parallel", layers if merge is None else (*layers, merge))
        for place, layer in enumerate(layers):
            self.__dict__[str(place)] = layer
        self.merge = merge

    @property
    def layers(self) -> list[Layer]:
        """The layers in order."""
        return [layer for name, layer in self.__dict__.items() if name.isdecimal()]

    def __call__(self, x: Any) -> Any:
        outputs = tuple(layer(x) for layer in self.layers)
        return outputs if self.merge is None else self.merge(outputs)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, place: int) -> Layer:
        return self.layers[place]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __repr__(self) -> str:
        return written(self, *self.layers, merge=(self.merge, None))
