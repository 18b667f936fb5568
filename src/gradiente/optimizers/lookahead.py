"""Lookahead: slow weights that follow the fast ones of another optimizer every few steps."""

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.optimizers.optimizer import Clock, Named, Optimizer, Slots, cast, widened
from gradiente.optimizers.wrappers import check_inner, wrapped


def lookahead(optimizer: Optimizer, steps: int = 5, step_size: float = 0.5) -> Optimizer:
    """Let an optimizer explore for k steps, then go a part of the way from where it began.

        θ as by the optimizer
        every k updates:   s ← s + α (θ − s),   θ ← s          k steps, α step_size; s from θ

    `with trainer.averaged():` uses the slow weights s, and so does the validation of a fit. The
    memory of the optimizer stays at a synchronization. Conventions and defaults are the paper's,
    and those of Optax; PyTorch has none. Raises `InvalidArgumentError` for arguments that make no
    sense.

    M. R. Zhang, J. Lucas, G. Hinton, J. Ba, "Lookahead optimizer: k steps forward, 1 step back",
    NeurIPS 2019.
    """
    inner = check_inner("lookahead", optimizer)
    steps = check_count("steps", steps, at_least=1)
    step_size = check_number("step_size", step_size, above=0, at_most=1)

    def initial(parameters: Named) -> Slots:
        return {"slow": {path: np.array(widened(value)) for path, value in parameters.items()}}

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        updates, inside = inner.rule(gradients, slots["inner"], parameters, clock)
        due = (clock.step + 1) % steps == 0
        moved, slow = {}, {}
        for path, parameter in parameters.items():
            before = slots["slow"][path]
            ahead = widened(parameter) + widened(updates[path]) - before
            slow[path] = np.where(due, before + step_size * ahead, before)
            back = cast((1 - step_size) * ahead, parameter.dtype)
            moved[path] = np.where(due, updates[path] - back, updates[path])
        return moved, {"inner": inside, "slow": slow}

    return wrapped("lookahead", inner, initial, rule, _slow, steps=steps, step_size=step_size)


def _slow(slots: Slots, parameters: Named) -> Named:
    return {path: slots["slow"][path] for path in parameters}
