"""Saving while a network trains: the best epoch and the last checkpoints, whatever interrupts."""

import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import InvalidArgumentError, RunError
from gradiente.train.callbacks import Callback
from gradiente.train.checkpoint_folder import BEST, checkpoints_in, made, next_path, prune
from gradiente.train.history import Row
from gradiente.train.loop import INTERRUPTED
from gradiente.train.monitor import improves, monitored
from gradiente.train.signals import SignalWatch


class Checkpoint(Callback):
    """Keeps the best and the last checkpoints of a training in a folder.

        trainer.fit(x, y, epochs=50, callbacks=[Checkpoint("run")])
        trainer = gd.load("run")  # after an interruption
        trainer.fit(x, y, epochs=50 - len(trainer.history), callbacks=[Checkpoint("run")])
        best = gd.load("run/best.gradiente")

    Each file is written whole or not at all, and training continues from any of them bit for bit,
    with what the other callbacks remember. Of a folder the newest intact one is loaded.

    folder: made if it is not there; its files are `checkpoint-000001.gradiente`, ... and
        `best.gradiente`.
    best: whether the best epoch is kept as well; it is looked for after every epoch.
    last: how many are kept besides; an older one is deleted after a new one is on the disk.
    every_epochs: one is written after so many epochs, and at the end unless that was an error or
        Ctrl-C, after which the last one shows where training was.
    every_minutes, every_steps: one is written when so much time has passed, or after so many
        batches, in the middle of an epoch: at the next moment at which training comes back to
        Python, some hundredths of a second later at most. `None` for never.
    monitor: the column that says which is best, by default `validation_loss`, or `loss` without
        validation; greater_is_better: needed only for columns of unknown direction.
    signals: at one of these a checkpoint is written after the batch, and `SystemExit` is raised
        with the status 128 + the signal's number. They are watched during a fit in the main thread.

    `RunError` is raised where one cannot be written: training never goes on as if it were there.
    Raises `InvalidArgumentError` for numbers that make no sense, and a column that is not there.
    """

    touches_network = False
    comes_last = True  # a checkpoint has what all other callbacks remember of the epoch

    def __init__(
        self,
        folder: str | Path,
        *,
        best: bool = True,
        last: int = 3,
        every_epochs: int = 1,
        every_minutes: float | None = 10.0,
        every_steps: int | None = None,
        monitor: str | None = None,
        greater_is_better: bool | None = None,
        signals: Sequence[int] = (signal.SIGTERM,),
    ):
        self.folder = Path(folder)
        self.best = best
        self.last = check_count("last", last, at_least=1)
        self.every_epochs = check_count("every_epochs", every_epochs, at_least=1)
        self.every_minutes, self.every_steps = every_minutes, every_steps
        if every_minutes is not None:
            self.every_minutes = check_number("every_minutes", every_minutes, above=0)
        if every_steps is not None:
            self.every_steps = check_count("every_steps", every_steps, at_least=1)
        self.monitor = monitor
        self.greater_is_better = greater_is_better
        self.best_value: float | None = None
        self.best_epoch: int | None = None
        self._watch = SignalWatch(signals)
        self._written_at = 0.0  # on the clock
        self._written_step = 0  # of the epoch
        self._error: BaseException | None = None  # what was being handled when the fit began

    def save(self, trainer: Any) -> Path:
        """Write a checkpoint now; returns where. Raises `RunError` if that fails."""
        with self._explained():
            path = next_path(self.folder)
            trainer.save(path)
            prune(self.folder, self.last)
        self._written_at = time.monotonic()
        return path

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"checkpoints cannot be kept in {self.folder}: {reason}.") from error

    def on_fit_begin(self, trainer: Any) -> None:
        """Find what is best so far, if earlier fits have left it in the folder."""
        with self._explained():
            checkpoints_in(made(self.folder))  # fails now if at all, not after an epoch
            known = (self.folder / BEST).exists()
        self.best_value = self.best_epoch = None
        for row in trainer.history if self.best and known else ():
            with contextlib.suppress(InvalidArgumentError):  # it had no validation
                self._is_best(row)
        self._written_at, self._error = time.monotonic(), sys.exc_info()[1]
        self._watch.begin()

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        self._written_step = 0 if trainer.position is None else trainer.position.batches

    def on_pause(self, trainer: Any, batch: int) -> None:
        if self._watch.received is not None or self._is_due(batch):
            self.save(trainer)
            self._written_step = batch
        self._exit_if_asked(trainer)

    def _is_due(self, batch: int) -> bool:
        minutes, steps = self.every_minutes, self.every_steps
        late = minutes is not None and time.monotonic() >= self._written_at + 60 * minutes
        return late or (steps is not None and batch - self._written_step >= steps)

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        if self.best and self._is_best(row):
            trainer.save(self.folder / BEST)
        if trainer.is_ending:
            return  # one is written when the other callbacks have ended too
        if self._watch.received is not None or row["epoch"] % self.every_epochs == 0:
            self.save(trainer)
        self._exit_if_asked(trainer)

    def _is_best(self, row: Row) -> bool:
        column, value = monitored("Checkpoint", row, self.monitor)
        if not improves(value, self.best_value, column, self.greater_is_better):
            return False
        self.best_value, self.best_epoch = value, row["epoch"]
        return True

    def on_fit_end(self, trainer: Any) -> None:
        self._watch.end()
        failed = sys.exc_info()[1] is not self._error
        if not failed and trainer.history.stopped != INTERRUPTED:
            self.save(trainer)
        self._exit_if_asked(trainer)

    def _exit_if_asked(self, trainer: Any) -> None:
        if self._watch.received is not None:
            trainer.stop(f"{self._watch.name} was received")
            self._watch.exit()

    def __repr__(self) -> str:
        return f"Checkpoint({str(self.folder)!r}, last={self.last})"
