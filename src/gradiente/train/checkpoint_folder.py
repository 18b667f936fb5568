"""A folder with checkpoints of a training: the newest one that is intact is continued."""

import re
import warnings
from pathlib import Path

from gradiente.base.errors import DamagedCheckpointWarning, RunError
from gradiente.base.files import sync, temporary_prefix
from gradiente.train.checkpoint import Saved, read_checkpoint

NAME = re.compile(r"checkpoint-(\d{6,18})\.gradiente")
BEST = "best.gradiente"  # kept besides the last ones


def checkpoints_in(folder: Path) -> list[Path]:
    """The numbered checkpoints in a folder in the order in which they were written."""
    numbered = [(_number(path), path) for path in folder.iterdir() if NAME.fullmatch(path.name)]
    return [path for _, path in sorted(numbered)]


def made(folder: Path) -> Path:
    """The folder, which is made if it is not there. Raises `OSError` where it cannot be."""
    if not folder.exists():
        folder.mkdir(parents=True)
        sync(folder.absolute().parent)
    return folder


def next_path(folder: Path) -> Path:
    """The place of the next checkpoint; the folder is made if it is not there.

    Numbers only grow, so that a training begun anew in the same folder does not take what an older
    one left behind for its newest. Raises `OSError` where the folder cannot be used.
    """
    numbers = [_number(path) for path in checkpoints_in(made(folder))]
    return folder / f"checkpoint-{max(numbers, default=0) + 1:06d}.gradiente"


def prune(folder: Path, keep: int) -> None:
    """Delete all numbered checkpoints but the last, and what interrupted writing left behind.

    To be called after a new one is safely there. Raises `OSError` where something stays.
    """
    for path in checkpoints_in(folder)[:-keep]:
        path.unlink()
    unfinished = (temporary_prefix(Path("checkpoint-"))[:-1], temporary_prefix(Path(BEST)))
    for path in folder.iterdir():
        if path.name.startswith(unfinished):
            path.unlink()


def read_newest(folder: Path) -> tuple[Path, Saved]:
    """The newest checkpoint that is intact, and where it was; the best one if no other is.

    Each before it that is damaged is told of in a `DamagedCheckpointWarning`. Raises `RunError`
    where there is none, or none that is intact.
    """
    try:
        found = [path for path in (folder / BEST,) if path.exists()] + checkpoints_in(folder)
    except OSError as error:
        raise RunError(f"{folder} cannot be read: {error.strerror or error}.") from error
    damages = []
    for path in reversed(found):
        try:
            saved = read_checkpoint(path)
        except RunError as error:
            damages.append(str(error))
            continue
        for damage in damages:
            warnings.warn(
                f"{damage} Continuing from {path.name} instead.",
                DamagedCheckpointWarning,
                stacklevel=4,
            )
        return path, saved
    if damages:
        raise RunError(f"{folder} has no intact checkpoint: {' '.join(damages)}")
    raise RunError(f"there is no checkpoint in the folder {folder}.")


def _number(path: Path) -> int:
    found = NAME.fullmatch(path.name)
    assert found is not None
    return int(found[1])
