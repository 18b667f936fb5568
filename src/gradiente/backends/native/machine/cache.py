"""Compiled objects kept on disk between processes, in a folder that only this user can write to.

An entry is machine code that will run: it is read only if folder and file belong to this user and
nobody else may write to them, and only if its checksum, which covers the key as well, is right.
Whatever goes wrong here, the caller compiles instead: nothing raises.
"""

import contextlib
import hashlib
import os
import sys
import tempfile
from pathlib import Path

from gradiente.base.settings import setting

LIMIT = 256 * 2**20  # bytes of all entries together; the least recently used go first

SUFFIX = ".object"
UNFINISHED = ".partial"
MAGIC = b"gradiente object 1\n"
HEADER = len(MAGIC) + hashlib.sha256().digest_size

WRITABLE_BY_OTHERS = 0o022


def folder() -> Path | None:
    """Where objects are kept, by GRADIENTE_CACHE or the system's custom; `None` for nowhere."""
    chosen = setting("GRADIENTE_CACHE")
    if chosen == "off":
        return None
    try:
        parent = Path(chosen).expanduser() if chosen else _caches_of_user() / "gradiente"
    except RuntimeError:  # this user has no home
        return None
    return parent / "objects"


def _caches_of_user() -> Path:
    """The folder for caches that the system's conventions name."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if os.path.isabs(named) else Path.home() / ".cache"


def key_of(*parts: str) -> str:
    """A name for what these texts determine: no two lists of texts share one."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode()
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()


def load(key: str) -> bytes | None:
    """The object stored under a key, unless it is missing, damaged or not to be trusted."""
    place = folder()
    if place is None:
        return None
    path = place / (key + SUFFIX)
    try:
        if not _is_private(os.stat(place)):
            return None
        with open(path, "rb", opener=_no_link) as file:
            if not _is_private(os.fstat(file.fileno())):
                return None
            content = file.read()
    except OSError:
        return None
    code = content[HEADER:]
    if content[:HEADER] != _header(key, code):
        return None  # the caller compiles, and stores a sound entry in its place
    with contextlib.suppress(OSError):
        os.utime(path)  # used now: among the last to be removed
    return code


def store(key: str, code: bytes) -> None:
    """Keep an object under a key; without effect where the folder cannot be used.

    The entry appears whole or not at all. Each is written to a file of its own and renamed, so that
    any number of processes may store the same one at once.
    """
    place = folder()
    if place is None or HEADER + len(code) > LIMIT:
        return
    with contextlib.suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.mkdir(mode=0o700, exist_ok=True)
        if _is_private(os.stat(place)):
            _write(place, key, code)
            _shrink(place)


def _write(place: Path, key: str, code: bytes) -> None:
    handle, unfinished = tempfile.mkstemp(dir=place, suffix=UNFINISHED)  # for its owner only
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_header(key, code) + code)
        os.replace(unfinished, place / (key + SUFFIX))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise


def _shrink(place: Path) -> None:
    """Remove the least recently used entries, and what crashed processes left, above the limit."""
    entries = []
    for path in place.iterdir():
        if path.suffix in (SUFFIX, UNFINISHED):
            with contextlib.suppress(OSError):  # another process has removed it
                status = path.stat()
                entries.append((status.st_mtime_ns, status.st_size, path))
    excess = sum(size for _, size, _ in entries) - LIMIT
    for _, size, path in sorted(entries):
        if excess <= 0:
            break
        path.unlink(missing_ok=True)
        excess -= size


def _header(key: str, code: bytes) -> bytes:
    """What an entry begins with: damage to any byte, and another name for it, are noticed."""
    return MAGIC + hashlib.sha256(key.encode() + code).digest()


def _is_private(status: os.stat_result) -> bool:
    """True if this user owns it and nobody else may write to it."""
    if not hasattr(os, "geteuid"):
        return True  # on Windows a user's folders are protected by access lists
    return status.st_uid == os.geteuid() and not status.st_mode & WRITABLE_BY_OTHERS


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))
