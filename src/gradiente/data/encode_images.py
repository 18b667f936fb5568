"""Images become arrays for the network: one size, standardised, and plain data from then on."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.base.errors import DataError, RunError
from gradiente.data.fields import read_number, read_whole_number
from gradiente.data.images import ImageFiles, Images
from gradiente.data.target import ClassTarget, target_from_dict, target_to_dict

MOST_SEEN = 2000  # images that mean and spread are taken of, where they are not in memory


@dataclass(frozen=True)
class ImagePreprocessing:
    """The size of the images, and the mean and spread of the pixels of the training images."""

    height: int
    width: int
    channels: int
    mean: float
    scale: float
    target: ClassTarget

    def transform(self, x: Any) -> Any:
        """Standardised pixels, float32 of the same shape (n, height, width, channels)."""
        if isinstance(x, ImageFiles):
            return x.standardized(self.mean, self.scale)
        return (x - np.float32(self.mean)) / np.float32(self.scale)

    def example(self) -> np.ndarray:
        """One image of zeros, of the shape and type that the network takes."""
        return np.zeros((1, self.height, self.width, self.channels), np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a JSON file."""
        return {
            "kind": "images",
            "height": self.height,
            "width": self.width,
            "channels": self.channels,
            "mean": self.mean,
            "scale": self.scale,
            "target": target_to_dict(self.target),
        }

    @staticmethod
    def from_dict(data: Any) -> "ImagePreprocessing":
        """The inverse of `to_dict`. Raises `RunError` when a field is missing or wrong."""
        height, width, channels = (
            read_whole_number(data, name) for name in ("height", "width", "channels")
        )
        mean, scale = read_number(data, "mean"), read_number(data, "scale")
        target = target_from_dict(data.get("target"))
        if min(height, width) < 1 or channels not in (1, 3) or scale <= 0:
            raise RunError("the size or scaling of the images makes no sense.")
        if not isinstance(target, ClassTarget):
            raise RunError("images are learned as classes.")
        return ImagePreprocessing(height, width, channels, mean, scale, target)


def fit_images(images: Images, rows: np.ndarray) -> ImagePreprocessing:
    """Fit to the images at `rows`. Raises `DataError` when there are fewer than two classes."""
    if len(images.class_names) < 2:
        raise DataError(
            "the images are not divided into two or more classes: put those of each class into a "
            "folder of its own."
        )
    if isinstance(images.x, ImageFiles):
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_SEEN)).astype(int)]
    pixels = images.x[rows]
    _, height, width, channels = images.x.shape
    return ImagePreprocessing(
        height,
        width,
        channels,
        mean=float(pixels.mean(dtype=np.float64)),
        scale=float(pixels.std(dtype=np.float64)) or 1.0,
        target=ClassTarget("class", images.class_names, "text"),
    )
