"""How many steps run at a time before Python looks: for progress, callbacks and Ctrl-C."""

import time
from types import TracebackType

SECONDS = 0.05  # between looks: short enough for Ctrl-C, long enough to cost nothing


class Pace:
    """The number of steps that take about `SECONDS`, as measured on the steps so far.

        with pace:
            ... pace.steps steps ...
        pace.count(steps)

    one_by_one: always a single step, because somebody wants to see each.
    """

    def __init__(self, one_by_one: bool = False) -> None:
        self.one_by_one = one_by_one
        self.steps = 1
        self._began = self._seconds = 0.0
        self._rounds = 0

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._seconds = time.perf_counter() - self._began

    def count(self, steps: int) -> None:
        """So many steps were run; the first round, which may have compiled, tells nothing."""
        self._rounds += 1
        if self.one_by_one or self._rounds == 1:
            return
        wanted = int(steps * SECONDS / max(self._seconds, 1e-9))
        self.steps = max(1, min(wanted, 32 * self.steps))
