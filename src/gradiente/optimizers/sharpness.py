"""Sharpness-aware minimization: the gradient is taken where the loss nearby is highest."""

from dataclasses import replace

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.optimizer import Clock, Named, Optimizer, Slots, cast, like, widened
from gradiente.optimizers.transforms import global_norm
from gradiente.optimizers.wrappers import check_inner, wrapped


def sam(optimizer: Optimizer, radius: float = 0.05, adaptive: bool = False) -> Optimizer:
    """Sharpness-aware minimization (SAM): look for flat minima, for two gradients a step.

        e = ρ g / ‖g‖                            ρ radius; the norm is over all parameters
        e = ρ θ² g / ‖ |θ| g ‖                   with adaptive (ASAM), for which ρ is 0.5 or more
        g ← the gradient at θ + e, of the same batch;  Δθ as by the optimizer

    A `Trainer` takes both gradients in one compiled step, with the same random numbers; loss,
    metrics and running statistics are those of the first. Gradients that are accumulated are each
    taken at a place of their own. `update` alone takes the second gradient, at
    `optimizer.perturb(gradients, parameters)`. Conventions are the paper's, and those of Optax;
    PyTorch has none. Raises `InvalidArgumentError` for arguments that make no sense.

    P. Foret, A. Kleiner, H. Mobahi, B. Neyshabur, "Sharpness-aware minimization for efficiently
    improving generalization", ICLR 2021; J. Kwon et al., "ASAM", ICML 2021.
    """
    inner = check_inner("sam", optimizer, averages=True)
    radius = check_number("radius", radius, above=0)

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        updates, inside = inner.rule(gradients, slots["inner"], parameters, clock)
        return updates, {"inner": inside}

    def perturb(gradients: Named, parameters: Named) -> Named:
        sizes = {p: np.abs(widened(x)) if adaptive else 1.0 for p, x in parameters.items()}
        scaled = {path: sizes[path] * widened(g) for path, g in gradients.items()}
        norm = global_norm(scaled)
        factor = radius / np.where(norm > 0, norm, 1.0)
        return {
            path: x + cast(like(factor, scaled[path]) * sizes[path] * scaled[path], x.dtype)
            for path, x in parameters.items()
        }

    def average(slots: Slots, parameters: Named) -> Named:
        assert inner.average is not None
        return inner.average(slots["inner"], parameters)

    averaged = None if inner.average is None else average
    around = wrapped(
        "sam", inner, lambda parameters: {}, rule, averaged, radius=radius, adaptive=bool(adaptive)
    )
    return replace(around, perturb=perturb)
