"""The backends there are, by name."""

import importlib
import warnings
from functools import lru_cache

from gradiente.backends.backend import Backend
from gradiente.base.errors import BackendError, UnknownNameError
from gradiente.base.settings import SETTINGS, setting

# Each is a module with a `BACKEND`, imported when it is first asked for.
BACKENDS: dict[str, str] = {
    "native": "gradiente.backends.native.backend",
    "numpy": "gradiente.backends.numpy.backend",
}


def backend_named(name: str | None) -> Backend:
    """The backend of this name, or the one of the setting GRADIENTE_BACKEND.

    Where nobody chose and the native one cannot be used, that of NumPy takes over, with a warning.
    Raises `UnknownNameError` for any other name, and `BackendError` for a backend that was asked
    for and cannot be used here.
    """
    chosen = name or setting("GRADIENTE_BACKEND")
    if chosen not in BACKENDS:
        raise UnknownNameError(
            f"there is no backend `{chosen}`; there are: {', '.join(sorted(BACKENDS))}."
        )
    backend: Backend = importlib.import_module(BACKENDS[chosen]).BACKEND
    obstacle = backend.obstacle()
    if not obstacle:
        return backend
    if name is not None or chosen != SETTINGS["GRADIENTE_BACKEND"].default:
        raise BackendError(f"the backend `{chosen}` cannot be used here: {obstacle}.")
    _warn(obstacle)
    return backend_named("numpy")


@lru_cache(maxsize=1)
def _warn(obstacle: str) -> None:
    """Once in a process: it would be the same every time."""
    warnings.warn(
        f"the native backend cannot be used here: {obstacle}. NumPy takes over, which is slower.",
        stacklevel=3,
    )
