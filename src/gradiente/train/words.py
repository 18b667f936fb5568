"""Networks, optimizers and the like as data, and back: JSON made of names of a closed registry.

What is read can name only what is in the registries of the library, never a module, a class or a
function of Python; whatever else a trainer is made of cannot be written. A layer is written as the
arguments it was made with; one object in two places is one again after reading.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError
from gradiente.constraints.constraint import CONSTRAINTS, Constraint
from gradiente.initializers.initializer import INITIALIZERS, Initializer
from gradiente.losses.loss import LOSSES
from gradiente.metrics.metric import METRICS, Metric
from gradiente.nn.activations import ACTIVATIONS
from gradiente.nn.layers import LAYERS
from gradiente.nn.module import Module
from gradiente.optimizers.averages import exponential_moving_average, stochastic_weight_averaging
from gradiente.optimizers.compose import chain, freeze, groups
from gradiente.optimizers.lookahead import lookahead
from gradiente.optimizers.optimizer import OPTIMIZERS, Optimizer
from gradiente.optimizers.sharpness import sam
from gradiente.optimizers.skip import skip_non_finite
from gradiente.optimizers.transforms import (
    adaptive_clip,
    add_weight_decay,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
)
from gradiente.regularizers.regularizer import REGULARIZERS, Regularizer
from gradiente.schedules.plateau import ReduceOnPlateau
from gradiente.schedules.schedule import SCHEDULES, Schedule
from gradiente.trace.functions import FUNCTIONS

Words = Any
"""What JSON can say."""

PARTS_OF_OPTIMIZERS = (
    *(chain, groups, freeze, lookahead, sam, skip_non_finite, add_weight_decay),
    *(exponential_moving_average, stochastic_weight_averaging),
    *(adaptive_clip, clip_by_global_norm, clip_by_norm, clip_by_value),
)
ENTRIES: dict[str, dict[str, Any]] = {
    "activation": ACTIVATIONS,
    "function": FUNCTIONS,
    "numpy": {name: getattr(np, name) for name in FUNCTIONS if hasattr(np, name)},
    "loss": LOSSES,
    "metric": {name: entry for name, entry in METRICS.items() if isinstance(entry, Metric)},
    "class": LAYERS,
    "initial": {n: each for n, each in INITIALIZERS.items() if isinstance(each, Initializer)},
}
"""What is written as its name."""
FACTORIES: dict[str, dict[str, Callable[..., Any]]] = {
    "optimizer": {**OPTIMIZERS, **{part.__name__: part for part in PARTS_OF_OPTIMIZERS}},
    "schedule": SCHEDULES,
    "regularizer": REGULARIZERS,
    "constraint": CONSTRAINTS,
    "initializer": INITIALIZERS,
}
"""What is written as its name and the options it was made with."""
KINDS = {
    Optimizer: "optimizer",
    Schedule: "schedule",
    Regularizer: "regularizer",
    Constraint: "constraint",
    Initializer: "initializer",
}
COUNTS = ("count", "layers")  # arguments that say how many layers are made
MOST_LAYERS = 10_000
LARGEST_ARRAY = 100_000  # elements of an array that is an argument


class NoWords(Exception):
    """Something that is not in the registries; the message names it."""


class Writer:
    """Writes things that belong together, so that shared layers stay shared."""

    def __init__(self) -> None:
        self.layers: dict[int, int] = {}

    def words(self, thing: Any) -> Words:
        """The words for a thing; raises `NoWords` where there are none."""
        if thing is None or isinstance(thing, bool | int | str):
            return thing
        if isinstance(thing, float):
            return thing if math.isfinite(thing) else {"float": repr(thing)}
        if isinstance(thing, list):
            return [self.words(each) for each in thing]
        if isinstance(thing, tuple):
            return {"tuple": [self.words(each) for each in thing]}
        if isinstance(thing, dict):
            return {"dict": [[self.words(name), self.words(v)] for name, v in thing.items()]}
        if isinstance(thing, np.generic):
            return {"number": _array_words(np.asarray(thing))}
        if isinstance(thing, np.ndarray):
            return _array_words(thing)
        if isinstance(thing, Module):
            return self._layer(thing)
        return self._made(thing)

    def _layer(self, layer: Module) -> Words:
        if id(layer) in self.layers:
            return {"same": self.layers[id(layer)]}
        name = type(layer).__name__
        if LAYERS.get(name) is not type(layer):
            raise NoWords(f"{name}, a layer of your own")
        arguments, options = layer._made_with
        words = {
            "layer": name,
            "arguments": [self.words(each) for each in arguments],
            "options": {option: self.words(value) for option, value in options.items()},
        }
        self.layers[id(layer)] = len(self.layers)  # numbered when complete, as they are read
        return words

    def _made(self, thing: Any) -> Words:
        for kind, entries in ENTRIES.items():
            name = next((name for name, entry in entries.items() if entry is thing), None)
            if name is not None:
                return {kind: name}
        if isinstance(thing, partial):
            arguments = [self.words(each) for each in thing.args]
            options = {name: self.words(value) for name, value in thing.keywords.items()}
            return {"partial": self.words(thing.func), "arguments": arguments, "options": options}
        if isinstance(thing, ReduceOnPlateau):
            given = {field.name: getattr(thing, field.name) for field in fields(thing)}
            return {"schedule": "reduce_on_plateau", "options": self._options(given)}
        kind = KINDS.get(type(thing), "")
        for name in (thing.name, thing.name.lower()) if kind else ():
            if name in FACTORIES[kind]:
                return {kind: name, "options": self._options(thing.options)}
        raise NoWords(getattr(thing, "__name__", repr(thing)))

    def _options(self, options: dict[str, Any]) -> Words:
        return {name: self.words(value) for name, value in options.items()}


class Reader:
    """Reads what a `Writer` wrote. Whatever is wrong with the words raises some error of Python."""

    def __init__(self) -> None:
        self.layers: list[Module] = []

    def thing(self, words: Words) -> Any:
        """The thing the words stand for."""
        if words is None or isinstance(words, bool | int | float | str):
            return words
        if isinstance(words, list):
            return [self.thing(each) for each in words]
        kind = next(iter(words))
        read = getattr(self, f"_{kind}", None) if kind in READ else None
        if read is not None:
            return read(words)
        if "options" in words and kind in FACTORIES:
            options = {name: self.thing(value) for name, value in words["options"].items()}
            return _called(FACTORIES[kind][words[kind]], options)
        return ENTRIES[kind][words[kind]]

    def _float(self, words: Words) -> float:
        return float(words["float"])

    def _tuple(self, words: Words) -> tuple[Any, ...]:
        return tuple(self.thing(each) for each in words["tuple"])

    def _dict(self, words: Words) -> dict[Any, Any]:
        return {self.thing(name): self.thing(value) for name, value in words["dict"]}

    def _array(self, words: Words) -> np.ndarray:
        dtype = np.dtype(words["array"])
        if dtype.kind not in "biuf":
            raise InvalidArgumentError("an argument is an array of numbers.")
        return np.array(words["values"], dtype).reshape(words["shape"])

    def _number(self, words: Words) -> Any:
        return self._array(words["number"])[()]

    def _same(self, words: Words) -> Module:
        return self.layers[words["same"]]

    def _partial(self, words: Words) -> Any:
        arguments, options = self._given(words)
        return partial(self.thing(words["partial"]), *arguments, **options)

    def _layer(self, words: Words) -> Module:
        make = LAYERS[words["layer"]]
        arguments, options = self._given(words)
        bound = inspect.signature(make).bind(*arguments, **options).arguments
        for name, value in (bound | bound.get("settings", {})).items():
            if name in COUNTS and isinstance(value, int) and value > MOST_LAYERS:
                raise InvalidArgumentError(f"`{name}` is {value!r}.")
        layer = make(*arguments, **options)
        self.layers.append(layer)
        return layer

    def _given(self, words: Words) -> tuple[list[Any], dict[str, Any]]:
        arguments = [self.thing(each) for each in words["arguments"]]
        return arguments, {name: self.thing(each) for name, each in words["options"].items()}


READ = ("float", "tuple", "dict", "array", "number", "same", "partial", "layer")


def _array_words(array: np.ndarray) -> Words:
    if array.dtype.kind not in "biuf" or array.size > LARGEST_ARRAY:
        raise NoWords(f"an array of {array.dtype} of shape {array.shape}")
    values = array.ravel().tolist()
    return {"array": array.dtype.str, "shape": list(array.shape), "values": values}


def _called(factory: Callable[..., Any], options: dict[str, Any]) -> Any:
    """Call a factory; options it takes as `*members` or `*patterns` become that."""
    if isinstance(factory, Initializer):
        return factory(**options)
    arguments: list[Any] = []
    for name, parameter in inspect.signature(factory).parameters.items():
        if parameter.kind == parameter.VAR_POSITIONAL:
            arguments = list(options.pop(name, ()))
    return factory(*arguments, **options)
