"""One file with everything training continues from, which cannot execute code.

The file is in the safetensors format: arrays by path, and a JSON text with the history and facts,
sealed with a checksum. It is written to a temporary file in the same folder, flushed to the disk,
and renamed.
"""

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from gradiente.base.errors import GradienteError, RunError
from gradiente.base.version import __version__
from gradiente.train.history import History
from gradiente.train.state import State

FORMAT = "gradiente checkpoint 1"
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


def _seal(text: str, arrays: dict[str, np.ndarray]) -> str:
    """A checksum of everything in the file: no damage to it goes unnoticed."""
    import hashlib  # only files need it

    digest = hashlib.sha256(text.encode())
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def write_checkpoint(path: Path, state: State, history: History, facts: Facts) -> None:
    """Write a state, its history and some facts; `RunError` if that fails."""
    from safetensors.numpy import save

    arrays = flat(state)
    text = json.dumps(
        {
            "format": FORMAT,
            "version": __version__,
            "facts": asdict(facts),
            "order": list(arrays),
            "history": History(history.rows).rows,  # callbacks may have added to the rows
            "stopped": history.stopped,
            "flow": history.flow,
        }
    )
    content = save(arrays, metadata={"gradiente": text, "sha256": _seal(text, arrays)})
    try:
        replace_file(path, content)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from None


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in place whole or not at all, whatever interrupts."""
    import tempfile  # brings much along that only writing needs

    handle, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # temporary files are for their owner only
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _umask() -> int:
    """The permissions that new files do not get; it can only be read by setting it."""
    umask = os.umask(0)
    os.umask(umask)
    return umask


def read_checkpoint(path: Path) -> tuple[State, History, Facts]:
    """State, history and facts; `RunError` if the file is missing, damaged or something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            text = json.loads(metadata["gradiente"])
            arrays = {name: file.get_tensor(name) for name in text["order"]}
        intact = metadata["sha256"] == _seal(metadata["gradiente"], arrays)
        history = History(text["history"], text["stopped"], text.get("flow", ()))
        known, facts, state = text["format"], Facts(**text["facts"]), _nested(arrays)
    except FileNotFoundError:
        raise RunError(f"there is no file {path}.") from None
    except (
        OSError,
        SafetensorError,
        LookupError,
        ValueError,
        TypeError,
        RecursionError,  # JSON nested without end
        GradienteError,
    ):
        raise RunError(f"{path} is not an intact checkpoint of gradiente.") from None
    if not intact:
        raise RunError(f"{path} is damaged: its checksum is wrong.")
    if known != FORMAT:
        raise RunError(f"{path} has the format {known!r}; this version reads {FORMAT!r}.")
    return state, history, facts
