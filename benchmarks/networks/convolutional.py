"""A convolutional network for images."""

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from benchmarks.networks.drawing import classes, normal, scaled
from benchmarks.networks.network import Weights


@dataclass(frozen=True)
class Convolutional:
    """Convolutions 3×3 that keep the size, each rectified and pooled 2×2; then two dense layers.

    image: (height, width, channels). filters: of each convolution; every one halves the image.
    dense: how wide the hidden dense layer is.
    """

    image: tuple[int, int, int]
    filters: tuple[int, ...]
    dense: int
    classes: int
    kind: str = field(default="convolutional", init=False)
    regression: bool = field(default=False, init=False)

    @property
    def title(self) -> str:
        """Image, filters and dense layers."""
        image, filters = "×".join(map(str, self.image)), "-".join(map(str, self.filters))
        return f"CNN {image}, convolutions {filters}, dense {self.dense}-{self.classes}"

    @property
    def kernels(self) -> list[tuple[int, int, int, int]]:
        """The shape of the weight of every convolution."""
        channels = (self.image[2], *self.filters)
        return [(3, 3, *pair) for pair in pairwise(channels)]

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shape of the weight of every dense layer."""
        height, width, _ = self.image
        halvings = 2 ** len(self.filters)
        flat = (height // halvings) * (width // halvings) * self.filters[-1]
        return [(flat, self.dense), (self.dense, self.classes)]

    @property
    def products(self) -> list[int]:
        """One a layer."""
        height, width, _ = self.image
        places = [(height >> n) * (width >> n) for n in range(len(self.filters))]
        images = [n * math.prod(kernel) for n, kernel in zip(places, self.kernels, strict=True)]
        return images + [math.prod(shape) for shape in self.shapes]

    def data(self, random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Images (rows, height, width, channels) and their classes (rows,)."""
        x = normal(random, (rows, *self.image))
        return x, classes(random, x, self.classes)

    def weights(self, random: np.random.Generator) -> Weights:
        """He normal; biases at zero."""
        found = {}
        for name, shapes in (("convolutions", self.kernels), ("dense", self.shapes)):
            for place, shape in enumerate(shapes):
                found[f"{name}.{place}.weight"] = scaled(random, shape)
                found[f"{name}.{place}.bias"] = np.zeros(shape[-1], np.float32)
        return found
