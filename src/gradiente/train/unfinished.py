"""What a fit remembers besides the state of the training, so that it goes on when interrupted.

In a file it is a JSON text and arrays. Callbacks may remember plain data: numbers, texts, arrays,
`None`, and lists and dicts of these.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradiente.base.errors import RunError, TypeMismatchError
from gradiente.base.trees import map_tree
from gradiente.train.callbacks import Callback
from gradiente.train.history_flow import STATISTICS, Look
from gradiente.train.state import WEIGHTS, State

PART = "unfinished"  # of the arrays of a file


@dataclass(frozen=True)
class Unfinished:
    """A fit that has not ended, as a file written meanwhile keeps it.

    batch_size, samples, shuffle: what it goes through; a fit through other things begins anew.
    seconds: that the open epoch took so far. flow: what the gradient did in it, on the batches that
    were looked at, by layer. best_loss, best: the lowest loss of the fit, and the weights of then.
    callbacks: what they remember, by their kinds and numbers.
    """

    batch_size: int
    samples: int
    shuffle: bool
    seconds: float = 0.0
    best_loss: float = math.inf
    best: State | None = None
    flow: list[Look] = field(default_factory=list)
    callbacks: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no fit can have: it may come from any file."""
        kinds = [type(value) for value in (self.batch_size, self.samples, self.shuffle)]
        numbers = isinstance(self.seconds, float) and isinstance(self.best_loss, float)
        if kinds != [int, int, bool] or not numbers or not isinstance(self.callbacks, dict):
            raise ValueError("these are not the facts of a fit")
        looks = [look for look in self.flow if look.keys() == self.flow[0].keys()]
        rows = [row for look in looks for row in look.values()]
        if len(looks) < len(self.flow) or not all(map(_is_row, rows)):
            raise ValueError("this is not the flow of an epoch")

    def is_of(self, batch_size: int, samples: int, shuffle: bool) -> bool:
        """Whether a fit through such batches goes on with it."""
        return (self.batch_size, self.samples, self.shuffle) == (batch_size, samples, shuffle)


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, list)
        and len(row) == len(STATISTICS)
        and all(isinstance(number, float) for number in row)
    )


# -- in a file -------------------------------------------------------------------------------------


def packed_fit(fit: Unfinished, state: State) -> tuple[dict[str, Any], State]:
    """A fit as what JSON takes, and its arrays; state: that of the training, as it is now."""
    arrays: list[np.ndarray] = []
    words = {
        "batch_size": fit.batch_size,
        "samples": fit.samples,
        "shuffle": fit.shuffle,
        "seconds": fit.seconds,
        "best_loss": fit.best_loss,
        "best_is_now": fit.best is not None and _same_weights(fit.best, state),
        "flow": fit.flow,
        "callbacks": _words(fit.callbacks, arrays),
    }
    tree: State = {str(place): array for place, array in enumerate(arrays)}
    if fit.best is not None and not words["best_is_now"]:
        tree["best"] = fit.best
    return words, tree


def unpacked_fit(words: dict[str, Any], arrays: State, state: State) -> Unfinished:
    """The inverse of `packed_fit`. Raises what Python does for words that say something else."""
    best = arrays.get("best")
    if words["best_is_now"]:
        best = map_tree(np.array, {part: state[part] for part in WEIGHTS})
    given = {name: value for name, value in words.items() if name != "best_is_now"}
    return Unfinished(
        **{**given, "best": best, "callbacks": _thing(words["callbacks"], arrays)},
    )


def _same_weights(best: State, state: State) -> bool:
    """Whether two trees of weights have the same bits."""
    return all(
        best[part].keys() == state[part].keys()
        and all(_bits(best[part][path]) == _bits(state[part][path]) for path in best[part])
        for part in WEIGHTS
    )


def _bits(array: Any) -> tuple[Any, bytes]:
    array = np.asarray(array)
    return (array.dtype.str, array.shape), array.tobytes()


def _words(thing: Any, arrays: list[np.ndarray]) -> Any:
    """A thing as what JSON takes; its arrays are put into a list."""
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    if isinstance(thing, np.generic):
        return _words(thing.item(), arrays)
    if isinstance(thing, np.ndarray) and thing.dtype.kind in "biuf":
        arrays.append(thing)
        return {"array": len(arrays) - 1}
    if isinstance(thing, list | tuple):
        return [_words(each, arrays) for each in thing]
    if isinstance(thing, Mapping) and all(isinstance(name, str) for name in thing):
        return {"dict": {name: _words(value, arrays) for name, value in thing.items()}}
    raise TypeMismatchError(
        f"a callback may remember numbers, texts, arrays, None, and lists and dicts of these, "
        f"not {thing!r}."
    )


def _thing(words: Any, arrays: Mapping[str, Any]) -> Any:
    """The inverse of `_words`."""
    if isinstance(words, list):
        return [_thing(each, arrays) for each in words]
    if isinstance(words, dict):
        ((kind, inner),) = words.items()
        if kind == "dict":
            return {name: _thing(value, arrays) for name, value in inner.items()}
        if kind != "array" or not isinstance(array := arrays[str(inner)], np.ndarray):
            raise ValueError("this is no word for a thing")
        return array
    return words


# -- callbacks -------------------------------------------------------------------------------------


def remembered(callbacks: Sequence[Callback]) -> dict[str, Any]:
    """What callbacks remember, if anything, by their kinds and numbers."""
    states = {}
    for name, callback in _named(callbacks).items():
        try:
            state = dict(callback.save_state())
            _words(state, [])
        except Exception as error:
            error.add_note(f"raised in save_state of the callback {callback!r}")
            raise
        if state:
            states[name] = state
    return states


def remind(callbacks: Sequence[Callback], states: Mapping[str, Any]) -> None:
    """Give callbacks back what those of the same kind and number remembered.

    Raises `RunError` if one of them does not understand it.
    """
    for name, callback in _named(callbacks).items():
        if name not in states:
            continue
        try:
            callback.load_state(states[name])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise RunError(
                f"the file this training was loaded from has a state of {name} that {callback!r} "
                f"does not understand ({type(error).__name__}: {error}): set trainer.position = "
                "None to begin anew."
            ) from error
        except Exception as error:
            error.add_note(f"raised in load_state of the callback {callback!r}")
            raise


def _named(callbacks: Sequence[Callback]) -> dict[str, Callback]:
    """Callbacks as `EarlyStopping 1`, `EarlyStopping 2`, ..., in their order."""
    kinds = [type(callback).__name__ for callback in callbacks]
    return {
        f"{kind} {kinds[:place].count(kind) + 1}": callback
        for place, (kind, callback) in enumerate(zip(kinds, callbacks, strict=True))
    }
