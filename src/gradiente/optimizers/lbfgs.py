"""L-BFGS: steps by the curvature that the last gradients have shown, searched along a line."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.optimizers.line_search import Point, strong_wolfe
from gradiente.optimizers.optimizer import (
    Array,
    Clock,
    Evaluation,
    LearningRate,
    Named,
    Optimizer,
    Outcome,
    Slots,
    cast,
    check_rate,
    declare,
    like,
    widened,
)
from gradiente.optimizers.patterns import Selection, selected

Evaluate = Callable[[Named], Evaluation]


@declare
def LBFGS(
    learning_rate: LearningRate = 1.0,
    *,
    history: int = 10,
    tolerance: float = 1e-7,
    weight_decay: float = 0.0,
    only: Selection = None,
) -> Optimizer:
    """Limited-memory BFGS with a line search, for all samples at once: best for small problems.

        Δθ = −t H g                  H from the last `history` pairs s = Δθ, y = Δg: the inverse of
                                     the Hessian in their directions, s·y / y·y in all others
        t                            fulfils the strong conditions of Wolfe; η is tried first

    In a `Trainer` an epoch is one iteration: it evaluates loss and gradient over all samples until
    the line search is content. batch_size then only bounds the memory, and random layers draw the
    same numbers in all iterations. Training ends where no number of the gradient is above
    `tolerance`, or the loss falls no further. λ weight_decay adds λ/2 ‖θ‖² to what is minimized,
    for the parameters `only` selects as in `add_weight_decay`. `update`, which sees one gradient
    and no loss, takes t = η, and t = η · min(1, 1 / Σ|g|) at first, as PyTorch's without a line
    search. Arguments that make no sense raise `InvalidArgumentError`.

    D. C. Liu, J. Nocedal, "On the limited memory BFGS method for large scale optimization",
    Mathematical Programming 45, 1989.
    """
    learning_rate = check_rate(learning_rate)
    history = check_count("history", history, at_least=1)
    tolerance = check_number("tolerance", tolerance, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)
    penalty = partial(_penalty, weight_decay, only) if weight_decay else None

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        if penalty is not None:
            gradients = penalty(parameters, 0.0, gradients)[1]
        return _next(gradients, slots, clock.rate(learning_rate))

    def search(
        evaluate: Evaluate, start: Evaluation, slots: Slots, parameters: Named, clock: Clock
    ) -> Outcome:
        rate = float(clock.rate(learning_rate))
        return _Search(evaluate, penalty, rate, tolerance).run(start, slots, parameters)

    options = {
        "learning_rate": learning_rate,
        "history": history,
        "tolerance": tolerance,
        "weight_decay": weight_decay,
    } | ({} if only is None else {"only": only})
    made = Optimizer("LBFGS", partial(_initial, history), rule, learning_rate, options)
    return replace(made, search=search)


# -- the direction -------------------------------------------------------------------------------


def _initial(history: int, parameters: Named) -> Slots:
    """moves, changes: the pairs s and y, the latest last; zeros where there are none yet."""
    wide = {path: widened(parameter) for path, parameter in parameters.items()}
    pairs = {p: np.zeros((history, *x.shape), x.dtype) for p, x in wide.items()}
    one = {path: np.zeros(x.shape, x.dtype) for path, x in wide.items()}
    return {"moves": pairs, "changes": dict(pairs), "move": one, "gradient": dict(one)}


def _next(gradients: Named, slots: Slots, rate: Array) -> tuple[Named, Slots]:
    """The update without a line search, and the slots after it."""
    wide = {path: widened(gradient) for path, gradient in gradients.items()}
    pairs = _remembered(wide, slots)
    direction = _direction(wide, pairs)
    size = rate * _first_step(wide, pairs)
    moves = {path: like(size, d) * d for path, d in direction.items()}
    updates = {path: cast(move, gradients[path].dtype) for path, move in moves.items()}
    return updates, {**pairs, "move": moves, "gradient": wide}


def _remembered(gradients: Named, slots: Slots) -> Slots:
    """The pairs with the one of the last step, unless its curvature is not positive."""
    change = {path: g - slots["gradient"][path] for path, g in gradients.items()}
    curvature, square = dot(slots["move"], change), dot(change, change)
    good = curvature > np.finfo(np.float64).eps * square
    return {
        name: {
            path: np.where(good, np.concatenate([old[1:], new[path][None]]), old)
            for path, old in slots[name].items()
        }
        for name, new in (("moves", slots["move"]), ("changes", change))
    }


def _direction(gradients: Named, pairs: Slots) -> Named:
    """−H g by the two loops over the pairs."""
    moves, changes = _listed(pairs["moves"]), _listed(pairs["changes"])
    products = [dot(s, y) for s, y in zip(moves, changes, strict=True)]
    inverse = [np.where(p > 0, 1.0 / np.where(p > 0, p, 1.0), 0.0) for p in products]
    direction, shares = {path: -g for path, g in gradients.items()}, []
    for s, y, factor in reversed(list(zip(moves, changes, inverse, strict=True))):
        share = factor * dot(s, direction)
        direction = _plus(direction, -share, y)
        shares.append(share)
    square = dot(changes[-1], changes[-1])
    known = square > 0
    scale = np.where(known, products[-1] / np.where(known, square, 1.0), 1.0)
    direction = {path: like(scale, d) * d for path, d in direction.items()}
    for s, y, factor, share in zip(moves, changes, inverse, reversed(shares), strict=True):
        direction = _plus(direction, share - factor * dot(y, direction), s)
    return direction


def _first_step(gradients: Named, pairs: Slots) -> Array:
    """min(1, 1 / Σ|g|) as long as nothing is known of the curvature, else 1."""
    size = np.float64(0)
    for gradient in gradients.values():
        size = size + np.sum(np.abs(gradient)).astype(np.float64)
    last = {path: array[-1] for path, array in pairs["changes"].items()}
    return np.where(dot(last, last) > 0, 1.0, 1.0 / np.maximum(size, 1.0))


def _listed(arrays: Named) -> list[Named]:
    count = next(iter(arrays.values())).shape[0]
    return [{path: array[index] for path, array in arrays.items()} for index in range(count)]


def _plus(a: Named, factor: Array, b: Named) -> Named:
    return {path: x + like(factor, x) * b[path] for path, x in a.items()}


def dot(a: Named, b: Named) -> Array:
    """a·b over all parameters, in float64."""
    total = np.float64(0)
    for path, x in a.items():
        total = total + np.sum(cast(x, np.float64) * cast(b[path], np.float64))
    return total


# -- the search ----------------------------------------------------------------------------------


def _penalty(
    weight_decay: float, only: Selection, parameters: Named, value: float, gradients: Named
) -> tuple[float, Named]:
    """A value and a gradient with those of λ/2 ‖θ‖²."""
    meant = selected(only, parameters)
    chosen = {path: parameters[path] for path in parameters if path in meant}
    value = value + weight_decay / 2 * dot(chosen, chosen)
    return value, {
        path: gradient + weight_decay * parameters[path] if path in meant else gradient
        for path, gradient in gradients.items()
    }


class _Search:
    """One iteration: the direction from the pairs, and the point found along it."""

    def __init__(self, evaluate: Evaluate, penalty: Any, rate: float, tolerance: float):
        self.evaluate = evaluate
        self.penalty = penalty
        self.rate = rate
        self.tolerance = tolerance

    def run(self, start: Evaluation, slots: Slots, parameters: Named) -> Outcome:
        value, gradients = self._penalized(parameters, start)
        unmoved = partial(Outcome, parameters, slots, start)
        if not np.isfinite(value):
            return unmoved("the loss is not finite")
        if self.rate <= 0:  # a schedule says so; there may be another rate later
            return unmoved(None)
        largest = max(
            (float(np.max(np.abs(g), initial=0.0)) for g in gradients.values()), default=0
        )
        if largest <= self.tolerance:
            return unmoved(f"no number of the gradient is above {self.tolerance:g}")
        empty = {name: _zeros(slots[name]) for name in ("moves", "changes", "move")}
        for known in (slots, {**slots, **empty}):  # a direction that fails is not tried again
            wide = {path: widened(gradient) for path, gradient in gradients.items()}
            pairs = _remembered(wide, known)
            found = self._along(_direction(wide, pairs), value, wide, parameters, pairs)
            if found is not None:
                after = {**pairs, "move": found.facts[1], "gradient": wide}
                return Outcome(found.facts[0], after, found.facts[2], None)
        return unmoved("the loss falls no further")

    def _along(
        self, direction: Named, value: float, gradients: Named, parameters: Named, pairs: Slots
    ) -> Point | None:
        slope = float(dot(gradients, direction))
        if not slope < 0:
            return None

        def at(step: float) -> Point:
            moves = {path: like(np.float64(step), d) * d for path, d in direction.items()}
            point = {path: x + cast(moves[path], x.dtype) for path, x in parameters.items()}
            evaluation = self.evaluate(point)
            height, own = self._penalized(point, evaluation)
            return Point(step, height, float(dot(own, direction)), (point, moves, evaluation))

        precision = max(np.finfo(x.dtype).eps for x in parameters.values())
        first = self.rate * float(_first_step(gradients, pairs))
        return strong_wolfe(at, Point(0.0, value, slope), first, 4 * precision * abs(value))

    def _penalized(self, parameters: Named, evaluation: Evaluation) -> tuple[float, Named]:
        value, gradients = evaluation.value, evaluation.gradients
        if self.penalty is None:
            return value, gradients
        value, gradients = self.penalty(parameters, value, gradients)
        return float(value), gradients


def _zeros(arrays: Named) -> Named:
    return {path: np.zeros_like(array) for path, array in arrays.items()}
