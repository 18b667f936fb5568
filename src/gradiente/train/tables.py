"""Tables where a trainer takes arrays: encoded by the preprocessing that belongs to its network."""

import json
from typing import Any

import numpy as np

from gradiente.base.errors import DataError, InvalidArgumentError, RunError
from gradiente.data.encode import Preprocessing
from gradiente.data.stream import Stream
from gradiente.train.state import State
from gradiente.train.stream_samples import first_samples

PART = "preprocessing"  # of a state in a file


def checked_preprocessing(given: Any) -> Preprocessing | None:
    """The preprocessing, if it is one; raises `InvalidArgumentError` for anything else."""
    if given is None or isinstance(given, Preprocessing):
        return given
    raise InvalidArgumentError(f"preprocessing= is what data.fit_table(...) gives, not {given!r}.")


def encoded_inputs(preprocessing: Preprocessing | None, x: Any) -> Any:
    """x as arrays: itself, or the encoded columns of a table."""
    return x if preprocessing is None else preprocessing.transform(x)


def encoded(preprocessing: Preprocessing | None, x: Any, y: Any) -> tuple[Any, Any]:
    """Inputs and targets as arrays, both from the table x if there is a preprocessing.

    Raises `DataError` if y is given besides, or the table does not fit.
    """
    if preprocessing is None:
        return x, y
    if y is not None:
        raise DataError(
            f"the targets are the column {preprocessing.target.name!r} of the table: leave out y."
        )
    frame = preprocessing.read(x)
    return preprocessing.transform(frame), preprocessing.transform_target(frame)


def encoded_validation(preprocessing: Preprocessing | None, validation: Any) -> Any:
    """What `validation` means as arrays, if it is a table; of a stream the first ones."""
    if isinstance(validation, Stream):
        return first_samples(validation).as_tuple()
    if preprocessing is None or validation is None or isinstance(validation, float):
        return validation
    return encoded(preprocessing, validation, None)


def with_preprocessing(state: State, preprocessing: Preprocessing | None) -> State:
    """The state and, as bytes, the preprocessing, so that one file has both."""
    if preprocessing is None:
        return state
    text = json.dumps(preprocessing.to_dict(), ensure_ascii=False, allow_nan=False)
    return {**state, PART: np.frombuffer(text.encode(), np.uint8)}


def without_preprocessing(state: State) -> tuple[State, Preprocessing | None]:
    """The inverse of `with_preprocessing`. Raises `RunError` if it is damaged."""
    rest = {part: value for part, value in state.items() if part != PART}
    if PART not in state:
        return rest, None
    try:
        data = json.loads(np.asarray(state[PART], np.uint8).tobytes().decode())
    except (ValueError, TypeError, RecursionError) as error:
        raise RunError(f"the preprocessing of the table is damaged: {error}.") from None
    return rest, Preprocessing.from_dict(data)
