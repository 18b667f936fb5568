"""The learning-rate range test: train a few steps with rising rates, and see where the loss falls.

It trains a copy of the state, with an optimizer of the same kind whose rate is the one tried, so
that nothing of the trainer has to be put back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gradiente.base.errors import InvalidArgumentError, NonFiniteError
from gradiente.data.batches import batch_slices, epoch_order
from gradiente.optimizers.optimizer import Array, Clock, LearningRate, Named, Optimizer, Slots
from gradiente.train.diagnosis import remedy
from gradiente.train.inputs import Samples
from gradiente.train.learner import Learner
from gradiente.train.learning_rates import LearningRateTest
from gradiente.train.measure import mean_loss
from gradiente.train.state import with_rate_scale

RUNNING = 0.3  # the share of the newest loss in the running mean that may end the test
DIVERGED = 3.0  # it ends that many times the first loss, or the largest fall, above the first loss


@dataclass(frozen=True)
class _RateTried(Clock):
    """A clock under which every learning rate is the one tried: what stands as the scale."""

    def rate(self, learning_rate: LearningRate) -> Array:
        return self.rate_scale


def with_rate_tried(optimizer: Optimizer) -> Optimizer:
    """The optimizer with its `rate_scale` as the learning rate itself, whatever its schedule.

    Raises `InvalidArgumentError` where there is no single rate to be found.
    """
    if optimizer.search is not None:
        raise InvalidArgumentError(
            f"{optimizer!r} searches the length of each step by itself: leave its learning rate."
        )
    if optimizer.learning_rate is None:
        raise InvalidArgumentError(
            f"{optimizer!r} has no single learning rate to be found: groups have different ones, "
            "or it needs none. Look for the rate of one group at a time."
        )

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        tried = _RateTried(clock.step, clock.rate_scale)
        return optimizer.rule(gradients, slots, parameters, tried)

    return replace(optimizer, rule=rule, learning_rate=None)


def range_test(
    learner: Learner, data: Samples, batch_size: int, rates: np.ndarray, epoch: int
) -> LearningRateTest:
    """One update with each rate, until the loss explodes. learner: one that may be spoilt.

    rates: rising; epoch: whose order of samples comes first. The loss that belongs to a rate is the
    one after its update, that of the following batch. Raises `NonFiniteError` if the loss is not
    finite to begin with.
    """
    batches = _batches(data, min(batch_size, data.count), learner.recipe.seed, epoch)
    losses: list[float] = []
    running = lowest = 0.0
    stopped = "all rates tried"
    for number in range(len(rates) + 1):
        loss = _updated(learner, data, batches, float(rates[min(number, len(rates) - 1)]))
        running = (1 - RUNNING) * running + RUNNING * loss if losses else loss
        losses.append(loss)
        lowest = min(lowest, running) if number else running
        if not np.isfinite(loss) or running > _bound(losses[0], lowest):
            stopped = "the loss exploded"
            break
    if not np.isfinite(losses[0]):
        raise NonFiniteError(f"the loss is infinite or NaN before any update. {remedy(data, None)}")
    after = [loss for loss in losses[1:] if np.isfinite(loss)]
    bound = _bound(losses[0], lowest)
    return LearningRateTest(
        rates=rates[: len(after)].tolist(),
        losses=after,
        first=losses[0],
        steps=len(rates),
        stopped=stopped,
        bound=bound,
    )


def _bound(first: float, lowest: float) -> float:
    """The running loss at which the test ends, whatever the sign of losses."""
    return first + DIVERGED * max(abs(first), first - lowest)


def _updated(learner: Learner, data: Samples, batches: Iterator[np.ndarray], rate: float) -> float:
    """Train one update with a rate; returns the loss before it."""
    accumulate = learner.recipe.accumulate
    rows = [next(batches) for _ in range(accumulate)]
    assert learner.state is not None
    learner.state = with_rate_scale(learner.state, rate)
    learner.begin_epoch(data, watched=False)
    with np.errstate(all="ignore"):  # the loss says it, and is expected to explode
        if accumulate > 1:
            learner.learn(data, np.stack(rows[:-1]), False, len(rows[0]))
        return mean_loss(learner.learn(data, rows[-1][np.newaxis], True, len(rows[0])))


def _batches(data: Samples, size: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """Whole batches without end."""
    while True:
        order = epoch_order(data.count, seed, epoch)
        yield from batch_slices(order[: data.count // size * size], size)
        epoch += 1
