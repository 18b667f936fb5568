"""How many threads share the steps of a program: as many as were fastest lately.

The results are the same bits for any number, so it can be found by trying: now and then a small
part of the steps runs on more, or on fewer threads. Where a core is lost to another process,
threads that wait for each other are slower than one alone, and this notices.
"""

from collections.abc import Iterator
from dataclasses import dataclass

TRIAL_SHARE = 0.02  # of the time may go into trials
TRIAL_SECONDS = 0.5e-3  # of a trial: longer than a hiccup of the clock, and what starting costs
WAKING = 16  # the first of so many steps of a trial wakes up the threads
MEMORY = 0.5  # of what is known, this much stays when something slower is measured
RISE = 1.25  # times what is known, at most: a hiccup says little, and would be believed for long


@dataclass(frozen=True)
class Part:
    """Some steps, for so many threads; measured: whether their time says how fast that is."""

    threads: int
    start: int
    stop: int
    measured: bool = True

    @property
    def steps(self) -> int:
        """How many there are."""
        return self.stop - self.start


class TeamSize:
    """The number of threads for each part of some steps, from the times of those before.

    Runs are taken to be of similar length: waking up the threads is part of them. most: of how many
    threads a team may consist; fixed: there are always that many; short: a run takes about as long
    as waking them up, so that one thread begins, and others are tried later.
    """

    def __init__(self, most: int, fixed: bool = False, short: bool = False):
        powers = [1 << i for i in range(most.bit_length()) if 1 << i < most]
        self.sizes = [most] if fixed else [*powers, most]
        self.seconds: dict[int, float] = {}  # of one step
        self._first = self.sizes[0 if short else -1]
        self._unknown = TRIAL_SECONDS if short else 0.0  # what a trial of a new size may cost
        self._started: set[int] = set()  # sizes of teams that have run
        self._since = 0.0  # seconds of work since the last trial
        self._turn = 0

    @property
    def best(self) -> int:
        """The size that was fastest; the first to run, as long as nothing is known."""
        return min(self.seconds, key=lambda size: self.seconds[size], default=self._first)

    def parts(self, steps: int) -> Iterator[Part]:
        """The parts the steps are divided into: perhaps a trial, then the rest."""
        start = 0
        other = self._candidate()
        if other is not None:
            length = self._length(steps)
            known = self.seconds.get(other)
            expected = self._unknown if known is None else known * length
            if expected <= TRIAL_SHARE * self._since:
                self._since, self._turn = 0.0, self._turn + 1
                # of a trial inside a run, the first steps wake up the threads
                start = length // WAKING if length < steps else 0
                if start:
                    yield Part(other, 0, start, measured=False)
                yield Part(other, start, length)
                start = length
        if start < steps:
            yield Part(self.best, start, steps)

    def _candidate(self) -> int | None:
        """The size to be tried next: one never measured, or by turns a neighbour of the best."""
        if len(self.sizes) == 1 or not self.seconds:
            return None
        for size in self.sizes:
            if size not in self.seconds:
                return size
        place = self.sizes.index(self.best)
        around = self.sizes[max(place - 1, 0) : place] + self.sizes[place + 1 : place + 2]
        return around[self._turn % len(around)]

    def _length(self, steps: int) -> int:
        """How many of the steps a trial has."""
        wanted = TRIAL_SECONDS / self.seconds[self.best]
        return min(steps, max(int(wanted), 1))

    def record(self, part: Part, seconds: float) -> None:
        """A part took so long. The first of a size tells nothing: it starts the threads."""
        self._since += seconds
        known = part.threads in self._started
        self._started.add(part.threads)
        if known and part.measured:
            new = seconds / part.steps
            old = self.seconds.get(part.threads, new)
            risen = min(MEMORY * old + (1 - MEMORY) * new, RISE * old)
            self.seconds[part.threads] = min(new, risen)
