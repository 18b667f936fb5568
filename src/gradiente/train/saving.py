"""Saving while a network trains: every so many epochs or seconds, and when the machine is needed.

Slurm and Kubernetes send SIGTERM before they take the machine away.
"""

import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import InvalidArgumentError, RunError
from gradiente.train.callbacks import Callback
from gradiente.train.checkpoint_folder import next_path, prune
from gradiente.train.history import Row
from gradiente.train.loop import INTERRUPTED

EXIT_BY_SIGNAL = 128  # what shells add to the number of a signal in the exit status


class Safeguard(Callback):
    """Keeps the last checkpoints of a training in a folder, so that nothing can interrupt it.

        trainer.fit(x, y, epochs=50, callbacks=[Safeguard("run")])
        trainer = gd.load("run")  # after an interruption
        trainer.fit(x, y, epochs=50 - len(trainer.history), callbacks=[Safeguard("run")])

    folder: made if it is not there; its files are `checkpoint-000001.gradiente`, ...
    keep: how many are kept; an older one is deleted after a new one is safely on the disk.
    every_epochs: one is written after so many epochs, and at the end unless that was an error or
        Ctrl-C, after which the last one shows where training was.
    every_seconds: one is written when so much time has passed, in the middle of an epoch.
    signals: at one of these a checkpoint is written after the batch, and `SystemExit` is raised
        with the status 128 + the signal's number. They are watched during a fit in the main thread.

    `RunError` is raised where one cannot be written: training never goes on as if it were there.
    """

    def __init__(
        self,
        folder: str | Path,
        keep: int = 3,
        every_epochs: int = 1,
        every_seconds: float = 600.0,
        signals: Sequence[int] = (signal.SIGTERM,),
    ):
        self.folder = Path(folder)
        self.keep = check_count("keep", keep, at_least=1)
        self.every_epochs = check_count("every_epochs", every_epochs, at_least=1)
        self.every_seconds = check_number("every_seconds", every_seconds, above=0)
        self.signals = _checked_signals(signals)
        self._due = 0.0
        self._received: int | None = None
        self._former: dict[int, Any] = {}
        self._last: Any = None  # the state that was saved last
        self._error: BaseException | None = None  # what was being handled when the fit began

    def save(self, trainer: Any) -> Path:
        """Write a checkpoint now; returns where. Raises `RunError` if that fails."""
        try:
            path = next_path(self.folder)
            trainer.save(path)
            prune(self.folder, self.keep)
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"checkpoints cannot be kept in {self.folder}: {reason}.") from error
        self._due, self._last = time.monotonic() + self.every_seconds, trainer.state
        return path

    def on_fit_begin(self, trainer: Any) -> None:
        self._due = time.monotonic() + self.every_seconds
        self._received, self._last, self._error = None, None, sys.exc_info()[1]
        if threading.current_thread() is threading.main_thread():
            for number in self.signals:
                self._former[number] = signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._received = number

    def on_pause(self, trainer: Any, batch: int) -> None:
        if self._received is not None or time.monotonic() >= self._due:
            self.save(trainer)
        self._exit_if_asked(trainer)

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        if self._received is not None or row["epoch"] % self.every_epochs == 0:
            self.save(trainer)
        self._exit_if_asked(trainer)

    def on_fit_end(self, trainer: Any) -> None:
        while self._former:
            number, handler = self._former.popitem()
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        failed = sys.exc_info()[1] is not self._error
        interrupted = trainer.history.stopped == INTERRUPTED
        if not failed and not interrupted and trainer.state is not self._last:
            self.save(trainer)
        self._exit_if_asked(trainer)

    def _exit_if_asked(self, trainer: Any) -> None:
        if self._received is not None:
            number, self._received = self._received, None
            trainer.stop(f"{signal.Signals(number).name} was received")
            raise SystemExit(EXIT_BY_SIGNAL + number)

    def __repr__(self) -> str:
        return f"Safeguard({str(self.folder)!r}, keep={self.keep})"


def _checked_signals(given: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(signal.Signals(number) for number in given)
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            f"`signals` is {given!r}: it must be a list of signals such as signal.SIGTERM."
        ) from None
