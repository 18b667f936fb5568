"""What the argument DATA stands for: a built-in data set, a folder of images, or a table."""

from collections.abc import Collection
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from gradiente.base.errors import DataError
from gradiente.data.builtin import BUILT_IN, load_builtin
from gradiente.data.images import Images, read_images
from gradiente.data.tables import read_table

MOST_BYTES = 2 << 30  # of the pixels of images in memory

if TYPE_CHECKING:
    from polars import DataFrame


def open_data(
    data: str, header: bool | None = None, as_text: Collection[str] = ()
) -> "DataFrame | Images":
    """The table or the images that `data` names; a built-in name goes before a file.

    Raises `DataError` when there is nothing of that name, or it cannot be read.
    """
    if data in BUILT_IN:
        return load_builtin(data)
    path = Path(data)
    if path.is_dir():
        return images_in(path)
    if not path.exists() and path.parent == Path(".") and not path.suffix:
        close = get_close_matches(data, BUILT_IN, n=1)
        advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(BUILT_IN)}."
        raise DataError(f"there is no file {data} and no built-in data set of this name: {advice}")
    return read_table(path, header, as_text)


def images_in(
    folder: Path, size: tuple[int, int] | None = None, channels: int | None = None
) -> Images:
    """The images of a folder: in memory, or left in their files where they would fill it."""
    images = read_images(folder, size, channels, in_memory=False)
    return images if images.x.nbytes > MOST_BYTES else replace(images, x=images.x[:])


def default_target(data: str) -> str | None:
    """The column usually learned of a built-in data set, `None` for others."""
    return BUILT_IN[data].target if data in BUILT_IN else None


def short_name(data: str) -> str:
    """A name for what comes of the data: the file or folder without its ending."""
    return Path(data).resolve().stem if data not in BUILT_IN else data


def is_built_in(data: str) -> bool:
    """Whether `data` is the name of a built-in data set."""
    return data in BUILT_IN
