"""Images as a stream that changes each of them at random, anew in every epoch."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import DataError
from gradiente.data.augmentation import cropped, flipped, mixed, rotated
from gradiente.data.batches import batch_slices
from gradiente.data.generator import Random, generator
from gradiente.data.images import ImageFiles
from gradiente.data.stream import Stream

ROWS = 1024  # of a chunk


class AugmentedImages(Stream):
    """Images and targets, changed at random: a function of the seed and the epoch.

        images = data.read_images("photos")
        trainer.fit(data.AugmentedImages(images.x, images.y, flip=True, crop=4), epochs=20)

    The next images are changed in the background while the steps on the ones before run.

    x: (n, height, width, channels); y: targets, the samples along the first axis. Both in memory or
        mapped into it, or x of `data.read_images(folder, in_memory=False)`, whose files are read
        chunk by chunk.
    flip: whether left and right are exchanged in half of the images.
    crop: by up to how many pixels images are shifted; zeros come in at the edges.
    rotate: by up to how many degrees they are turned, either way.
    mixup: α of the Beta distribution of the shares with which pairs of images, and of their
        targets, are mixed; 0 for none. Classes in y become one-hot for that.
    rows: how many images are changed at a time.
    Raises `DataError` for arrays that do not fit, `InvalidArgumentError` for amounts that do not.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        *,
        flip: bool = False,
        crop: int = 0,
        rotate: float = 0.0,
        mixup: float = 0.0,
        rows: int = ROWS,
    ):
        self.x = x if isinstance(x, ImageFiles) else np.asarray(x)
        self.y = np.asarray(y)
        if self.x.ndim != 4 or len(self.x) == 0 or self.y.shape[:1] != self.x.shape[:1]:
            raise DataError(
                "images are (n, height, width, channels), with n targets; got shapes "
                f"{self.x.shape} and {self.y.shape}."
            )
        if self.x.dtype.kind != "f":
            raise DataError(
                f"the images are {self.x.dtype}: make them numbers around zero or between 0 and 1 "
                "first, (x / 255).astype(np.float32)."
            )
        self.flip = flip
        self.crop = check_count("crop", crop)
        self.rotate = check_number("rotate", rotate, at_least=0, at_most=180)
        self.mixup = check_number("mixup", mixup, at_least=0)
        self._rows = check_count("rows", rows, at_least=1)
        if self.mixup and self.y.dtype.kind != "f":
            self.y = _one_hot(self.y, self.x.dtype)
        super().__init__(lambda: self.chunks(0, 0, shuffle=False), len(self.x))

    def chunks(self, seed: int, epoch: int, shuffle: bool) -> Iterator[Any]:
        """The images of an epoch; shuffle: all of them, and not only those of a chunk."""
        random, count = generator(seed, epoch), len(self.x)
        order = random.permutation(count) if shuffle else np.arange(count)
        for rows in batch_slices(order, self._rows):
            yield self._changed(self.x[rows], self.y[rows], random)

    def _changed(self, x: np.ndarray, y: np.ndarray, random: Random) -> Any:
        if self.flip:
            x = flipped(x, random)
        if self.rotate:
            x = rotated(x, random, self.rotate)
        if self.crop:
            x = cropped(x, random, self.crop)
        return mixed(x, y, random, self.mixup) if self.mixup else (x, y)


def _one_hot(classes: np.ndarray, dtype: Any) -> np.ndarray:
    if classes.ndim != 1 or classes.dtype.kind not in "biu" or classes.min() < 0:
        raise DataError(
            f"mixup mixes targets: y is {classes.dtype} of shape {classes.shape}, but must be "
            "classes from 0 on, one for each image, or floating-point numbers."
        )
    classes = classes.astype(np.int64)
    return np.eye(int(classes.max()) + 1, dtype=dtype)[classes]
