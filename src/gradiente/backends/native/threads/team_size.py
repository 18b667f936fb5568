"""How many threads share the steps of a program: as many as were fastest lately.

The results are the same bits for any number, so it can be found by trying: now and then a small
part of the steps runs on more, or on fewer threads. Where a core is lost to another process,
threads that wait for each other are slower than one alone, and this notices.
"""

from collections.abc import Iterator

TRIAL_EVERY = 4  # calls
TRIAL_SHARE = 0.03  # of the time of a call may go into a trial
SHORTEST_TRIAL = 2  # steps
FEWEST_STEPS = 8  # of a call: below, a trial would be too large a part
MEMORY = 0.5  # of what is known, this much stays when something new is measured


class TeamSize:
    """The number of threads for each part of some steps, from the times of those before.

    most: of how many threads a team may consist; fixed: there are always that many.
    """

    def __init__(self, most: int, fixed: bool = False):
        powers = [1 << i for i in range(most.bit_length()) if 1 << i < most]
        self.sizes = [most] if fixed else [*powers, most]
        self.seconds: dict[int, float] = {}  # of one step
        self._calls = 0

    @property
    def best(self) -> int:
        """The size that was fastest; the largest, as long as nothing is known."""
        return min(self.seconds, key=lambda size: self.seconds[size], default=self.sizes[-1])

    def parts(self, steps: int) -> Iterator[tuple[int, int, int]]:
        """(threads, first step, step after the last) for the parts the steps are divided into."""
        start = 0
        self._calls += 1
        if len(self.sizes) > 1 and steps >= FEWEST_STEPS:
            for size in self._trials():
                trial = self._length(size, steps)
                yield size, start, start + trial
                start += trial
        yield self.best, start, steps

    def _length(self, size: int, steps: int) -> int:
        """How many steps a trial has: fewer, the slower this size is known to be."""
        slower = self.seconds.get(size, 0.0) / self.seconds.get(self.best, 1.0)
        share = int(TRIAL_SHARE * steps / slower) if slower else SHORTEST_TRIAL
        return min(max(share, SHORTEST_TRIAL), steps // 4)

    def _trials(self) -> list[int]:
        """Sizes to be tried: those never measured, and now and then a neighbour of the best."""
        unknown = [size for size in self.sizes if size not in self.seconds]
        if unknown or self._calls % TRIAL_EVERY:
            return unknown
        place = self.sizes.index(self.best)
        below, above = (
            self.sizes[max(place - 1, 0)],
            self.sizes[min(place + 1, len(self.sizes) - 1)],
        )
        turn = self._calls // TRIAL_EVERY % 2
        other = below if turn else above
        return [other] if other != self.best else [below if other == above else above]

    def record(self, threads: int, steps: int, seconds: float) -> None:
        """So many steps took so long."""
        if steps >= SHORTEST_TRIAL:
            old = self.seconds.get(threads, seconds / steps)
            self.seconds[threads] = MEMORY * old + (1 - MEMORY) * seconds / steps
