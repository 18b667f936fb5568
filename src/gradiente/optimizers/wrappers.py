"""What optimizers around an optimizer share: how its rule, its traits and its slots are reached."""

from collections.abc import Callable
from typing import Any

from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers.optimizer import (
    Clock,
    Kind,
    Named,
    Optimizer,
    Slots,
    check_without_search,
)

Rule = Callable[[Named, Slots, Named, Clock], tuple[Named, Slots]]


def wrapped(
    name: str,
    inner: Optimizer,
    initial: Callable[[Named], Slots],
    rule: Rule,
    average: Callable[[Slots, Named], Named] | None = None,
    **options: Any,
) -> Optimizer:
    """An optimizer around another one, whose slots are its own under `inner` and some more.

    initial: the slots besides, from the parameters by path.
    """

    def initial_slots(parameters: Named) -> Slots:
        return {"inner": inner.initial_slots(parameters), **initial(parameters)}

    return Optimizer(
        name,
        initial_slots,
        rule,
        inner.learning_rate,
        {"optimizer": inner, **options},
        average=average,
        tolerance=inner.tolerance,
        perturb=inner.perturb,
        curvature=inner.curvature and inner.curvature.inside("inner"),
    )


def check_inner(name: str, inner: Any, averages: bool = False) -> Optimizer:
    """An optimizer that may stand inside another one; raises `InvalidArgumentError` for others.

    averages: whether it may keep an average of the weights.
    """
    if not isinstance(inner, Optimizer) or inner.kind != Kind.OPTIMIZER:
        raise InvalidArgumentError(
            f"`{name}` goes around an optimizer, such as `AdamW(1e-3)`, not {inner!r}."
        )
    check_without_search(inner)
    if inner.average is not None and not averages:
        raise InvalidArgumentError(
            f"`{name}` moves the weights otherwise than `{inner.name}` does, whose average of them "
            f"would be wrong: put `{name}` inside."
        )
    return inner
