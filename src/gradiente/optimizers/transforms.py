"""Changes to gradients before an optimizer sees them: clipping and coupled weight decay."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base import trees
from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import norm, square_sum
from gradiente.optimizers.optimizer import (
    Array,
    Clock,
    Kind,
    Named,
    Optimizer,
    Slots,
    Tree,
    cast,
    like,
    widened,
)
from gradiente.optimizers.patterns import Selection, selected
from gradiente.optimizers.scheduled import Scheduled, check_scheduled, times, value_at


def clip_by_global_norm(maximum_norm: float) -> Optimizer:
    """Scale all gradients by one factor, so that their common norm is at most c.

        g ← g · c / max(‖g‖, c)          ‖g‖ = √(Σ g²) over all parameters

    Gradients within the bound keep their bits. Inside `groups` the norm is that of the group.
    Raises `InvalidArgumentError` unless c is above 0.

    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
    ICML 2013.
    """
    maximum_norm = check_number("maximum_norm", maximum_norm, above=0)

    def change(gradients: Named, parameters: Named) -> Named:
        scale = maximum_norm / np.maximum(global_norm(gradients), maximum_norm)
        return {path: gradient * like(scale, gradient) for path, gradient in gradients.items()}

    return _transform("clip_by_global_norm", change, maximum_norm=maximum_norm)


def clip_by_norm(maximum_norm: float) -> Optimizer:
    """Scale the gradient of every parameter by itself, so that its norm is at most c.

        g ← g · c / max(‖g‖, c)          ‖g‖ = √(Σ g²) over this parameter

    Raises `InvalidArgumentError` unless c is above 0.
    """
    maximum_norm = check_number("maximum_norm", maximum_norm, above=0)

    def change(gradients: Named, parameters: Named) -> Named:
        return {path: _shortened(gradient, maximum_norm) for path, gradient in gradients.items()}

    return _transform("clip_by_norm", change, maximum_norm=maximum_norm)


def clip_by_value(maximum: float) -> Optimizer:
    """Limit every number of the gradient to [−c, c].          g ← min(max(g, −c), c)

    This changes the direction of the gradient; the norms above do not. Raises
    `InvalidArgumentError` unless c is above 0.
    """
    maximum = check_number("maximum", maximum, above=0)

    def change(gradients: Named, parameters: Named) -> Named:
        return {
            path: np.minimum(np.maximum(gradient, -maximum), maximum)
            for path, gradient in gradients.items()
        }

    return _transform("clip_by_value", change, maximum=maximum)


def adaptive_clip(ratio: float = 0.01, epsilon: float = 1e-3) -> Optimizer:
    """Adaptive gradient clipping (AGC): bound gradients by the norm of the weights they move.

        g ← g · c / max(‖g‖, c)          c = ratio · max(‖θ‖, ε), for every output of a layer

    The norms are those of the weights of one output: over all axes but the last, and over all of a
    vector. Gradients within the bound keep their bits. The paper leaves the last layer out: use
    `groups`. Defaults are the paper's; PyTorch has none, Optax the same as adaptive_grad_clip.
    Raises `InvalidArgumentError` unless both are above 0.

    A. Brock, S. De, S. L. Smith, K. Simonyan, "High-performance large-scale image recognition
    without normalization", ICML 2021.
    """
    ratio = check_number("ratio", ratio, above=0)
    epsilon = check_number("epsilon", epsilon, above=0)

    def change(gradients: Named, parameters: Named) -> Named:
        changed = {}
        for path, gradient in gradients.items():
            bound = ratio * np.maximum(_norm_by_output(parameters[path]), epsilon)
            scale = bound / np.maximum(_norm_by_output(gradient), bound)
            changed[path] = gradient * cast(scale, gradient.dtype)
        return changed

    return _transform("adaptive_clip", change, ratio=ratio, epsilon=epsilon)


def add_weight_decay(weight_decay: Scheduled, only: Selection = None) -> Optimizer:
    """Add the gradient of λ/2 ‖θ‖² (coupled, L2).          g ← g + λ θ

    weight_decay: λ, a number or a schedule. only: the parameters meant, by a pattern of their path
    (`"*.weight"`), several patterns, or a function (path, parameter) -> bool such as
    `lambda path, parameter: parameter.ndim > 1`; all by default. A pattern that no parameter
    matches raises `InvalidArgumentError`. Before Adam this is not the decay of `AdamW`, because it
    passes through the moments.
    """
    weight_decay = check_scheduled("weight_decay", weight_decay, at_least=0)

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        meant, decay = selected(only, parameters), value_at(weight_decay, clock.step)
        changed = {
            path: gradient + times(decay, parameters[path]) if path in meant else gradient
            for path, gradient in gradients.items()
        }
        return changed, {}

    options = {"weight_decay": weight_decay} | ({} if only is None else {"only": only})
    return Optimizer("add_weight_decay", lambda parameters: {}, rule, None, options, Kind.GRADIENT)


def global_norm(gradients: Tree) -> Array:
    """√(Σ g²) over all leaves of a tree, summed in float32 at least."""
    leaves = trees.leaves_of(gradients)
    if not leaves:
        return np.float32(0)
    total = square_sum(leaves[0])
    for gradient in leaves[1:]:
        total = total + square_sum(gradient)
    return np.sqrt(total)


def _norm_by_output(array: Array) -> Array:
    wide = widened(array)
    axes = tuple(range(len(array.shape) - 1)) or None
    return np.sqrt(np.sum(wide * wide, axis=axes, keepdims=True))


def _shortened(gradient: Array, maximum_norm: float) -> Array:
    scale = maximum_norm / np.maximum(norm(gradient), maximum_norm)
    return gradient * like(scale, gradient)


def _transform(
    name: str,
    change: Callable[[Named, Named], Named],
    **options: Any,
) -> Optimizer:
    """A rule without memory: change(gradients, parameters) -> gradients."""

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        return change(gradients, parameters), {}

    return Optimizer(name, lambda parameters: {}, rule, None, options, Kind.TRANSFORM)
