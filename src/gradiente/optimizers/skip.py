"""Updates left out where gradients are not finite."""

from dataclasses import replace

import numpy as np

from gradiente.base import trees
from gradiente.base.arguments import check_count
from gradiente.optimizers.optimizer import Array, Clock, Named, Optimizer, Slots
from gradiente.optimizers.wrappers import check_inner, wrapped


def skip_non_finite(optimizer: Optimizer, maximum: int = 5) -> Optimizer:
    """Leave an update out if any gradient is infinite or NaN, as if there had been no such batch.

        Δθ = 0, and nothing remembered           if a gradient is not finite
        Δθ as by the optimizer                   otherwise, or after `maximum` such batches in a row

    `Trainer` leaves the loss of such a batch out as well. After `maximum` batches in a row the
    fault is not in the batches: the update is done, and `Trainer` raises `NonFiniteError` as usual.
    `state["slots"]["skipped"]` counts them all. Conventions are those of Optax's `apply_if_finite`;
    PyTorch has it in `GradScaler`. Raises `InvalidArgumentError` for arguments that make no sense.
    """
    inner = check_inner("skip_non_finite", optimizer, averages=True)
    maximum = check_count("maximum", maximum, at_least=1)

    def initial(parameters: Named) -> Slots:
        return {"skipped": np.array(0, np.int64), "in_a_row": np.array(0, np.int64)}

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        finite = all_finite(gradients)
        in_a_row = np.where(finite, 0, slots["in_a_row"] + 1)
        used = finite | (in_a_row > maximum)
        own_clock = replace(clock, step=clock.step - slots["skipped"])
        usable = _where(used, gradients, trees.map_tree(np.zeros_like, gradients))
        updates, inside = inner.rule(usable, slots["inner"], parameters, own_clock)
        return _where(used, updates, trees.map_tree(np.zeros_like, updates)), {
            "inner": _where(used, inside, slots["inner"]),
            "skipped": slots["skipped"] + np.where(used, 0, 1),
            "in_a_row": in_a_row,
        }

    def average(slots: Slots, parameters: Named) -> Named:
        assert inner.average is not None
        return inner.average(slots["inner"], parameters)

    averaged = None if inner.average is None else average
    skipping = wrapped("skip_non_finite", inner, initial, rule, averaged, maximum=maximum)
    return replace(skipping, tolerance=maximum)


def all_finite(gradients: Named) -> Array:
    """Whether every number in some arrays is finite."""
    finite: Array = np.bool_(True)
    for gradient in gradients.values():
        finite = finite & np.all(np.isfinite(gradient))
    return finite


def _where(condition: Array, first: Slots, second: Slots) -> Slots:
    return trees.map_tree(lambda a, b: np.where(condition, a, b), first, second)
