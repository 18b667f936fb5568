"""Optimizers made of optimizers: one after another, or different ones for different parameters."""

from collections.abc import Mapping

import numpy as np

from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers.optimizer import (
    Clock,
    Kind,
    LearningRate,
    Named,
    Optimizer,
    Slots,
    check_without_search,
)
from gradiente.optimizers.patterns import check_used, matches, selected


def chain(*members: Optimizer) -> Optimizer:
    """Run several rules one after another: each gets what the one before it gave.

        chain(clip_by_global_norm(1.0), add_weight_decay(1e-4, "*.weight"), SGD(0.1, momentum=0.9))

    One step count and one rate scale serve all members. `InvalidArgumentError` for no members, for
    two optimizers (the second would take updates for gradients), for a change of gradients, such as
    `add_weight_decay`, after the optimizer, and for any change after one that averages the weights.
    """
    _check_chain(members)
    keys = [f"{index}_{member.name}" for index, member in enumerate(members)]

    def initial_slots(parameters: Named) -> Slots:
        initial = [member.initial_slots(parameters) for member in members]
        return dict(zip(keys, initial, strict=True))

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        following = {}
        for key, member in zip(keys, members, strict=True):
            gradients, following[key] = member.rule(gradients, slots[key], parameters, clock)
        return gradients, following

    last = members[-1]

    def average(slots: Slots, parameters: Named) -> Named:
        assert last.average is not None
        return last.average(slots[keys[-1]], parameters)

    return Optimizer(
        "chain",
        initial_slots,
        rule,
        _common_rate(members),
        {"members": members},
        max(member.kind for member in members),
        average=None if last.average is None else average,
        tolerance=max(member.tolerance for member in members),
        perturb=next((member.perturb for member in members if member.perturb), None),
        curvature=next(
            (
                member.curvature.inside(key)
                for key, member in zip(keys, members, strict=True)
                if member.curvature
            ),
            None,
        ),
    )


def groups(members: Mapping[str, Optimizer]) -> Optimizer:
    """Use different optimizers for different parameters, chosen by patterns of their paths.

        groups({"encoder.*": freeze(), "*.bias": SGD(0.1), "*": AdamW(1e-3)})

    The first pattern that fits wins; `*` stands for anything, dots included. A parameter that no
    pattern fits and a pattern that fits no parameter raise `InvalidArgumentError`, and so do groups
    of which some are optimizers and some only change gradients.
    """
    members = dict(members)
    _check_groups(members)

    def initial_slots(parameters: Named) -> Slots:
        for pattern in members:
            check_used(pattern, parameters)
        parts = _partition(members, parameters)
        return {pattern: members[pattern].initial_slots(part) for pattern, part in parts.items()}

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        updates: Named = {}
        following: Slots = {}
        for pattern, part in _partition(members, parameters).items():
            own = {path: gradients[path] for path in part}
            moved, following[pattern] = members[pattern].rule(own, slots[pattern], part, clock)
            updates.update(moved)
        return updates, following

    def average(slots: Slots, parameters: Named) -> Named:
        averages = dict(parameters)
        for pattern, part in _partition(members, parameters).items():
            own = members[pattern].average
            averages.update(part if own is None else own(slots[pattern], part))
        return averages

    every = tuple(members.values())
    return Optimizer(
        "groups",
        initial_slots,
        rule,
        _common_rate(every),
        {"members": members},
        max(member.kind for member in every),
        average=None if all(member.average is None for member in every) else average,
        tolerance=max(member.tolerance for member in every),
    )


def freeze(*patterns: str) -> Optimizer:
    """Keep parameters as they are.          Δθ = 0

    Without patterns it freezes all it is given: the group of `groups` that shall not move. With
    patterns it stands in a chain after an optimizer: `chain(AdamW(1e-3), freeze("encoder.*"))`; a
    pattern that no parameter matches raises `InvalidArgumentError`. In a group
    of their own the frozen parameters need no memory.
    """

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        frozen = selected(patterns or None, parameters)
        updates = {
            path: np.zeros_like(gradient) if path in frozen else gradient
            for path, gradient in gradients.items()
        }
        return updates, {}

    options = {"patterns": patterns} if patterns else {}
    return Optimizer("freeze", lambda parameters: {}, rule, None, options, Kind.FREEZE)


def _partition(members: dict[str, Optimizer], parameters: Named) -> dict[str, Named]:
    """The parameters of each pattern, the first that fits."""
    parts: dict[str, Named] = {pattern: {} for pattern in members}
    for path, parameter in parameters.items():
        pattern = next((pattern for pattern in members if matches(pattern, path)), None)
        if pattern is None:
            patterns = ", ".join(repr(pattern) for pattern in members)
            raise InvalidArgumentError(
                f"parameter `{path}` belongs to no group: none of the patterns {patterns} fits it. "
                'Add a group for it; "*" as the last pattern takes all that remain.'
            )
        parts[pattern][path] = parameter
    return parts


def _check_chain(members: tuple[Optimizer, ...]) -> None:
    if not members:
        raise InvalidArgumentError("`chain` needs at least one member.")
    for member in members:
        _check_member(member)
    kinds = [member.kind for member in members]
    if kinds.count(Kind.OPTIMIZER) > 1:
        raise InvalidArgumentError(
            "`chain` takes one optimizer: a second one would take updates for gradients. "
            "For different parameters use `groups`."
        )
    for member in members[:-1]:
        if member.average is not None:
            raise InvalidArgumentError(
                f"`{member.name}` averages the weights, so nothing may change its updates: put it "
                "last in `chain`."
            )
    if Kind.OPTIMIZER in kinds and Kind.GRADIENT in kinds[kinds.index(Kind.OPTIMIZER) :]:
        late = members[len(kinds) - 1 - kinds[::-1].index(Kind.GRADIENT)]
        raise InvalidArgumentError(
            f"`{late.name}` changes gradients: put it before the optimizer in `chain`."
        )


def _check_groups(members: dict[str, Optimizer]) -> None:
    if not members:
        raise InvalidArgumentError("`groups` needs at least one pattern.")
    for member in members.values():
        _check_member(member)
    for member in members.values():
        if member.perturb or member.curvature:
            raise InvalidArgumentError(
                f"`{member.name}` looks at the loss of all parameters together, so it cannot serve "
                "a group of them: put it around `groups`, or use it for all."
            )
    moving = [member.kind for member in members.values() if member.kind != Kind.FREEZE]
    if Kind.OPTIMIZER in moving and any(kind != Kind.OPTIMIZER for kind in moving):
        raise InvalidArgumentError(
            "`groups` has optimizers in some groups and only changes of gradients in others, whose "
            "parameters would move along their gradient: use `chain(change, optimizer)` there."
        )


def _check_member(member: Optimizer) -> None:
    if not isinstance(member, Optimizer):
        raise InvalidArgumentError(
            f"{member!r} is not an optimizer: write, for example, `AdamW(1e-3)`."
        )
    check_without_search(member)


def _common_rate(members: tuple[Optimizer, ...]) -> LearningRate | None:
    """The learning rate all members that have one share, or `None`."""
    rates = [member.learning_rate for member in members if member.kind == Kind.OPTIMIZER]
    return rates[0] if rates and all(rate == rates[0] for rate in rates) else None
