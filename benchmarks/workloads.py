"""What is trained: a network, its batches, its data and the weights it starts from."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from benchmarks.networks.convolutional import Convolutional
from benchmarks.networks.kinds import from_record
from benchmarks.networks.network import Network, Weights
from benchmarks.networks.perceptron import Perceptron
from benchmarks.networks.recurrent import Recurrent
from benchmarks.networks.residual import Residual
from benchmarks.networks.transformer import Transformer


@dataclass(frozen=True)
class Workload:
    """A network and how it is trained: the loss is the cross entropy, or the squared error.

    batches: how many an epoch has. optimizer: Adam or AdamW, with the defaults of PyTorch but for
    the learning rate; AdamW has a weight decay of 0.01, of all parameters.
    """

    name: str
    network: Network
    batch: int
    batches: int
    optimizer: str = "Adam"
    dtype: str = "float32"
    learning_rate: float = 1e-3
    seed: int = 0

    @property
    def regression(self) -> bool:
        """True if the targets are numbers, not classes."""
        return self.network.regression

    @property
    def rows(self) -> int:
        """How many samples an epoch has."""
        return self.batch * self.batches

    @property
    def title(self) -> str:
        """The workload in words."""
        words = (
            self.network.title,
            f"batch {self.batch}",
            self.dtype,
            self.optimizer,
            *([f"seed {self.seed}"] if self.seed else []),
        )
        return f"{self.name}: {', '.join(words)}"

    @property
    def flops(self) -> int:
        """Floating-point operations of the products of one step.

        Three products a layer, the output, the gradient of the weight and that of the input; the
        input of the network needs none.
        """
        products = self.network.products
        return 2 * self.batch * (3 * sum(products) - products[0])

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of an epoch; whole numbers are tokens and classes, of type int32."""
        x, y = self.network.data(np.random.default_rng([self.seed, 0]), self.rows)
        return self._typed(x), self._typed(y)

    def weights(self) -> Weights:
        """What every library starts from, by name."""
        found = self.network.weights(np.random.default_rng([self.seed, 1]))
        return {name: self._typed(weight) for name, weight in found.items()}

    def _typed(self, array: np.ndarray) -> np.ndarray:
        return array.astype(self.dtype) if array.dtype.kind == "f" else array

    def record(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Workload":
        """The workload of a record, which may come from JSON."""
        return cls(**{**record, "network": from_record(record["network"])})

    def shortened(self, batches: int) -> "Workload":
        """The same with at most that many batches in an epoch."""
        return replace(self, batches=min(self.batches, batches))


def perceptron(name: str, *layers: int, batch: int, batches: int, **more: Any) -> Workload:
    """A multilayer perceptron."""
    return Workload(name, Perceptron(layers), batch, batches, **more)


MAIN = (
    perceptron("W1", 30, 64, 64, 2, batch=32, batches=1000),
    perceptron("W2", 784, 256, 128, 10, batch=128, batches=100),
    perceptron("W3", 1024, 4096, 4096, 1000, batch=256, batches=8),
)

# An epoch of the slowest library takes about a second.
NETWORKS = (
    Workload("W4", Convolutional((28, 28, 1), (32, 64), 128, 10), 64, 16, "AdamW"),
    Workload("W5", Residual((32, 32, 3), (16, 32, 64), 3, 10), 64, 4, "AdamW"),
    Workload("W6", Transformer(65, 64, 128, heads=4, layers=4), 12, 16, "AdamW"),
    Workload("W7", Recurrent(64, 128, 64, 10), 32, 48, "AdamW"),
)

# Sizes that are no multiple of a vector, tiny and large batches, depth, one output, float64.
SHAPES = (
    perceptron("ragged", 17, 100, 1000, 3, batch=48, batches=200),
    perceptron("batch1", 30, 64, 64, 2, batch=1, batches=4000),
    perceptron("batch7", 17, 100, 100, 10, batch=7, batches=2000),
    perceptron("batch4096", 100, 256, 256, 10, batch=4096, batches=20),
    perceptron("deep", 64, *[64] * 9, 10, batch=64, batches=500),
    perceptron("output1", 17, 100, 100, 1, batch=32, batches=500),
    perceptron("double", 784, 256, 128, 10, batch=128, batches=50, dtype="float64"),
)

WORKLOADS = {workload.name: workload for workload in (*MAIN, *NETWORKS, *SHAPES)}
GROUPS = {
    "main": MAIN,
    "networks": NETWORKS,
    "shapes": SHAPES,
    "all": (*MAIN, *NETWORKS, *SHAPES),
}
