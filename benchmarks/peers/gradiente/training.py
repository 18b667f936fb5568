"""gradiente: `Trainer.fit`, with shuffling, gathering and the history of losses."""

from importlib import import_module

import gradiente as gd
from benchmarks.workloads import Workload
from gradiente import losses, nn, optimizers


class Training:
    """One trainer, whose fits continue each other; backend: as in `gd.Trainer`."""

    note = ""

    def __init__(self, workload: Workload, backend: str | None = None):
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
        self.trainer.fit(self.x, self.y, epochs=epochs, batch_size=self.batch, verbose=False)

    def losses(self, epochs: int) -> list[float]:
        """The last rows of the history."""
        history = self.trainer.fit(
            self.x, self.y, epochs=epochs, batch_size=self.batch, verbose=False, shuffle=False
        )
        return history["loss"][-epochs:]


def network(workload: Workload) -> nn.Module:
    """The module of the kind, with the weights of the workload, whose names are its paths."""
    builder = import_module(f"benchmarks.peers.gradiente.{workload.network.kind}")
    built: nn.Module = builder.Network(workload.network)
    built.initialize(workload.shortened(1).data()[0][:1])
    built.load_state(workload.weights())
    return built
