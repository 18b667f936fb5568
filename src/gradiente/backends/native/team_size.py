"""How many threads share the steps of a program: as many as were fastest lately.

The results are the same bits for any number, so it can be found by trying: now and then a small
part of the steps runs on more, or on fewer threads. Where a core is lost to another process,
threads that wait for each other are slower than one alone, and this notices.
"""

from collections.abc import Iterator

TRIAL_EVERY = 4  # calls
TRIAL_SHARE = 16  # of this many parts of the steps, one is a trial
SHORTEST_TRIAL = 4  # steps
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
        start, share = 0, steps // TRIAL_SHARE
        self._calls += 1
        if len(self.sizes) > 1 and share >= SHORTEST_TRIAL:
            for size in self._trials():
                yield size, start, start + share
                start += share
        yield self.best, start, steps

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
