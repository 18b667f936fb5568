"""What an optimizer is: a pure rule that turns gradients into updates of the parameters.

An optimizer is written with ordinary NumPy functions and traced into the training step. Scalars of
the update (learning rate, bias corrections) are computed in float64 and then cast to the type of
the parameter, so that a float32 network stays float32.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from gradiente.base import trees
from gradiente.base.arguments import check_number
from gradiente.base.batch import accumulation_dtype, is_exact
from gradiente.base.errors import InvalidArgumentError, ShapeError, TreeError, TypeMismatchError
from gradiente.base.registry import enter, find
from gradiente.base.types import is_weak

Array = Any
Tree = Any
State = dict[str, Any]
Named = dict[str, Array]
"""The arrays of a tree by their path."""
Slots = dict[str, Any]
"""What an optimizer remembers besides the step: nested dicts of arrays."""
LearningRate = float | Callable[[Array], Array]
"""A number, or a function of the number of updates done so far, such as a schedule."""


class Kind(IntEnum):
    """What a rule makes of a gradient, which decides how rules may be combined.

    FREEZE gives zeros; TRANSFORM changes a gradient or an update; GRADIENT changes a gradient only;
    OPTIMIZER turns a gradient into an update, which points against it.
    """

    FREEZE = 0
    TRANSFORM = 1
    GRADIENT = 2
    OPTIMIZER = 3


@dataclass(frozen=True)
class Clock:
    """When an update happens: the number of updates before it, and the scale of the rate."""

    step: Array
    rate_scale: Array

    def rate(self, learning_rate: LearningRate) -> Array:
        """The rate in force, in float64: learning_rate(step) · rate_scale."""
        value = learning_rate(self.step) if callable(learning_rate) else learning_rate
        return value * self.rate_scale


@dataclass(frozen=True, eq=False)
class Curvature:
    """How estimates of the diagonal of the Hessian are used.

    every: how many updates apart they are wanted; absorb: (slots, estimates) -> slots.
    """

    every: int
    absorb: Callable[[Slots, Named], Slots]

    def inside(self, key: str) -> "Curvature":
        """The same for the slots of an optimizer that has these under a key."""
        return Curvature(
            self.every,
            lambda slots, estimates: {**slots, key: self.absorb(slots[key], estimates)},
        )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The loss and its gradient over all samples; facts: what else came out."""

    value: float
    gradients: Named
    facts: Any = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """Where a search ended: the parameters, the slots, the evaluation there.

    stopped: why there is nothing left to do, if that is so; the parameters are those before then.
    """

    parameters: Named
    slots: Slots
    evaluation: Evaluation
    stopped: str | None


@dataclass(frozen=True, eq=False, repr=False)
class Optimizer:
    """A rule that turns gradients into updates, which are *added* to the parameters.

    `state = optimizer.init(parameters)`, then at every step
    `updates, state = optimizer.update(gradients, state, parameters)`.

    The state is a nested dict of arrays: `step`, the number of updates done (int64);
    `rate_scale`, a factor on the learning rate (float64, 1 at first) that callbacks may change
    between steps without a new compilation; and `slots`, what the rule remembers.

    name: its public name; options: the arguments it was made with.
    learning_rate: the number or schedule given; `None` where there is none, or more than one.
    initial_slots: the slots from the parameters by path.
    rule: (gradients, slots, parameters, clock) -> (updates, slots), all by path.
    average: (slots, parameters) -> the weights to use instead of the parameters, where the rule
        keeps an average of them; `None` elsewhere.
    tolerance: how many batches in a row whose loss is not finite it leaves out.
    perturb: (gradients, parameters) -> where the gradient is taken that the rule gets, if that is
        not at the parameters.
    curvature: what becomes of estimates of the curvature, where the rule wants them.
    search: (evaluate, evaluation, slots, parameters, clock) -> outcome, where the rule wants to
        evaluate the loss over all samples as often as it needs; evaluate(parameters) -> evaluation.
    """

    name: str
    initial_slots: Callable[[Named], Slots]
    rule: Callable[[Named, Slots, Named, Clock], tuple[Named, Slots]]
    learning_rate: LearningRate | None = None
    options: dict[str, Any] = field(default_factory=dict)
    kind: Kind = Kind.OPTIMIZER
    average: Callable[[Slots, Named], Named] | None = None
    tolerance: int = 0
    perturb: Callable[[Named, Named], Named] | None = None
    curvature: Curvature | None = None
    search: Callable[..., Outcome] | None = None

    def init(self, parameters: Tree) -> State:
        """The state before the first update.

        Raises `TypeMismatchError` for parameters that are not floating-point arrays.
        """
        named, _ = _named_leaves(parameters)
        for path, parameter in named.items():
            _check_parameter(path, parameter)
        return {
            "step": np.array(0, np.int64),
            "rate_scale": np.array(1.0, np.float64),
            "slots": self.initial_slots(named),
        }

    def update(self, gradients: Tree, state: State, parameters: Tree) -> tuple[Tree, State]:
        """The updates, a tree like `parameters`, and the next state.

        Raises `TreeError` or `ShapeError` naming the parameter whose gradient does not fit.
        """
        named, structure = _named_leaves(parameters)
        matched = _match(_named_leaves(gradients)[0], named)
        clock = Clock(state["step"], state["rate_scale"])
        updates, slots = self.rule(matched, state["slots"], named, clock)
        following = {"step": clock.step + 1, "rate_scale": clock.rate_scale, "slots": slots}
        return trees.unflatten(structure, [updates[path] for path in named]), following

    def observed(self, estimates: Named, state: State) -> State:
        """The state with an estimate more of the diagonal of the Hessian, by path."""
        assert self.curvature is not None
        return {**state, "slots": self.curvature.absorb(state["slots"], estimates)}

    def searched(
        self, evaluate: Callable[[Named], Evaluation], start: Evaluation, state: State, at: Named
    ) -> tuple[Outcome, State]:
        """One iteration of a search, from its evaluation at the parameters, and the next state."""
        assert self.search is not None
        clock = Clock(state["step"], state["rate_scale"])
        outcome = self.search(evaluate, start, state["slots"], at, clock)
        step = np.asarray(clock.step + (outcome.stopped is None))
        return outcome, {"step": step, "rate_scale": clock.rate_scale, "slots": outcome.slots}

    def averaged(self, state: State, parameters: Tree) -> Tree:
        """The weights to predict with: averages over the training, where the rule keeps some.

        A tree like `parameters`, and the parameters themselves where there is no average.
        """
        if self.average is None:
            return parameters
        named, structure = _named_leaves(parameters)
        averages = self.average(state["slots"], named)
        return trees.unflatten(
            structure, [cast(averages[path], leaf.dtype) for path, leaf in named.items()]
        )

    def rate(self, state: State) -> Array | None:
        """The learning rate the next update will use, or `None` if there is no single one."""
        if self.learning_rate is None:
            return None
        return Clock(state["step"], state["rate_scale"]).rate(self.learning_rate)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.name}({arguments})"


def per_parameter(
    name: str,
    initial: Callable[[Array], Slots],
    update: Callable[[Array, Slots, Array, Array, Array], tuple[Array, Slots]],
    *,
    learning_rate: LearningRate,
    **options: Any,
) -> Optimizer:
    """Make an optimizer of a rule for one parameter.

    initial(parameter) -> slots; update(gradient, slots, parameter, step, rate) -> (update, slots).
    `step` counts the updates done before (0 at first); `rate` is a float64 scalar. The rule sees
    half-precision parameters in float32, and its slots are float32: squares of gradients and
    ε = 1e-8 would be zero in float16.
    """
    learning_rate = check_rate(learning_rate)

    def initial_slots(parameters: Named) -> Slots:
        return {path: initial(widened(parameter)) for path, parameter in parameters.items()}

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        rate = clock.rate(learning_rate)
        results = {
            path: update(
                widened(gradients[path]), slots[path], widened(parameter), clock.step, rate
            )
            for path, parameter in parameters.items()
        }
        updates = {path: cast(results[path][0], parameters[path].dtype) for path in parameters}
        return updates, {path: result[1] for path, result in results.items()}

    arguments = {"learning_rate": learning_rate, **options}
    return Optimizer(name, initial_slots, rule, learning_rate, arguments)


def apply_updates(parameters: Tree, updates: Tree) -> Tree:
    """θ + Δθ, leaf by leaf."""
    return trees.map_tree(lambda parameter, update: parameter + update, parameters, updates)


def check_rate(learning_rate: LearningRate) -> LearningRate:
    """A function as it is, a number if it is finite and not negative."""
    if callable(learning_rate):
        return learning_rate
    return check_number("learning_rate", learning_rate, at_least=0)


def check_without_search(optimizer: Optimizer) -> None:
    """Refuse an optimizer that evaluates the loss itself as a part of another one."""
    if optimizer.search is not None:
        raise InvalidArgumentError(
            f"`{optimizer.name}` evaluates the loss along a line, which would not be the line of "
            "changed gradients or updates: it stands alone, without clip_norm= and other parts."
        )


def cast(array: Array, dtype: Any) -> Array:
    """An array in a data type; the same array if it has it already."""
    return array if array.dtype == dtype else array.astype(dtype)


def widened(array: Array) -> Array:
    """An array in float32 at least."""
    return cast(array, accumulation_dtype(array.dtype))


def like(scalar: Array, parameter: Array) -> Array:
    """A float64 scalar in the data type of a parameter, so that it does not promote it."""
    return scalar.astype(parameter.dtype)


def _named_leaves(tree: Tree) -> tuple[Named, trees.Structure]:
    leaves, structure = trees.flatten(tree)
    paths = trees.paths_of(tree)
    named = dict(zip(paths, leaves, strict=True))
    if len(named) < len(leaves):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise TreeError(f"two parameters have the same path `{twice}`; rename one of them.")
    return named, structure


def _check_parameter(path: str, parameter: Array) -> None:
    if is_weak(parameter):
        raise TypeMismatchError(
            f"parameter `{path}` is the Python number {parameter!r}, which has no data type; "
            f"make it an array, for example `np.float32({parameter!r})`."
        )
    if is_exact(parameter.dtype):
        raise TypeMismatchError(
            f"parameter `{path}` has data type {parameter.dtype}, which has no gradient; "
            "convert it with `.astype(np.float32)`, or leave it out of the parameters."
        )


def _match(gradients: Named, parameters: Named) -> Named:
    """The gradients in the order and data types of the parameters."""
    for path in [*parameters, *gradients]:
        if path not in gradients:
            raise TreeError(f"there is no gradient for the parameter `{path}`.")
        if path not in parameters:
            raise TreeError(f"there is a gradient for `{path}`, but no such parameter.")
        if gradients[path].shape != parameters[path].shape:
            raise ShapeError(
                f"the gradient of `{path}` has shape {gradients[path].shape}, "
                f"but the parameter has shape {parameters[path].shape}."
            )
    return {path: cast(gradients[path], parameters[path].dtype) for path in parameters}


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {}
"""Every optimizer by its name in lower case: `OPTIMIZERS["adamw"](1e-3)`."""


def declare(factory: Callable[..., Optimizer]) -> Callable[..., Optimizer]:
    """Enter a factory into `OPTIMIZERS` under its own name in lower case (a decorator)."""
    enter(OPTIMIZERS, "an optimizer", factory.__name__.lower(), factory)
    return factory


def find_optimizer(name: str) -> Callable[..., Optimizer]:
    """The factory called `name`, in any case; raises `UnknownNameError` listing all."""
    return find(OPTIMIZERS, "an optimizer", name)
