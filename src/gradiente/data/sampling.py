"""Which samples an epoch draws when some are to come more often than others."""

from dataclasses import dataclass

import numpy as np

from gradiente.base.errors import DataError
from gradiente.data.generator import generator


@dataclass(frozen=True)
class Sampling:
    """How often each of n samples is drawn, in proportion: wᵢ / Σ w of all draws.

    weights: float64 (n,), not negative; groups: a number for each sample, or `None`. The draws of
    every group together are as many as its weights say, to within one; so are those of each sample.
    """

    weights: np.ndarray
    groups: np.ndarray | None = None

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """n places of samples as int64, some more than once: a function of (seed, epoch).

        Systematic sampling: sample i fills the stretch n wᵢ / Σ w of a line from 0 to n, and every
        k + u on it draws a sample, with one random u in [0, 1). Sample i thus comes ⌊n wᵢ / Σ w⌋ or
        ⌈n wᵢ / Σ w⌉ times, n wᵢ / Σ w times in the mean over epochs.
        Source: W. G. Madow & L. H. Madow, Annals of Mathematical Statistics 15, 1944.
        """
        random, count = generator(seed, epoch), len(self.weights)
        line = random.permutation(count)
        if self.groups is not None:
            line = line[np.argsort(self.groups[line], kind="stable")]
        ends = np.cumsum(self.weights[line])
        # What lies at the end of all has to be n itself, whatever rounding did to it.
        places = np.where(ends >= ends[-1], count, ends * (count / ends[-1]))
        drawn = np.minimum(np.floor(places + random.random()), count).astype(np.int64)
        times = np.diff(drawn, prepend=0)
        return random.permutation(np.repeat(line, times)).astype(np.int64, copy=False)


def balanced(classes: np.ndarray) -> Sampling:
    """Every class equally often, and within a class every sample equally often.

    classes: a whole number or truth value for each sample, (n,). Raises `DataError` for others.
    """
    if classes.ndim != 1 or classes.dtype.kind not in "biu":
        raise DataError(
            'sampling="balanced" needs y to be classes, one whole number per sample, got '
            f"{classes.dtype} of shape {classes.shape}: give a weight for each sample instead."
        )
    _, group, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    return Sampling(1.0 / sizes[group], group)
