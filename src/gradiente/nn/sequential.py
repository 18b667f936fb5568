"""Layers one after the other."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from gradiente.base.errors import TypeMismatchError
from gradiente.nn.module import Module

Layer = Callable[[Any], Any]


class Sequential(Module):
    """y = fₙ(… f₂(f₁(x))): each layer gets what the one before it returned.

        nn.Sequential(nn.Dense(256), nn.relu, nn.Dense(10))

    Any Python callable of one array is a layer. Parameters are named by position: `0.weight`.
    `network[0]` is a layer, `network[:2]` a Sequential that shares its layers with this one.
    Raises `TypeMismatchError` if a layer cannot be called.

    Source: none.
    """

    def __init__(self, *layers: Layer):
        checked_layers("Sequential", layers)
        for place, layer in enumerate(layers):
            self.__dict__[str(place)] = layer

    @property
    def layers(self) -> list[Layer]:
        """The layers in order."""
        return [layer for name, layer in self.__dict__.items() if name.isdecimal()]

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    @overload
    def __getitem__(self, place: int) -> Layer: ...
    @overload
    def __getitem__(self, place: slice) -> "Sequential": ...
    def __getitem__(self, place: int | slice) -> "Layer | Sequential":
        chosen = self.layers[place]
        return Sequential(*chosen) if isinstance(chosen, list) else chosen

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __repr__(self) -> str:
        shown = (
            repr(layer) if isinstance(layer, Module) else getattr(layer, "__name__", repr(layer))
            for layer in self.layers
        )
        return f"Sequential({', '.join(shown)})"


def checked_layers(owner: str, layers: Sequence[Any]) -> None:
    """Raise `TypeMismatchError` in the name of the owner for what cannot be called."""
    for place, layer in enumerate(layers):
        if not callable(layer) or isinstance(layer, type):
            raise TypeMismatchError(
                f"layer {place} of {owner} is {_described(layer)}, which cannot be called."
            )


def _described(layer: Any) -> str:
    """What was given in place of a layer, and what to write instead."""
    if isinstance(layer, type):
        return f"the class {layer.__name__} (write {layer.__name__}(...))"
    if isinstance(layer, list | tuple):
        return f"a {type(layer).__name__} (write Sequential(*layers))"
    if isinstance(layer, str):
        return f"the text {layer!r} (write nn.{layer})"
    return repr(layer)
