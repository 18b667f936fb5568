"""What every library is asked to do."""

from typing import Protocol


class Training(Protocol):
    """A network in training: made with a Workload and the options of its library.

    note: what a reader of the figures must know; usually empty.
    """

    note: str

    def train(self, epochs: int) -> None:
        """Train for a number of epochs more; return when the last step is complete."""

    def losses(self, epochs: int) -> list[float]:
        """Train so, with the batches in the order of the data; the mean loss of each epoch."""


class Unsuitable(Exception):
    """A library cannot do this workload, or not in a way that can be compared; says why."""
