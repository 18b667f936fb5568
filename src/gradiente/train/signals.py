"""Signals that ask a program to end, noted so that it can end where nothing is lost.

Slurm and Kubernetes send SIGTERM before they take the machine away.
"""

import signal
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

from gradiente.base.errors import InvalidArgumentError

EXIT_BY_SIGNAL = 128  # what shells add to the number of a signal in the exit status


class SignalWatch:
    """Notes the signals that come between `begin` and `end`, in the main thread.

    received: the number of the one that came last, if one has.
    Raises `InvalidArgumentError` for what is no list of signals.
    """

    def __init__(self, signals: Sequence[int]):
        self.signals = _checked(signals)
        self.received: int | None = None
        self._former: dict[int, Any] = {}

    def begin(self) -> None:
        """Note them from here on; other threads cannot, and note nothing."""
        self.received = None
        if threading.current_thread() is threading.main_thread():
            for number in self.signals:
                self._former[number] = signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number

    def end(self) -> None:
        """Let them do what they did before."""
        while self._former:
            number, handler = self._former.popitem()
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    @property
    def name(self) -> str:
        """The name of the signal that was received; raises `ValueError` if there is none."""
        return signal.Signals(self.received or 0).name

    def exit(self) -> None:
        """Raise `SystemExit` with the status of a process that ended by the signal received."""
        raise SystemExit(EXIT_BY_SIGNAL + (self.received or 0))


def _checked(given: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(signal.Signals(number) for number in given)
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            f"`signals` is {given!r}: it must be a list of signals such as signal.SIGTERM."
        ) from None
