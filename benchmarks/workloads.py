"""What is trained: the sizes of a network, its batches, its data and the weights it starts from."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

NOISE = 0.5  # of the targets, so that there is something to learn at any time


@dataclass(frozen=True)
class Workload:
    """A multilayer perceptron with rectified linear units, trained by Adam.

    layers: the lengths of the input, of the hidden layers and of the output. With one output the
    loss is the squared error, with more the softmax cross entropy of as many classes.
    batches: how many an epoch has.
    """

    name: str
    layers: tuple[int, ...]
    batch: int
    batches: int
    dtype: str = "float32"
    learning_rate: float = 1e-3
    seed: int = 0

    @property
    def regression(self) -> bool:
        """True if the targets are numbers, not classes."""
        return self.layers[-1] == 1

    @property
    def rows(self) -> int:
        """How many samples an epoch has."""
        return self.batch * self.batches

    @property
    def title(self) -> str:
        """The workload in words."""
        sizes = "-".join(map(str, self.layers))
        seed = f", seed {self.seed}" if self.seed else ""
        return f"{self.name}: MLP {sizes}, batch {self.batch}, {self.dtype}, Adam{seed}"

    @property
    def flops(self) -> int:
        """Floating-point operations of the matrix products of one step.

        Three products a layer, the output, the gradient of the weight and that of the input; the
        input of the network needs none.
        """
        products = [inputs * outputs for inputs, outputs in self.shapes]
        return 2 * self.batch * (3 * sum(products) - products[0])

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shape of every weight, (inputs, outputs)."""
        return list(zip(self.layers[:-1], self.layers[1:], strict=True))

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs x (rows, inputs) and targets: classes (rows,), or numbers (rows, 1)."""
        random = np.random.default_rng([self.seed, 0])
        x = random.standard_normal((self.rows, self.layers[0]), np.float32).astype(self.dtype)
        teacher = random.standard_normal((self.layers[0], self.layers[-1]), np.float32)
        scores = x @ (teacher / math.sqrt(self.layers[0])).astype(self.dtype)
        scores += NOISE * random.standard_normal(scores.shape, np.float32)
        return x, scores if self.regression else scores.argmax(axis=1).astype(np.int32)

    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The weight (inputs, outputs) and the bias (outputs,) that every layer starts from."""
        random = np.random.default_rng([self.seed, 1])
        return [
            (
                (random.standard_normal(shape, np.float32) * math.sqrt(2 / shape[0])).astype(
                    self.dtype
                ),
                np.zeros(shape[1], self.dtype),
            )
            for shape in self.shapes
        ]

    def record(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Workload":
        """The workload of a record, which may come from JSON."""
        return cls(**{**record, "layers": tuple(record["layers"])})

    def shortened(self, batches: int) -> "Workload":
        """The same with at most that many batches in an epoch."""
        return replace(self, batches=min(self.batches, batches))


MAIN = (
    Workload("W1", (30, 64, 64, 2), batch=32, batches=1000),
    Workload("W2", (784, 256, 128, 10), batch=128, batches=100),
    Workload("W3", (1024, 4096, 4096, 1000), batch=256, batches=8),
)

# Sizes that are no multiple of a vector, tiny and large batches, depth, one output, float64.
SHAPES = (
    Workload("ragged", (17, 100, 1000, 3), batch=48, batches=200),
    Workload("batch1", (30, 64, 64, 2), batch=1, batches=4000),
    Workload("batch7", (17, 100, 100, 10), batch=7, batches=2000),
    Workload("batch4096", (100, 256, 256, 10), batch=4096, batches=20),
    Workload("deep", (64, *[64] * 9, 10), batch=64, batches=500),
    Workload("output1", (17, 100, 100, 1), batch=32, batches=500),
    Workload("double", (784, 256, 128, 10), batch=128, batches=50, dtype="float64"),
)

WORKLOADS = {workload.name: workload for workload in (*MAIN, *SHAPES)}
GROUPS = {"main": MAIN, "shapes": SHAPES}
