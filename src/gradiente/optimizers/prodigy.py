"""Prodigy: Adam that finds its learning rate from how far it has come."""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import Betas, check_betas, power, running, time_of, zeros
from gradiente.optimizers.optimizer import (
    Array,
    Clock,
    LearningRate,
    Named,
    Optimizer,
    Slots,
    cast,
    check_rate,
    declare,
    like,
    widened,
)


@declare
def Prodigy(
    learning_rate: LearningRate = 1.0,
    *,
    betas: Betas = (0.9, 0.999),
    epsilon: float = 1e-8,
    initial_distance: float = 1e-6,
    growth: float = 1.0,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adam with an estimate d of the distance from the first weights to the solution as its rate.

        m ← β₁ m + (1 − β₁) d g,   v ← β₂ v + (1 − β₂) d² g²
        γ = η d √(1 − β₂ᵗ) / (1 − β₁ᵗ)                               t = 1, 2, …
        r ← √β₂ r + γ d g·(θ₀ − θ) / d₀                              over all parameters
        s ← √β₂ s + γ d g / d₀
        Δθ = −γ (m / (√v + d' ε) + λ θ),   d' = max(d, κ r / Σ |s|)   κ growth, λ weight_decay

    d starts at initial_distance, d₀, and d' is the next one. The learning rate is a factor
    on the rate found: leave it at 1, or give a schedule from 1 to 0. Conventions and defaults are
    the authors', and those of Optax (estim_lr0 = d₀, estim_lr_coef = κ); PyTorch has none.
    Arguments that make no sense raise `InvalidArgumentError`.

    K. Mishchenko, A. Defazio, "Prodigy: an expeditiously adaptive parameter-free learner", ICML
    2024.
    """
    learning_rate = check_rate(learning_rate)
    options = {
        "learning_rate": learning_rate,
        "betas": check_betas(betas),
        "epsilon": check_number("epsilon", epsilon, at_least=0),
        "initial_distance": check_number("initial_distance", initial_distance, above=0),
        "growth": check_number("growth", growth, above=0),
        "weight_decay": check_number("weight_decay", weight_decay, at_least=0),
    }

    def initial_slots(parameters: Named) -> Slots:
        own = {path: _initial(widened(parameter)) for path, parameter in parameters.items()}
        distance = np.array(initial_distance, np.float64)
        return {"parameters": own, "distance": distance, "progress": np.zeros(())}

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        time, wide = time_of(clock.step), {path: widened(g) for path, g in gradients.items()}
        bias = np.sqrt(1 - power(betas[1], time)) / (1 - power(betas[0], time))
        step_size = slots["distance"] * clock.rate(learning_rate) * bias
        weight = slots["distance"] / initial_distance * step_size
        progress = betas[1] ** 0.5 * slots["progress"] + weight * _progress(wide, slots, parameters)
        own = {
            path: _moved(g, slots["parameters"][path], slots["distance"], weight, betas)
            for path, g in wide.items()
        }
        distance = np.maximum(slots["distance"], growth * _distance(progress, own))
        updates = {}
        for path, parameter in parameters.items():
            direction = _direction(own[path], parameter, distance * epsilon, weight_decay)
            updates[path] = cast(-like(step_size, wide[path]) * direction, parameter.dtype)
        return updates, {"parameters": own, "distance": distance, "progress": progress}

    return Optimizer("Prodigy", initial_slots, rule, learning_rate, options)


def _initial(parameter: Array) -> Slots:
    return {**zeros(parameter, "first_moment", "second_moment", "sum"), "start": +parameter}


def _moved(gradient: Array, slots: Slots, distance: Array, weight: Array, betas: Betas) -> Slots:
    scaled = like(distance, gradient) * gradient
    return {
        "first_moment": running(slots["first_moment"], scaled, betas[0]),
        "second_moment": running(slots["second_moment"], scaled * scaled, betas[1]),
        "sum": betas[1] ** 0.5 * slots["sum"] + like(weight, gradient) * gradient,
        "start": slots["start"],
    }


def _direction(slots: Slots, parameter: Array, epsilon: Array, weight_decay: float) -> Array:
    root = np.sqrt(slots["second_moment"]) + like(epsilon, slots["start"])
    none = root == 0  # as long as there has been no gradient
    return slots["first_moment"] / np.where(none, 1.0, root) + weight_decay * widened(parameter)


def _progress(gradients: Named, slots: Slots, parameters: Named) -> Array:
    """g·(θ₀ − θ) over all parameters, in float64."""
    total = np.float64(0)
    for path, gradient in gradients.items():
        way = slots["parameters"][path]["start"] - widened(parameters[path])
        total = total + np.sum(gradient * way).astype(np.float64)
    return total


def _distance(progress: Array, slots: Slots) -> Array:
    """r / Σ |s|, and 0 where there has been no gradient."""
    total = np.float64(0)
    for own in slots.values():
        total = total + np.sum(np.abs(own["sum"])).astype(np.float64)
    return np.where(total > 0, progress / np.where(total > 0, total, 1.0), 0.0)
