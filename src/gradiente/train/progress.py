"""What is shown while training: how far it is, how fast, how long it will take, how good it gets.

This file keeps the numbers and words them; `progress_display.py` puts them on the screen.
"""

import contextlib
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from gradiente.train.history_table import format_number
from gradiente.train.progress_display import Display, Picture, QuietDisplay, choose_display

Row = dict[str, Any]

EPOCH_LINES = 20  # epochs that leave a line behind, whatever their number
NO_MEASURES = ("epoch", "seconds", "learning_rate")


@dataclass(frozen=True)
class Best:
    """The lowest loss so far."""

    column: str
    value: float
    epoch: int

    def __str__(self) -> str:
        return f"best {self.column} {format_number(self.value)} (epoch {self.epoch})"


class Progress:
    """A progress bar for a whole fit, as a context manager.

        with Progress() as progress:
            for epoch in range(1, epochs + 1):
                progress.begin_epoch(epoch, epochs, batches)
                for batch in range(batches):
                    ...
                    progress.advance(1, loss, samples=batch_size)
                progress.end_epoch(row)

    verbose: `None` draws in a terminal or notebook and is quiet elsewhere; `False` is always
    quiet; `True` prints plain lines where there is no terminal, for a log file.

    It writes to standard error and is drawn at most 20 times a second, however often it is told
    of batches. At most about 20 epochs leave a line behind; a star marks the best so far. It
    leaves the terminal as it found it, whether the block ends, raises or is interrupted. A screen
    that fails turns it quiet: it never stops the training.
    """

    def __init__(self, verbose: bool | None = None, *, display: Display | None = None) -> None:
        self._display = display or choose_display(sys.stderr, verbose)
        self._next_drawing = 0.0
        self._epoch = self._epochs = self._first_epoch = 0
        self._batch = self._batches = 0
        self._samples = 0
        self._samples_per_second: float | None = None
        self._loss: Any = None
        self._row: Row = {}
        self._row_epoch = self._printed_epoch = 0
        self._best: Best | None = None
        self._started = self._rate_from = self._advanced = time.monotonic()
        self._measured_from: tuple[float, float] | None = None

    def __enter__(self) -> "Progress":
        self._started = time.monotonic()
        self._safely(self._display.start)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._row and self._printed_epoch != self._row_epoch:
            self._print_epoch()
        if self._best is not None and self._best.epoch != self._row_epoch:
            self.message(f"{self._best}")
        self._safely(self._display.stop)

    def begin_epoch(self, epoch: int, epochs: int, batches: int) -> None:
        """Epoch `epoch` of 1 ... `epochs` starts and has `batches` batches, 0 if it is unknown."""
        if not self._first_epoch:
            self._first_epoch = epoch
        self._epoch, self._epochs = epoch, epochs
        self._batch, self._batches = 0, batches
        self._samples = 0
        self._loss = None
        self._rate_from = time.monotonic()
        self._draw_if_due(self._rate_from)

    def advance(self, batches: int, loss: Any = None, *, samples: int = 0) -> None:
        """`batches` more batches of together `samples` samples are done; `loss` is the latest.

        Cheap enough for every batch: between drawings it only counts.
        """
        self._batch += batches
        self._samples += samples
        self._loss = loss
        self._advanced = time.monotonic()
        if (
            self._measured_from is None
        ):  # the first batch compiled the step: it says nothing about the rate
            self._samples, self._rate_from = 0, self._advanced
            self._measured_from = (self._advanced, self._done())
        self._draw_if_due(self._advanced)

    def end_epoch(self, row: Row) -> None:
        """The epoch is over; `row` is its row of the history."""
        self._row, self._row_epoch = row, self._epoch
        self._batch = self._batches or self._batch
        self._measure_rate(shortest=0.0)
        column = "validation_loss" if "validation_loss" in row else "loss"
        value = row.get(column)
        if value is not None and math.isfinite(value):
            best = self._best
            if best is None or best.column != column or value < best.value:
                self._best = Best(column, value, self._epoch)
        every = max(1, math.ceil(self._epochs / EPOCH_LINES))
        if self._epoch % every == 0 or not self._printed_epoch:
            self._print_epoch()
        self._draw_if_due(time.monotonic())

    def _print_epoch(self) -> None:
        star = "  *" if self._best is not None and self._best.epoch == self._row_epoch else ""
        self._printed_epoch = self._row_epoch
        self.message(f"epoch {self._of_all(self._row_epoch)}  {_measures(self._row)}{star}")

    def message(self, text: str) -> None:
        """Print a line above the bar."""
        self._safely(lambda: self._display.line(text))

    def _safely(self, action: Callable[[], None]) -> None:
        """Do something on the screen; if the screen fails, be quiet from now on."""
        try:
            action()
        except (OSError, ValueError):
            failed, self._display = self._display, QuietDisplay()
            self._next_drawing = math.inf
            with contextlib.suppress(OSError, ValueError):
                failed.stop()

    def _draw_if_due(self, now: float) -> None:
        if now < self._next_drawing:
            return
        if not self._display.redraws_per_second:
            self._next_drawing = math.inf
            return
        self._next_drawing = now + 1 / self._display.redraws_per_second
        self._measure_rate(shortest=0.5)
        picture = self._picture(now)
        self._safely(lambda: self._display.draw(picture))

    def _picture(self, now: float) -> Picture:
        done = self._done()
        of_all = f"/{self._batches}" if self._batches else ""
        words = [f"epoch {self._of_all(self._epoch)}", f"batch {self._batch}{of_all}"]
        if self._samples_per_second is not None:
            words.append(f"{_thousands(self._samples_per_second)} samples/s")
        words += [f"{clock(now - self._started)} elapsed", *self._remaining(now, done)]
        measures = []
        if self._loss is not None:
            measures.append(f"loss {format_number(float(self._loss))}")
        if self._best is not None:
            measures.append(str(self._best))
        if self._row:
            measures.append(f"last epoch: {_measures(self._row)}")
        return Picture(
            fraction=done / self._epochs if self._epochs else 0.0,
            status="  ".join(words),
            measures="  ".join(measures),
        )

    def _done(self) -> float:
        """Epochs done, with fractions."""
        if not self._batches:  # nobody knows how many there will be
            return self._epoch - 1
        return self._epoch - 1 + min(self._batch / self._batches, 1.0)

    def _of_all(self, epoch: int) -> str:
        return f"{epoch:>{len(str(self._epochs))}}/{self._epochs}"

    def _measure_rate(self, shortest: float) -> None:
        """Samples per second of training in this epoch, once `shortest` seconds were measured."""
        seconds = self._advanced - self._rate_from
        if self._samples and seconds > shortest:
            self._samples_per_second = self._samples / seconds

    def _remaining(self, now: float, done: float) -> list[str]:
        """Extrapolated from the end of the first batch, so that compiling does not count."""
        since, before = self._measured_from or (now, done)
        if done <= before:
            return []
        return [f"{clock((now - since) * (self._epochs - done) / (done - before))} left"]


def _measures(row: Row) -> str:
    return "  ".join(
        f"{name} {format_number(value)}"
        for name, value in row.items()
        if name not in NO_MEASURES and isinstance(value, int | float)
    )


def _thousands(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def clock(seconds: float) -> str:
    """A duration as 0:07, 12:34 or 3:25:45."""
    whole = max(0, round(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
