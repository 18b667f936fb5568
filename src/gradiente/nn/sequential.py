"""Layers one after the other."""

from collections.abc import Callable, Iterator
from typing import Any

from gradiente.base.errors import TypeMismatchError
from gradiente.nn.module import Module


class Sequential(Module):
    """y = fₙ(… f₂(f₁(x))): each layer gets what the one before it returned.

        nn.Sequential(nn.Dense(256), nn.relu, nn.Dense(10))

    Any Python callable of one array is a layer. Parameters are named by position: `0.weight`.
    Raises `TypeMismatchError` if a layer cannot be called.
    """

    def __init__(self, *layers: Callable[[Any], Any]):
        for place, layer in enumerate(layers):
            if not callable(layer) or isinstance(layer, type):
                hint = f" (write {layer.__name__}(...))" if isinstance(layer, type) else ""
                raise TypeMismatchError(f"layer {place} of Sequential cannot be called{hint}.")
        for place, layer in enumerate(layers):
            self.__dict__[str(place)] = layer

    @property
    def layers(self) -> list[Callable[[Any], Any]]:
        """The layers in order."""
        return [value for name, value in self.__dict__.items() if not name.startswith("_")]

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, place: int) -> Callable[[Any], Any]:
        return self.layers[place]

    def __iter__(self) -> Iterator[Callable[[Any], Any]]:
        return iter(self.layers)

    def __repr__(self) -> str:
        shown = (
            repr(layer) if isinstance(layer, Module) else getattr(layer, "__name__", repr(layer))
            for layer in self.layers
        )
        return f"Sequential({', '.join(shown)})"
