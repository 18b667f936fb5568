"""A folder of images, one folder for each class, becomes an array of pixels and one of labels."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.base.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")


@dataclass(frozen=True)
class Images:
    """Pixels and classes of `n` images.

    x: float32 (n, height, width, channels) between 0 and 1; one channel is grey, three are colour.
    y: int64 (n,), the position of each image's class in `class_names`, and -1 without classes.
    files: the path of each image.
    """

    x: np.ndarray
    y: np.ndarray
    class_names: tuple[str, ...]
    files: tuple[Path, ...]


def read_images(
    folder: str | Path, size: tuple[int, int] | None = None, channels: int | None = None
) -> Images:
    """Read every image in the folders of `folder`, whose names are the classes.

    Images that lie in `folder` itself are read only when it has no class folders.
    size: (height, width) in pixels; the most frequent one if `None`. Others are resized.
    channels: 1 or 3; if `None`, 1 when all images are grey.
    Raises `DataError` when there is no image, or one that cannot be read.
    """
    labelled, class_names = _find(Path(folder))
    pictures = [_open(file) for file, _ in labelled]
    if channels is None:
        channels = 1 if all(map(_is_grey, pictures)) else 3
    if size is None:
        size = Counter((picture.height, picture.width) for picture in pictures).most_common(1)[0][0]
    return Images(
        x=np.stack([_pixels(picture, size, channels) for picture in pictures]),
        y=np.array([label for _, label in labelled], np.int64),
        class_names=class_names,
        files=tuple(file for file, _ in labelled),
    )


def is_image_folder(path: Path) -> bool:
    """Whether `path` is a folder that holds images, or folders of images."""
    return path.is_dir() and bool(_images_in(path) or _class_folders(path))


def _find(folder: Path) -> tuple[list[tuple[Path, int]], tuple[str, ...]]:
    """Every image with the number of its class, and the names of the classes."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}.")
    classes = _class_folders(folder)
    if classes:
        labelled = [
            (file, label) for label, inner in enumerate(classes) for file in _images_in(inner)
        ]
        return labelled, tuple(inner.name for inner in classes)
    files = _images_in(folder)
    if not files:
        raise DataError(
            f"{folder} holds no images: give a folder with one folder of images "
            f"({', '.join(SUFFIXES)}) for each class."
        )
    return [(file, -1) for file in files], ()


def _class_folders(folder: Path) -> list[Path]:
    return sorted(inner for inner in folder.iterdir() if inner.is_dir() and _images_in(inner))


def _images_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)


def _open(file: Path) -> Any:
    """The picture in `file`, fully read."""
    from PIL import Image

    try:
        with Image.open(file) as picture:
            picture.load()
            return picture.copy()
    # Pillow raises OSError, SyntaxError, ValueError and others for damaged files.
    except Exception as error:
        raise DataError(f"{file} cannot be read as an image.") from error


def _pixels(picture: Any, size: tuple[int, int], channels: int) -> np.ndarray:
    """float32 (height, width, channels) between 0 and 1."""
    height, width = size
    picture = _to_eight_bits(picture).convert("L" if channels == 1 else "RGB")
    if picture.size != (width, height):
        picture = picture.resize((width, height))
    pixels = np.asarray(picture, np.float32) / np.float32(255.0)
    return pixels.reshape(height, width, channels)


def _is_grey(picture: Any) -> bool:
    return picture.mode in ("1", "L", "LA") or picture.mode.startswith("I")


def _to_eight_bits(picture: Any) -> Any:
    """Grey pictures of 16 bits would be cut off at 255 by Pillow's own conversion."""
    if not picture.mode.startswith("I"):
        return picture
    from PIL import Image

    return Image.fromarray((np.asarray(picture, np.float64) / 257.0).clip(0, 255).astype(np.uint8))
