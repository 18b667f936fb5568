"""Verifying gradients: backpropagation against central differences, in float64.

Along a random direction d of one argument, the derivative by backpropagation, ∇f · d, must equal
(f(x + h d) - f(x - h d)) / 2h. Everything is computed on float64 copies of the arguments, so that
the comparison holds for float32 networks too, and steps of two sizes are combined (Richardson), so
that the difference is right to about ten digits. Where the one-sided differences disagree, the
function has a kink along the direction: that is reported apart from an error.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradiente.base.trees import flatten, map_tree, paths_of
from gradiente.base.types import is_array
from gradiente.gradient.derivatives import vjp
from gradiente.trace.trace import name_of

STEP = 1e-4
DIRECTIONS = 3


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
    argnums: which arguments; by default all with floating-point leaves.
    tolerance: the largest relative error that counts as right.
    Returns a `Report`, which is true if all gradients are right; print it for the details.
    """
    random = np.random.default_rng(seed)
    wide = [map_tree(_widened, arg) for arg in args]
    chosen = _chosen(args, argnums)

    def of_chosen(*values: Any) -> Any:
        replaced = list(wide)
        for place, value in zip(chosen, values, strict=True):
            replaced[place] = value
        return function(*replaced)

    primals = tuple(wide[place] for place in chosen)
    outputs, pullback = vjp(of_chosen, *primals)
    weights = map_tree(lambda y: random.normal(size=np.shape(y)), outputs)
    gradients = flatten(pullback(weights))[0]
    leaves, paths = flatten(primals)[0], _names(chosen, primals)

    def weighted(values: list[Any]) -> float:
        rebuilt = iter(values)
        return _total(of_chosen(*map_tree(lambda _: next(rebuilt), primals)), weights)

    checks = []
    for place, (leaf, path) in enumerate(zip(leaves, paths, strict=True)):
        for _ in range(DIRECTIONS if np.size(leaf) else 0):
            direction = random.normal(size=np.shape(leaf))
            direction /= np.linalg.norm(direction)
            slope = float(np.sum(gradients[place] * direction))

            def along(h: float, place: int = place, direction: Any = direction) -> float:
                moved = list(leaves)
                moved[place] = leaves[place] + h * direction
                return weighted(moved)

            checks.append(_check(path, slope, along, tolerance))
    return Report(name_of(function), checks)


def _widened(leaf: Any) -> Any:
    floating = is_array(leaf) and np.asarray(leaf).dtype.kind == "f"
    return np.asarray(leaf, np.float64) if floating else leaf


def _chosen(args: tuple[Any, ...], argnums: int | tuple[int, ...] | None) -> tuple[int, ...]:
    if argnums is not None:
        return (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def floating(tree: Any) -> bool:
        leaves = flatten(tree)[0]
        return bool(leaves) and all(is_array(x) and np.asarray(x).dtype.kind == "f" for x in leaves)

    return tuple(place for place, arg in enumerate(args) if floating(arg))


def _names(chosen: tuple[int, ...], primals: tuple[Any, ...]) -> list[str]:
    names = []
    for place, primal in zip(chosen, primals, strict=True):
        names += [f"argument {place}" + (f": {path}" if path else "") for path in paths_of(primal)]
    return names


def _total(outputs: Any, weights: Any) -> float:
    pairs = zip(flatten(outputs)[0], flatten(weights)[0], strict=True)
    return float(
        sum(
            np.sum(np.asarray(y, np.float64) * w)
            for y, w in pairs
            if np.asarray(y).dtype.kind == "f"
        )
    )


def _check(path: str, slope: float, along: Callable[[float], float], tolerance: float) -> Check:
    middle = along(0.0)
    forward = [(along(h) - middle) / h for h in (STEP, STEP / 2)]
    backward = [(middle - along(-h)) / h for h in (STEP, STEP / 2)]
    coarse, fine = ((f + b) / 2 for f, b in zip(forward, backward, strict=True))
    difference = (4 * fine - coarse) / 3
    scale = max(abs(slope), abs(difference), 1e-3)
    # Of a smooth function the two sides differ by h f'': half the step, half the gap.
    gaps = [abs(f - b) for f, b in zip(forward, backward, strict=True)]
    kink = gaps[1] > 0.75 * gaps[0] and gaps[1] > 1e-4 * scale
    error = abs(slope - difference) / scale
    return Check(path, slope, difference, error, kink or error <= tolerance, kink)
