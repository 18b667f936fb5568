"""Files that appear whole or not at all, and stay when the machine stops.

A file is written beside the place it is meant for, flushed to the disk, renamed, and its folder is
flushed too: whatever interrupts, there is the old file or the new one. Errors of the disk are never
kept quiet.
"""

import contextlib
import os
from pathlib import Path

PIECE = 1 << 20  # bytes given to the disk at once


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in place whole or not at all, whatever interrupts.

    Raises `OSError` where it cannot be written. Then the old file is there, or, where only the
    folder could not be flushed after the renaming, the new one.
    """
    import tempfile  # brings much along that only writing needs

    folder = path.absolute().parent
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=temporary_prefix(path))
    try:
        try:
            _write(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.chmod(temporary, 0o666 & ~umask())  # temporary files are for their owner only
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            os.unlink(temporary)
        raise
    sync(folder)


def temporary_prefix(path: Path) -> str:
    """How the names begin of what is on its way to becoming this file."""
    return f".{path.name}."


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows flushes no folders; it keeps their changes in a journal
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def umask() -> int:
    """The permissions that new files do not get; it can only be read by setting it."""
    found = os.umask(0)
    os.umask(found)
    return found


def _write(handle: int, content: bytes) -> None:
    view = memoryview(content)
    while len(view):
        view = view[os.write(handle, view[:PIECE]) :]
