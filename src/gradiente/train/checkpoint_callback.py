"""Checkpoints while training: the best epoch, and the last few."""

import contextlib
import re
from pathlib import Path
from typing import Any

from gradiente.base.arguments import check_count
from gradiente.base.errors import InvalidArgumentError, RunError
from gradiente.train.callbacks import Callback
from gradiente.train.history import Row
from gradiente.train.monitor import improves, monitored

BEST = "best.checkpoint"
NAMES = re.compile(r"epoch_(\d{6,})\.checkpoint")


class Checkpoint(Callback):
    """Save the trainer after epochs: the best one so far, and the last ones, in a folder.

        trainer.fit(x, y, validation=0.2, callbacks=[Checkpoint("run")])
        trainer = gd.Trainer.load("run/best.checkpoint", network, loss=...)

    The files are `best.checkpoint` and `epoch_000012.checkpoint`; each is written whole or not at
    all, and training continues from any of them bit for bit. Older ones are removed after a newer
    one is there. A fit that continues goes on with the same best.

    folder: created if need be.
    best: whether the best epoch is kept.
    last: how many of the last ones are kept; with 0 none.
    every: how many epochs lie between those; the best is looked for after every epoch.
    monitor: the column that says which is best, by default `validation_loss`, or `loss` without
        validation; greater_is_better: needed only for columns of unknown direction.
    Raises `InvalidArgumentError` for counts that make no sense and if nothing is to be kept,
    `RunError` where nothing can be written.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        best: bool = True,
        last: int = 1,
        every: int = 1,
        monitor: str | None = None,
        greater_is_better: bool | None = None,
    ):
        self.folder = Path(folder)
        self.best = best
        self.last = check_count("last", last)
        self.every = check_count("every", every, at_least=1)
        self.monitor = monitor
        self.greater_is_better = greater_is_better
        self.best_value: float | None = None
        self.best_epoch: int | None = None
        self._kept: list[Path] = []
        if not best and not self.last:
            raise InvalidArgumentError("a Checkpoint with best=False and last=0 keeps nothing.")

    def on_fit_begin(self, trainer: Any) -> None:
        """Find what earlier fits have left in the folder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"the folder {self.folder} cannot be made: {error.strerror}.") from None
        done = trainer.history[-1]["epoch"] if len(trainer.history) else 0
        numbered = {path: NAMES.fullmatch(path.name) for path in self.folder.iterdir()}
        numbers = {path: int(match[1]) for path, match in numbered.items() if match}
        # Files of later epochs belong to a training that this one does not continue.
        self._kept = [p for p in sorted(numbers, key=numbers.__getitem__) if numbers[p] <= done]
        self.best_value = self.best_epoch = None
        if self.best and (self.folder / BEST).exists():
            for row in trainer.history:
                with contextlib.suppress(InvalidArgumentError):  # it had no validation
                    self._is_best(row)

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        if self.best and self._is_best(row):
            trainer.save(self.folder / BEST)
        if self.last and row["epoch"] % self.every == 0:
            path = self.folder / f"epoch_{row['epoch']:06}.checkpoint"
            trainer.save(path)
            self._kept = [kept for kept in self._kept if kept != path] + [path]
            while len(self._kept) > self.last:
                self._kept.pop(0).unlink(missing_ok=True)

    def _is_best(self, row: Row) -> bool:
        column, value = monitored("Checkpoint", row, self.monitor)
        if not improves(value, self.best_value, column, self.greater_is_better):
            return False
        self.best_value, self.best_epoch = value, row["epoch"]
        return True

    def __repr__(self) -> str:
        return f"Checkpoint({str(self.folder)!r})"
