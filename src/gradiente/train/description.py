"""What a network, and a trainer, consists of, as data that rebuilds it without its program."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradiente.base.errors import GradienteError, RunError
from gradiente.nn.module import Module
from gradiente.train.step import Recipe
from gradiente.train.words import NoWords, Reader, Words, Writer

PRIVATE = ("_made_with", "_origin", "_buffers", "_frozen")  # set while a layer is used
OPTIONS = ("loss", "optimizer", "metrics", "regularizers", "constraints")
UNKNOWN = "unknown"  # the word for what has none, beside its name


def described(thing: Any) -> Words:
    """The words for a thing, or what it is that has none, as {"unknown": name}."""
    try:
        words = Writer().words(thing)
        again = Reader().thing(words)
        same = _alike(thing, again) if isinstance(thing, Module) else Writer().words(again) == words
    except NoWords as error:
        return {UNKNOWN: str(error)}
    except Exception as error:  # whatever a constructor says of arguments it did not expect
        return {UNKNOWN: f"{type(thing).__name__} ({error})"}
    return words if same else {UNKNOWN: f"{type(thing).__name__}, changed after it was made"}


def describe_recipe(recipe: Recipe) -> dict[str, Words]:
    """What a trainer is made of."""
    given = {name: getattr(recipe, name) for name in OPTIONS}
    given["metrics"] = list(given["metrics"])
    return {"network": described(recipe.network)} | {n: described(v) for n, v in given.items()}


def rebuilt(words: Words, part: str, path: Any) -> Any:
    """The thing that was described; `RunError` if it has to be given, or the words are wrong."""
    if isinstance(words, Mapping) and UNKNOWN in words:
        raise RunError(
            f"{path} was saved with {words[UNKNOWN]}, which a file cannot hold: give {part}=, "
            "built as before."
        )
    try:
        return Reader().thing(words)
    except Exception as error:  # the words may be anything, and so may what constructors say
        raise RunError(f"{path} does not describe its {part} rightly: {error}") from None


def completed(given: dict[str, Any], parts: dict[str, Words], path: Any) -> dict[str, Any]:
    """The arguments of a trainer: those given, the others as described; `RunError` as `rebuilt`.

    An optimizer that was described has its clipping, so that with clip_norm= it must be given.
    """
    complete = {name: value for name, value in given.items() if value is not None}
    for part in ("network", *OPTIONS):
        if part not in complete and not (part == "optimizer" and "clip_norm" in complete):
            complete[part] = rebuilt(parts.get(part), part, path)
    return complete


@contextmanager
def doubted(path: Any) -> Iterator[None]:
    """Say that a file is wrong where what was rebuilt from it fails in ways nobody foresaw."""
    try:
        yield
    except GradienteError:
        raise
    except Exception as error:
        raise RunError(f"{path} describes what does not fit together: {error}") from error


def _alike(a: Any, b: Any) -> bool:
    """Whether two networks are built alike; values of public arrays do not count."""
    if isinstance(a, Module):
        return type(a) is type(b) and _alike(_settings(a), _settings(b))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and np.array_equal(a, b)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(_alike, a, b))
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(map(_alike, a.values(), b.values()))
    return a is b or bool(a == b) or _described_alike(a, b)


def _described_alike(a: Any, b: Any) -> bool:
    if isinstance(a, Callable):  # type: ignore[arg-type]
        return Writer().words(a) == Writer().words(b)
    return False


def _settings(module: Module) -> dict[str, Any]:
    """What a module has besides what is trained, or counted, and comes into being on first use."""
    return {
        name: None if isinstance(value, np.ndarray) and not name.startswith("_") else value
        for name, value in module.__dict__.items()
        if name not in PRIVATE
    }
