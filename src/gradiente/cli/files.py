"""Files and folders that appear whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gradiente.base.files import sync, umask


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place at the end of the block.

    On an error it vanishes. Raises `OSError` where it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~umask())
        sync(temporary)
        os.replace(temporary, path)
        sync(path.absolute().parent)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `path`, and of what is there, at the end.

    It is made at once, beside `path` or in the nearest folder above that exists, and vanishes on
    an error. Raises `OSError` where it cannot be written.
    """
    place = path.absolute().parent
    while not place.exists():
        place = place.parent
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=place))
    try:
        yield temporary
        temporary.chmod(0o777 & ~umask())
        for file in (*temporary.iterdir(), temporary):
            sync(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        _exchange(temporary, path)
        sync(path.absolute().parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _exchange(temporary: Path, path: Path) -> None:
    """Rename; a folder that is there is moved aside first, put back on an error, else deleted."""
    if not path.exists():
        os.replace(temporary, path)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.absolute().parent))
    os.replace(path, aside / "old")
    try:
        os.replace(temporary, path)
    except OSError:
        os.replace(aside / "old", path)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
