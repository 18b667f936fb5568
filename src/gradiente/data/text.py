"""The text of a file, decoded; binary files are refused."""

import codecs
from pathlib import Path

from gradiente.base.errors import DataError

# What a table of text can hold below the space: tab, line feed, form feed.
ALLOWED_CONTROLS = frozenset("\t\n\f")
SAMPLE = 65536  # characters looked at when telling text from binary data

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path) -> str:
    """The whole text of `path`, its lines ended by line feeds.

    Read as UTF-8, as UTF-16 where it begins with that mark, else as Windows-1252.
    Raises `DataError` when the bytes are no text.
    """
    text = _decode(path.read_bytes())
    if text is not None:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text is None or any(_is_control(character) for character in text[:SAMPLE]):
        raise DataError(
            f"{path} is not a text file, so it cannot be read as CSV: "
            "give a table of text, or a file ending in .parquet or .npz."
        )
    return text


def _decode(content: bytes) -> str | None:
    first = "utf-16" if content.startswith(UTF16_MARKS) else "utf-8-sig"
    for encoding in (first, "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _is_control(character: str) -> bool:
    return character < " " and character not in ALLOWED_CONTROLS
