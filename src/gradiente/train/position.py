"""The place in the data where a training stands in the middle of an epoch."""

from dataclasses import asdict, dataclass

from gradiente.base.errors import DataError


@dataclass(frozen=True)
class Position:
    """How far an epoch is, and what it goes through: the order of its samples follows from that.

    epoch: its number, from 1; batches: how many of it are done; batch_size, samples, shuffle: as
    given to fit; learning_rate: at the beginning of the epoch; stopping: why it shall be the last.
    """

    epoch: int
    batches: int
    batch_size: int
    samples: int
    shuffle: bool
    learning_rate: float | None = None
    stopping: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no training can have: it may come from any file."""
        counts = (self.epoch, self.batches, self.batch_size, self.samples)
        if any(type(count) is not int or count < 1 for count in counts):
            raise ValueError("these are not the numbers of a position")
        if type(self.shuffle) is not bool or self.batches > -(-self.samples // self.batch_size):
            raise ValueError("this is no position in an epoch")
        if not isinstance(self.learning_rate, float | None):
            raise ValueError("the learning rate is no number")
        if not isinstance(self.stopping, str | None):
            raise ValueError("the reason to stop is no text")

    def check(self, batch_size: int, samples: int, shuffle: bool) -> None:
        """Raise `DataError` if a fit goes through other batches than the epoch that is open."""
        asked = {"batch_size": batch_size, "samples": samples, "shuffle": shuffle}
        known = asdict(self)
        for name, value in asked.items():
            if value != known[name]:
                raise DataError(
                    f"this training stands after batch {self.batches} of epoch {self.epoch}, with "
                    f"{name.replace('_', ' ')} {known[name]}, not {value}: continue with the same "
                    "data and arguments, or set `trainer.position = None` to begin a new epoch."
                )
