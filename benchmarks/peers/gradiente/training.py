"""gradiente: `Trainer.fit`, with shuffling, gathering and the history of losses."""

from importlib import import_module
from typing import Any

import gradiente as gd
from benchmarks.workloads import Workload
from gradiente import losses, nn, optimizers


class Training:
    """One trainer, whose fits continue each other; backend, flow: as in `gd.Trainer`, `fit`."""

    note = ""

    def __init__(self, workload: Workload, backend: str | None = None, flow: bool = True):
        self.flow = flow
        self.x, self.y = workload.data()
        self.batch = workload.batch
        self.trainer = gd.Trainer(
            network(workload),
            loss=losses.mse if workload.regression else losses.cross_entropy,
            optimizer=getattr(optimizers, workload.optimizer)(workload.learning_rate),
            seed=workload.seed,
            backend=backend,
        )

    def train(self, epochs: int) -> None:
        """One fit, as a user would write it."""
        self._fit(epochs)

    def losses(self, epochs: int) -> list[float]:
        """The last rows of the history."""
        return self._fit(epochs, shuffle=False)["loss"][-epochs:]

    def _fit(self, epochs: int, **options: Any) -> gd.History:
        options |= {"batch_size": self.batch, "verbose": False, "flow": self.flow}
        return self.trainer.fit(self.x, self.y, epochs=epochs, **options)


def network(workload: Workload) -> nn.Module:
    """The module of the kind, with the weights of the workload, whose names are its paths."""
    builder = import_module(f"benchmarks.peers.gradiente.{workload.network.kind}")
    built: nn.Module = builder.Network(workload.network)
    built.initialize(workload.shortened(1).data()[0][:1])
    built.load_state(workload.weights())
    return built
