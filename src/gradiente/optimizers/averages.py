"""Averages of the weights over the training, which often predict better than the last weights."""

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.optimizers.moments import running
from gradiente.optimizers.optimizer import (
    Array,
    Clock,
    Named,
    Optimizer,
    Slots,
    like,
    widened,
)
from gradiente.optimizers.wrappers import check_inner, wrapped


def exponential_moving_average(optimizer: Optimizer, decay: float = 0.999) -> Optimizer:
    """Keep an exponential moving average (EMA) of the weights beside an optimizer.

        θ as by the optimizer
        a ← β a + (1 − β) θ              β decay; a ← θ at the first update

    `with trainer.averaged():` uses a, and so does the validation of a fit. Statistics of batch
    normalization are not averaged. Conventions are those of PyTorch's `AveragedModel` with
    `get_ema_multi_avg_fn`. Raises `InvalidArgumentError` for arguments that make no sense.

    B. T. Polyak, A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM
    Journal on Control and Optimization 30, 1992.
    """
    inner = check_inner("exponential_moving_average", optimizer)
    decay = check_number("decay", decay, at_least=0, below=1)

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        updates, inside = inner.rule(gradients, slots["inner"], parameters, clock)
        averages = {}
        for path, average in slots["averages"].items():
            moved = widened(parameters[path] + updates[path])
            first = slots["count"] == 0
            averages[path] = np.where(first, moved, running(average, moved, decay))
        return updates, {"inner": inside, "averages": averages, "count": slots["count"] + 1}

    return wrapped("exponential_moving_average", inner, _initial, rule, _averages, decay=decay)


def stochastic_weight_averaging(optimizer: Optimizer, start: int = 0, every: int = 1) -> Optimizer:
    """Keep the mean of the weights at regular intervals (SWA) beside an optimizer.

        θ as by the optimizer
        a ← a + (θ − a) / n              after updates start + every, start + 2 every, …; n counts

    To average once an epoch let `every` be the number of batches in it. The learning rate should be
    constant, or cyclic, from `start` on. `with trainer.averaged():` uses a, and so does the
    validation of a fit. Statistics of batch normalization are not averaged. Conventions are those
    of PyTorch's `AveragedModel`. Raises `InvalidArgumentError` for arguments that make no sense.

    P. Izmailov, D. Podoprikhin, T. Garipov, D. Vetrov, A. G. Wilson, "Averaging weights leads to
    wider optima and better generalization", UAI 2018.
    """
    inner = check_inner("stochastic_weight_averaging", optimizer)
    start = check_count("start", start)
    every = check_count("every", every, at_least=1)

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        updates, inside = inner.rule(gradients, slots["inner"], parameters, clock)
        done = clock.step + 1 - start
        due = (done > 0) & (done % every == 0)
        count = slots["count"] + np.where(due, 1, 0)
        share = np.where(due, 1.0 / np.maximum(count, 1).astype(np.float64), 0.0)
        averages = {
            path: _closer(average, widened(parameters[path] + updates[path]), share)
            for path, average in slots["averages"].items()
        }
        return updates, {"inner": inside, "averages": averages, "count": count}

    return wrapped(
        "stochastic_weight_averaging",
        inner,
        _initial,
        rule,
        _averages,
        start=start,
        every=every,
    )


def _closer(average: Array, value: Array, share: Array) -> Array:
    return average + (value - average) * like(share, average)


def _initial(parameters: Named) -> Slots:
    averages = {path: np.array(widened(parameter)) for path, parameter in parameters.items()}
    return {"averages": averages, "count": np.array(0, np.int64)}


def _averages(slots: Slots, parameters: Named) -> Named:
    """The averages; before the first one the parameters."""
    begun = slots["count"] > 0
    return {
        path: np.where(begun, slots["averages"][path], widened(parameter))
        for path, parameter in parameters.items()
    }
