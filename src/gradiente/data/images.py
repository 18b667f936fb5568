"""A folder of images, one folder for each class, becomes an array of pixels and one of labels."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.base.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")


class ImageFiles:
    """Pixels of images that are read when they are asked for, as those of an array are.

    `x[rows]` with an array of places is float32 (rows, height, width, channels) between 0 and 1, or
    these numbers minus `mean` divided by `scale`.
    """

    dtype = np.dtype(np.float32)
    ndim = 4

    def __init__(
        self,
        files: Sequence[Path],
        size: tuple[int, int],
        channels: int,
        mean: float = 0.0,
        scale: float = 1.0,
    ):
        self.files = tuple(files)
        self.mean, self.scale = mean, scale
        self.shape = (len(self.files), *size, channels)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def nbytes(self) -> int:
        """What all of them would take in memory."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def chosen(self, rows: np.ndarray) -> "ImageFiles":
        """Those at some places, still in their files."""
        _, height, width, channels = self.shape
        files = [self.files[int(place)] for place in rows]
        return ImageFiles(files, (height, width), channels, self.mean, self.scale)

    def standardized(self, mean: float, scale: float) -> "ImageFiles":
        """The same, less a mean and divided by a scale when they are read."""
        _, height, width, channels = self.shape
        return ImageFiles(self.files, (height, width), channels, mean, scale)

    def __getitem__(self, rows: Any) -> np.ndarray:
        chosen = np.arange(len(self.files))[rows]
        files = [self.files[int(place)] for place in np.atleast_1d(chosen)]
        _, height, width, channels = self.shape
        pixels = [_pixels(_open(file), (height, width), channels) for file in files]
        if self.mean or self.scale != 1.0:
            mean, scale = np.float32(self.mean), np.float32(self.scale)
            pixels = [(picture - mean) / scale for picture in pixels]
        if np.ndim(chosen) == 0:
            return pixels[0]
        return np.stack(pixels) if pixels else np.zeros((0, *self.shape[1:]), self.dtype)


@dataclass(frozen=True)
class Images:
    """Pixels and classes of `n` images.

    x: float32 (n, height, width, channels) between 0 and 1; one channel is grey, three are colour.
        An array, or `ImageFiles` where they are not to be in memory.
    y: int64 (n,), the position of each image's class in `class_names`, and -1 without classes.
    files: the path of each image.
    """

    x: Any
    y: np.ndarray
    class_names: tuple[str, ...]
    files: tuple[Path, ...]


def read_images(
    folder: str | Path,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    *,
    in_memory: bool = True,
) -> Images:
    """Read every image in the folders of `folder`, whose names are the classes.

    Images that lie in `folder` itself are read only when it has no class folders.
    size: (height, width) in pixels; the most frequent one if `None`. Others are resized.
    channels: 1 or 3; if `None`, 1 when all images are grey.
    in_memory: if not, pixels are read when they are needed, as `data.AugmentedImages(images.x,
        images.y)` does it chunk by chunk in the background: for more images than memory holds.
    Raises `DataError` when there is no image, or one that cannot be read.
    """
    labelled, class_names = _find(Path(folder))
    files = tuple(file for file, _ in labelled)
    if channels is None or size is None:
        kinds = [_kind(file) for file in files]
        channels = channels or (1 if all(grey for grey, _ in kinds) else 3)
        size = size or Counter(pixels for _, pixels in kinds).most_common(1)[0][0]
    x = ImageFiles(files, size, channels)
    y = np.array([label for _, label in labelled], np.int64)
    return Images(x[:] if in_memory else x, y, class_names, files)


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
    with _picture(file) as picture:
        picture.load()
        return picture.copy()


def _kind(file: Path) -> tuple[bool, tuple[int, int]]:
    """Whether a picture is grey, its height and its width, of which files tell at their begin."""
    with _picture(file) as picture:
        return _is_grey(picture), (picture.height, picture.width)


@contextmanager
def _picture(file: Path) -> Iterator[Any]:
    from PIL import Image

    try:
        with Image.open(file) as picture:
            yield picture
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
