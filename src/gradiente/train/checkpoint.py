"""One file with everything training continues from, which cannot execute code.

The file is in the safetensors format: arrays by path, and a JSON text with the history and facts.
It is written to a temporary file in the same folder, flushed to the disk, and renamed.
"""

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.base.errors import RunError
from gradiente.base.version import __version__
from gradiente.train.history import History

FORMAT = "gradiente checkpoint 1"
SEPARATOR = "/"  # between the levels of the state; the paths of parameters contain dots


def _flat(state: dict[str, Any], prefix: str = "") -> dict[str, np.ndarray]:
    """The arrays of nested dicts under names like `optimizer/slots/0.weight/first_moment`."""
    flat = {}
    for name, value in state.items():
        path = f"{prefix}{SEPARATOR}{name}" if prefix else str(name)
        if isinstance(value, dict):
            flat.update(_flat(value, path))
            if not value:
                flat[path + SEPARATOR] = np.zeros(0, np.uint8)  # an empty level
        else:
            flat[path] = np.array(value, order="C")
    return flat


def _nested(flat: dict[str, np.ndarray]) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for path, value in flat.items():
        *levels, name = path.split(SEPARATOR)
        place = state
        for level in levels:
            place = place.setdefault(level, {})
        if name:
            place[name] = value
    return state


def write_checkpoint(
    path: Path, state: dict[str, Any], history: History, facts: dict[str, Any]
) -> None:
    """Write a state, its history and some facts; `RunError` if that fails."""
    from safetensors.numpy import save

    arrays = _flat(state)
    text = {
        "format": FORMAT,
        "version": __version__,
        "facts": facts,
        "order": list(arrays),
        "history": history.rows,
        "stopped": history.stopped,
    }
    content = save(arrays, metadata={"gradiente": json.dumps(text)})
    try:
        replace_file(path, content)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from None


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in place whole or not at all, whatever interrupts."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def read_checkpoint(path: Path) -> tuple[dict[str, Any], History, dict[str, Any]]:
    """State, history and facts; `RunError` if the file is missing, damaged or something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            text = json.loads((file.metadata() or {})["gradiente"])
            arrays = {name: file.get_tensor(name) for name in text["order"]}
    except FileNotFoundError:
        raise RunError(f"there is no file {path}.") from None
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        raise RunError(f"{path} is not an intact checkpoint of gradiente.") from None
    if text.get("format") != FORMAT:
        raise RunError(f"{path} has the format {text.get('format')!r}, expected {FORMAT!r}.")
    return _nested(arrays), History(text["history"], text["stopped"]), text["facts"]
