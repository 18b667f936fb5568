"""A training that was interrupted is kept, so that `gradiente train --resume` can go on with it.

An interrupt leaves a checkpoint in the run that is written then. Where there is no time for that,
a folder beside the run has the checkpoint of a minute ago.
"""

import shutil
import signal
import time
from pathlib import Path
from typing import Any

from gradiente.base.errors import RunError
from gradiente.cli.options import TrainOptions, checked_options
from gradiente.cli.run_folder import CONFIG, UNFINISHED
from gradiente.cli.toml import read_toml, write_toml
from gradiente.train.callbacks import Callback
from gradiente.train.checkpoint_folder import checkpoints_in, next_path, prune
from gradiente.train.history import Row
from gradiente.train.signals import SignalWatch

MINUTE = 60.0  # seconds between checkpoints; training for less leaves no folder behind


def kept_beside(run: Path) -> Path:
    """The folder for the checkpoints of a training that has not become a run yet."""
    return run.with_name(f"{run.name}.unfinished")


def find_unfinished(run: Path) -> tuple[TrainOptions, Path]:
    """The options of an interrupted training, and the checkpoint or the folder of some.

    Raises `RunError` where nothing was interrupted.
    """
    for config, checkpoint in (
        (kept_beside(run) / CONFIG, kept_beside(run)),  # the newer one, if there are both
        (run / CONFIG, run / UNFINISHED),
    ):
        if config.is_file() and checkpoint.exists():
            return checked_options(read_toml(config)), checkpoint
    if run.is_dir():
        raise RunError(f"the training of {run} was not interrupted: there is nothing to resume.")
    raise RunError(f"there is no interrupted training {run}.")


class KeepUnfinished(Callback):
    """Writes a checkpoint every minute, and at Ctrl-C and SIGTERM before training ends.

    run: the folder that the run will be in. Raises `RunError` where nothing can be written.
    """

    touches_network = False
    comes_last = True  # it has what the others remember

    def __init__(self, run: Path, options: TrainOptions):
        self._folder = kept_beside(run)
        self._options = options
        self._watch = SignalWatch((signal.SIGINT, signal.SIGTERM))
        self._written_at = 0.0  # on the clock

    def on_fit_begin(self, trainer: Any) -> None:
        self._written_at = time.monotonic()
        self._watch.begin()

    def on_pause(self, trainer: Any, batch: int) -> None:
        asked = self._watch.received is not None
        if asked or time.monotonic() >= self._written_at + MINUTE:
            self._write(trainer)
        if asked:
            raise KeyboardInterrupt

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        if not trainer.is_ending:
            self.on_pause(trainer, 0)

    def on_fit_end(self, trainer: Any) -> None:
        self._watch.end()

    def _write(self, trainer: Any) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            config = write_toml(self._options.to_dict(), "of a training that goes on")
            (self._folder / CONFIG).write_text(config, encoding="utf-8")
            trainer.save(next_path(self._folder))
            prune(self._folder, 2)
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"checkpoints cannot be kept in {self._folder}: {reason}.") from error
        self._written_at = time.monotonic()

    def hand_over(self, run: Path) -> None:
        """Put the last checkpoint into the folder of a run that was interrupted."""
        written = checkpoints_in(self._folder) if self._folder.exists() else []
        if written:
            shutil.copyfile(written[-1], run / UNFINISHED)

    def forget(self) -> None:
        """Remove the folder: there is a run now."""
        shutil.rmtree(self._folder, ignore_errors=True)
