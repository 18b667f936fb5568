"""One file with everything training continues from, which cannot execute code.

The file is in the safetensors format: arrays by path, and a JSON text with the checksum of every
array, what the trainer is made of as data, the place in the data, the history and the versions,
which has a checksum itself. `base/files.py` says how it is written.
"""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.base.errors import GradienteError, RunError
from gradiente.base.files import replace_file
from gradiente.base.version import __version__
from gradiente.train.history import History
from gradiente.train.position import Position
from gradiente.train.state import State
from gradiente.train.unfinished import PART, Unfinished, packed_fit, unpacked_fit

FORMAT = "gradiente checkpoint 3"
SEPARATOR = "/"  # between the levels of the state; in a name it is written as below
ESCAPES = (("~", "~0"), (SEPARATOR, "~1"))


@dataclass(frozen=True)
class Facts:
    """What a trainer has to know besides its state: the seed, and what it was made with."""

    seed: int
    accumulate: int
    optimizer: str

    def __post_init__(self) -> None:
        """Refuse what no trainer can have been made with: the facts may come from any file."""
        kinds = (type(self.seed), type(self.accumulate), type(self.optimizer))
        if kinds != (int, int, str) or self.seed < 0 or self.accumulate < 1:
            raise ValueError("these are not the facts of a trainer")


@dataclass(frozen=True)
class Saved:
    """What is in a file.

    facts: `None` for a network alone; position: `None` between epochs; parts: what the network and
    its trainer are made of, as `description.py` says it; unfinished: what the fit goes on with
    during which it was written.
    """

    state: State
    history: History
    facts: Facts | None
    position: Position | None = None
    parts: dict[str, Any] = field(default_factory=dict)
    unfinished: Unfinished | None = None

    def __post_init__(self) -> None:
        """Refuse a position that is not in the epoch after those of the history."""
        done = self.history[-1]["epoch"] if len(self.history) else 0
        if self.position is not None and self.position.epoch != done + 1:
            raise ValueError("the position is in another epoch")


def flat(state: State, prefix: str = "") -> dict[str, np.ndarray]:
    """The arrays of nested dicts under names like `optimizer/slots/0.weight/first_moment`."""
    arrays: dict[str, np.ndarray] = {}
    for name, value in state.items():
        path = prefix + _escaped(name)
        if isinstance(value, dict):
            inner = flat(value, path + SEPARATOR)
            # A level without anything in it is an array under an empty name.
            arrays.update(inner or {path + SEPARATOR: np.zeros(0, np.uint8)})
        else:
            arrays[path] = np.array(value, order="C")
    return arrays


def _nested(arrays: dict[str, np.ndarray]) -> State:
    state: State = {}
    for path, value in arrays.items():
        *levels, name = map(_unescaped, path.split(SEPARATOR))
        place = state
        for level in levels:
            place = place.setdefault(level, {})
            if not isinstance(place, dict):
                raise ValueError(f"{path} lies inside an array")
        if name:
            place[name] = value
    return state


def _escaped(name: str) -> str:
    for plain, written in ESCAPES:
        name = name.replace(plain, written)
    return name


def _unescaped(name: str) -> str:
    for plain, written in reversed(ESCAPES):
        name = name.replace(written, plain)
    return name


def _sums(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """A checksum of every array, its type and shape included: no damage goes unnoticed."""
    return {
        name: _checksum(f"{array.dtype.str} {array.shape}\n".encode(), array.tobytes())
        for name, array in arrays.items()
    }


def _checksum(*pieces: bytes) -> str:
    import hashlib  # only files need it

    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def write_checkpoint(path: Path, saved: Saved) -> None:
    """Write a state and what belongs to it; `RunError` if that fails."""
    content = packed(saved)
    try:
        replace_file(path, content)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from error


def packed(saved: Saved) -> bytes:
    """The content of a file."""
    from safetensors.numpy import save

    state, fit = saved.state, None
    if saved.unfinished is not None:
        fit, tree = packed_fit(saved.unfinished, state)
        state = {**state, PART: tree}
    arrays = flat(state)
    history = History(saved.history.rows)  # callbacks may have added to the rows
    text = json.dumps(
        {
            "format": FORMAT,
            "versions": {
                "gradiente": __version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
            "facts": None if saved.facts is None else asdict(saved.facts),
            "parts": saved.parts,
            "position": None if saved.position is None else asdict(saved.position),
            "unfinished": fit,
            "arrays": _sums(arrays),  # in their order
            "history": history.rows,
            "stopped": saved.history.stopped,
            "flow": saved.history.flow,
        }
    )
    return save(arrays, metadata={"gradiente": text, "sha256": _checksum(text.encode())})


def read_checkpoint(path: Path) -> Saved:
    """What is in a file; `RunError` if it is missing, damaged or something else."""
    from safetensors import SafetensorError, safe_open

    try:
        path.open("rb").close()  # says in plain words why it cannot be read
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            words = json.loads(metadata["gradiente"])
            arrays = {name: file.get_tensor(name) for name in words["arrays"]}
            complete = set(file.keys()) == set(arrays)
        intact = metadata["sha256"] == _checksum(metadata["gradiente"].encode())
        damaged = [name for name, each in _sums(arrays).items() if each != words["arrays"][name]]
        known, saved = words["format"], _unpacked(words, arrays)
    except FileNotFoundError:
        raise RunError(f"there is no file {path}.") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (
        SafetensorError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,  # JSON nested without end
        OverflowError,
        GradienteError,
    ):
        raise RunError(f"{path} is not an intact checkpoint of gradiente.") from None
    if damaged or not intact or not complete:
        where = f" of {damaged[0]}" if damaged else ""
        raise RunError(f"{path} is damaged: its checksum{where} is wrong.")
    if known != FORMAT:
        raise RunError(f"{path} has the format {known!r}; this version reads {FORMAT!r}.")
    return saved


def _unpacked(words: dict[str, Any], arrays: dict[str, np.ndarray]) -> Saved:
    position, facts, fit = words["position"], words["facts"], words.get("unfinished")
    state = _nested(arrays)
    tree = state.pop(PART, {})
    return Saved(
        state,
        History(words["history"], words["stopped"], words["flow"]),
        None if facts is None else Facts(**facts),
        None if position is None else Position(**position),
        dict(words["parts"]),
        None if fit is None else unpacked_fit(fit, tree, state),
    )
