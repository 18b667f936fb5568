"""A residual network for small images."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from benchmarks.networks.drawing import classes, normal, scaled
from benchmarks.networks.network import Weights


@dataclass(frozen=True)
class Block:
    """relu(norm(conv(relu(norm(conv x)))) + shortcut(x)), the convolutions 3×3 without bias.

    stride: of the first convolution. The shortcut is x itself, or where the shape changes a
    normalized convolution 1×1 of the same stride.
    """

    inputs: int
    outputs: int
    stride: int

    @property
    def projected(self) -> bool:
        """True if the shortcut is a convolution."""
        return self.stride > 1 or self.inputs != self.outputs

    @property
    def kernels(self) -> dict[str, tuple[int, int, int, int]]:
        """The shapes of the weights of its convolutions."""
        found = {
            "first": (3, 3, self.inputs, self.outputs),
            "second": (3, 3, self.outputs, self.outputs),
        }
        return found | ({"shortcut": (1, 1, self.inputs, self.outputs)} if self.projected else {})


@dataclass(frozen=True)
class Residual:
    """A convolution, stages of residual blocks with batch normalization, the mean, a dense layer.

    image: (height, width, channels). channels: of each stage; from the second on a stage halves
    the image. blocks: how many a stage has.
    He et al., "Deep residual learning for image recognition", CVPR 2016, section 4.2; with
    shortcuts by projection.
    """

    image: tuple[int, int, int]
    channels: tuple[int, ...]
    blocks: int
    classes: int
    kind: str = field(default="residual", init=False)
    regression: bool = field(default=False, init=False)

    @property
    def title(self) -> str:
        """Depth, image and channels."""
        depth = 2 * self.blocks * len(self.channels) + 2
        image, channels = "×".join(map(str, self.image)), "-".join(map(str, self.channels))
        return f"ResNet-{depth} {image}, channels {channels}"

    @property
    def plan(self) -> list[Block]:
        """All blocks in order."""
        found, inputs = [], self.channels[0]
        for stage, outputs in enumerate(self.channels):
            for place in range(self.blocks):
                found.append(Block(inputs, outputs, 2 if stage and not place else 1))
                inputs = outputs
        return found

    @property
    def products(self) -> list[int]:
        """One a convolution, and the dense layer."""
        height, width, channels = self.image
        found = [height * width * 9 * channels * self.channels[0]]
        for block in self.plan:
            height, width = -(-height // block.stride), -(-width // block.stride)
            found += [height * width * math.prod(kernel) for kernel in block.kernels.values()]
        return [*found, self.channels[-1] * self.classes]

    def data(self, random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Images (rows, height, width, channels) and their classes (rows,)."""
        x = normal(random, (rows, *self.image))
        return x, classes(random, x, self.classes)

    def weights(self, random: np.random.Generator) -> Weights:
        """He normal; normalization starts with scales of one and means of zero."""
        found: Weights = {}
        for name, shape in self._convolutions():
            found[f"{name}.weight"] = scaled(random, shape)
            outputs = shape[-1]
            for statistic, start in (
                ("weight", np.ones),
                ("bias", np.zeros),
                ("running_mean", np.zeros),
                ("running_variance", np.ones),
            ):
                found[f"{name}_norm.{statistic}"] = start(outputs, np.float32)
        found["head.weight"] = scaled(random, (self.channels[-1], self.classes), gain=1.0)
        found["head.bias"] = np.zeros(self.classes, np.float32)
        return found

    def _convolutions(self) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
        yield "stem", (3, 3, self.image[2], self.channels[0])
        for place, block in enumerate(self.plan):
            for name, shape in block.kernels.items():
                yield f"blocks.{place}.{name}", shape
