"""gradiente: `Trainer.fit`, with shuffling, gathering and the history of losses."""

import gradiente as gd
from benchmarks.workloads import Workload
from gradiente import losses, nn, optimizers


class Training:
    """One trainer, whose fits continue each other; backend: as in `gd.Trainer`."""

    note = ""

    def __init__(self, workload: Workload, backend: str | None = None):
        self.x, self.y = workload.data()
        self.batch = workload.batch
        layers = [layer for units in workload.layers[1:] for layer in (nn.Dense(units), nn.relu)]
        network = nn.Sequential(*layers[:-1])
        network.initialize(self.x[:1])
        start = [array for layer in workload.weights() for array in layer]
        network.load_state(dict(zip(network.parameters(), start, strict=True)))
        self.trainer = gd.Trainer(
            network,
            loss=losses.mse if workload.regression else losses.cross_entropy,
            optimizer=optimizers.Adam(workload.learning_rate),
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
