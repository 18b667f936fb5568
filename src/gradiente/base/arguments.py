"""Checks of the numbers a user passes: each says which argument, what came and what makes sense."""

import math
from typing import Any

from gradiente.base.errors import InvalidArgumentError


def check_number(
    name: str,
    value: Any,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> float:
    """`value` as a float, if it is a finite number within the bounds given.

    Raises `InvalidArgumentError` naming the argument and its bounds.
    """
    bounds = (
        (at_least, "at least", lambda bound: value >= bound),
        (above, "above", lambda bound: value > bound),
        (at_most, "at most", lambda bound: value <= bound),
        (below, "below", lambda bound: value < bound),
    )
    given = [(bound, words, holds) for bound, words, holds in bounds if bound is not None]
    if _is_finite_number(value) and all(holds(bound) for bound, _, holds in given):
        return float(value)
    expected = " and ".join(f"{words} {bound:g}" for bound, words, _ in given)
    wanted = f"a finite number {expected}".rstrip()
    raise InvalidArgumentError(f"`{name}` is {value!r}: it must be {wanted}.")


def check_count(name: str, value: Any, *, at_least: int = 0) -> int:
    """`value` as an int, if it is a whole number of at least `at_least`.

    Raises `InvalidArgumentError` naming the argument and its bound.
    """
    if _is_finite_number(value) and value == int(value) and value >= at_least:
        return int(value)
    raise InvalidArgumentError(
        f"`{name}` is {value!r}: it must be a whole number, {at_least} or more."
    )


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """`value`, if it is one of `choices`; raises `InvalidArgumentError` listing them."""
    if isinstance(value, str) and value in choices:
        return value
    listed = ", ".join(repr(choice) for choice in choices)
    raise InvalidArgumentError(f"`{name}` is {value!r}: it must be one of {listed}.")


def _is_finite_number(value: Any) -> bool:
    if isinstance(value, bool | str):
        return False
    try:
        return math.isfinite(value)
    except TypeError:
        return False
