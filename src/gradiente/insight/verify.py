"""Verifying gradients: backpropagation against central differences, in float64.

Along a random direction d of one argument, the derivative by backpropagation, ∇f · d, must equal
(f(x + h d) - f(x - h d)) / 2h. Everything is computed on float64 copies of the arguments, so that
the comparison holds for float32 networks too, and steps of two sizes are combined (Richardson), so
that the difference is right to about ten digits. Where the one-sided differences disagree, the
function has a kink along the direction: that is reported apart from an error. Rounding, of which
there is more the larger the values are beside their changes, is allowed for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradiente.base.errors import NotDifferentiableError
from gradiente.base.source import current_source
from gradiente.base.trees import flatten, map_tree, paths_of, unflatten
from gradiente.base.types import is_array
from gradiente.gradient.derivatives import selected, vjp
from gradiente.trace.trace import name_of

STEP = 1e-4
DIRECTIONS = 3
LARGEST_ALLOWANCE = 1e-2  # for rounding, relative to the derivative


@dataclass(frozen=True)
class Check:
    """One derivative along one direction, twice."""

    argument: str
    gradient: float
    difference: float
    error: float
    passed: bool
    kink: bool

    def __str__(self) -> str:
        verdict = "ok" if self.passed and not self.kink else "kink" if self.kink else "WRONG"
        return (
            f"{self.argument:<24} backpropagation {self.gradient:+.10e}   "
            f"differences {self.difference:+.10e}   error {self.error:.1e}   {verdict}"
        )


@dataclass(frozen=True)
class Report:
    """All checks of one function; true if every gradient is right."""

    function: str
    checks: list[Check] = field(default_factory=list)

    def __bool__(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def worst(self) -> float:
        """The largest relative error among smooth directions."""
        return max((check.error for check in self.checks if not check.kink), default=0.0)

    def __repr__(self) -> str:
        verdict = "gradients are right" if self else "GRADIENTS ARE WRONG"
        kinks = sum(check.kink for check in self.checks)
        note = f", {kinks} at a kink (not compared)" if kinks else ""
        head = f"{self.function}: {verdict} (worst relative error {self.worst:.1e}{note})"
        return "\n".join([head, *(f"  {check}" for check in self.checks)])


def verify(
    function: Callable[..., Any],
    *args: Any,
    argnums: int | tuple[int, ...] | None = None,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> Report:
    """Compare the gradients of `function` at `args` with finite differences.

    function: returns a tree of arrays; each floating output is weighted at random and summed.
    argnums: which arguments; by default all. Their floating-point leaves are compared.
    tolerance: the largest relative error that counts as right.
    Returns a `Report`, which is true if all gradients are right; print it for the details.
    Raises `NotDifferentiableError` if there is no floating-point argument to compare.
    """
    random = np.random.default_rng(seed)
    leaves, structure = flatten(args)
    leaves = [_widened(leaf) for leaf in leaves]
    places = _compared(args, argnums)

    def of_chosen(*values: Any) -> Any:
        replaced = list(leaves)
        for place, value in zip(places, values, strict=True):
            replaced[place] = value
        return function(*unflatten(structure, replaced))

    primals = [leaves[place] for place in places]
    outputs, pullback = vjp(of_chosen, *primals)
    weights = map_tree(lambda y: random.normal(size=np.shape(y)), outputs)
    gradients = pullback(weights)
    paths = paths_of(args)
    checks = []
    for i, place in enumerate(places):
        for _ in range(DIRECTIONS if np.size(primals[i]) else 0):
            direction = random.normal(size=np.shape(primals[i]))
            direction /= np.linalg.norm(direction)

            def along(h: float, i: int = i, direction: Any = direction) -> np.ndarray:
                moved = [*primals[:i], primals[i] + h * direction, *primals[i + 1 :]]
                return _weighted(of_chosen(*moved), weights)

            slope = float(np.sum(gradients[i] * direction))
            checks.append(_check(_name(paths[place]), slope, along, tolerance))
    return Report(name_of(function), checks)


def _is_floating(leaf: Any) -> bool:
    return is_array(leaf) and np.asarray(leaf).dtype.kind == "f"


def _widened(leaf: Any) -> Any:
    return np.asarray(leaf, np.float64) if _is_floating(leaf) else leaf


def _compared(args: tuple[Any, ...], argnums: int | tuple[int, ...] | None) -> list[int]:
    """The places, among the leaves of all arguments, of the floating ones of the chosen."""
    chosen = range(len(args)) if argnums is None else selected(args, argnums)
    owners = [i for i, arg in enumerate(args) for _ in flatten(arg)[0]]
    leaves = enumerate(zip(flatten(args)[0], owners, strict=True))
    places = [place for place, (leaf, i) in leaves if i in chosen and _is_floating(leaf)]
    if not places:
        raise NotDifferentiableError(
            "there is nothing to verify: no argument is an array of floating-point numbers."
            + current_source().explain()
        )
    return places


def _name(path: str) -> str:
    argument, _, inner = path.partition(".")
    return f"argument {argument}" + (f": {inner}" if inner else "")


def _weighted(outputs: Any, weights: Any) -> np.ndarray:
    """Every floating number of the outputs times its weight: its sum is what is differentiated."""
    pairs = zip(flatten(outputs)[0], flatten(weights)[0], strict=True)
    products = [np.ravel(np.asarray(y, np.float64) * w) for y, w in pairs if _is_floating(y)]
    return np.concatenate([*products, np.zeros(1)])


def _check(
    path: str, slope: float, along: Callable[[float], np.ndarray], tolerance: float
) -> Check:
    middle = along(0.0)
    steps = (STEP, STEP / 2)
    forward = [float(np.sum(along(h) - middle)) / h for h in steps]
    backward = [float(np.sum(middle - along(-h))) / h for h in steps]
    coarse, fine = ((f + b) / 2 for f, b in zip(forward, backward, strict=True))
    difference = (4 * fine - coarse) / 3
    scale = max(abs(slope), abs(difference), 1e-3)
    noise = 16 * np.finfo(np.float64).eps * float(np.sum(np.abs(middle))) / STEP
    # Of a smooth function the two sides differ by h f'': half the step, half the gap.
    gaps = [abs(f - b) for f, b in zip(forward, backward, strict=True)]
    kink = gaps[1] > 0.75 * gaps[0] and gaps[1] > 1e-4 * scale + noise
    error = abs(slope - difference) / scale
    allowed = max(tolerance, min(noise / scale, LARGEST_ALLOWANCE))
    return Check(path, slope, difference, error, bool(kink or error <= allowed), bool(kink))
