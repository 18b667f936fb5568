"""The training step as one traced function: forward, loss, backward, clipping, update, metrics.

A step is a pure function `(state, batch) -> state`; `state.py` says what a state consists of.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from gradiente.backends.compilations import Compilations
from gradiente.backends.compile import CompiledFunction, compile
from gradiente.backends.steps import CompiledSteps
from gradiente.base.errors import (
    DataError,
    GradienteError,
    InvalidArgumentError,
    NotDifferentiableError,
    ShapeError,
)
from gradiente.base.source import inside_part
from gradiente.base.trees import flatten, map_tree
from gradiente.gradient.derivatives import grad, hvp, value_and_grad
from gradiente.losses.loss import Loss, totals
from gradiente.metrics.metric import Metric
from gradiente.nn.context import Activated, Context
from gradiente.nn.module import Module
from gradiente.optimizers.optimizer import Optimizer
from gradiente.trace.axes import dtype_of, shape_of
from gradiente.trace.functions import m
from gradiente.trace.random import bernoulli, fold_in
from gradiente.trace.trace import result_types
from gradiente.train.penalties import ByPattern, penalty, projected
from gradiente.train.state import State

Batch = tuple[Any, Any, Any]  # x, y and weights, or None for these
Passed = tuple[Any, Any, list[Any]]  # prediction, buffers, penalties

NONE_FAILED = -1
SIGNS = 0x5169  # sets the random signs apart from what layers draw in the same step


@dataclass(frozen=True, eq=False)
class Watch:
    """What was called in a forward pass: modules, and activation functions."""

    calls: list[tuple[str, Any, Any]] = field(default_factory=list)
    activations: list[Activated] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a step is made of. Calling its methods inside a trace writes the step down."""

    network: Module
    loss: Callable[..., Any]
    optimizer: Optimizer
    metrics: Sequence[Metric]
    seed: int
    accumulate: int
    regularizers: ByPattern = field(default_factory=dict)
    constraints: ByPattern = field(default_factory=dict)

    # -- the pieces --------------------------------------------------------------------------------

    def forward(
        self, state: State, parameters: Any, x: Any, training: bool, watch: Watch | None = None
    ) -> Passed:
        """The prediction of the network, its buffers afterwards, and what layers add to a loss.

        watch: is told what is called on the way.
        """
        values = {**parameters, **state["fixed"], **state["buffers"]}
        random = fold_in(state["key"], state["batches"]) if training else None
        context = Context(training, random, self.seed)
        if watch is not None:
            context.calls, context.activations = watch.calls, watch.activations
        with self.network.on_symbols(context, values) as slots:
            prediction = self.network(x)
            after = {slot.path: slot.value for slot in slots if not slot.is_parameter}
        if context.created:
            module, name, _ = context.created[0]
            raise GradienteError(
                f"`{name}` of {type(module).__name__} is created only for some inputs, too late to "
                "be trained: let the network use it whatever the batch."
            )
        if not _is_tree(prediction):
            _refuse_rows(prediction, x)
        buffers = {path: _like(path, after[path], old) for path, old in state["buffers"].items()}
        return prediction, buffers, context.penalties

    def loss_of(self, prediction: Any, y: Any, weight: Any) -> tuple[Any, Any]:
        """The mean loss of a batch, and the weight of this mean among those of other batches.

        Floating targets are compared in the data type of the prediction.
        """
        name = _name(self.loss)
        target = map_tree(lambda t: _like_prediction(t, prediction), y)
        loss = _unwrapped(self.loss)
        if isinstance(loss, Loss):
            if not loss.inputs:
                _refuse_several(f"the loss `{name}`", prediction, y)
            total, counted = totals(self.loss, prediction, target, weight)
            # A mean over no weight at all is zero; a plain number of elements is never that.
            empty = not isinstance(counted, float) and counted == 0
            return total / (counted if empty is False else m.where(empty, 1.0, counted)), counted
        if weight is None:
            mean, counted = self.loss(prediction, target), float(_count(prediction))
        elif _accepts_weight(self.loss):
            mean = self.loss(prediction, target, sample_weight=weight)
            counted = m.sum(m.cast(weight, np.float64))
        else:
            raise DataError(
                f"the loss `{name}` takes no sample_weight=; add that argument to it, decorate it "
                "with `losses.loss`, or train without weights."
            )
        if shape_of(mean) != () or dtype_of(mean).kind != "f":
            raise NotDifferentiableError(
                f"the loss `{name}` returned {_described(mean)}, but a loss is one floating-point "
                "number: take the mean, or decorate the function with `losses.loss`, which does."
            )
        return mean, counted

    def penalty_of(self, state: State, parameters: Any, added: list[Any]) -> Any:
        """All penalties in float64, those that layers have added too; `None` if there are none."""
        total = penalty(self.regularizers, parameters, state["fixed"])
        for value in added:
            total = total + m.cast(value, np.float64)
        return None if isinstance(total, float) else total

    def statistics(self, prediction: Any, y: Any, weight: Any, combine: str) -> dict[str, Any]:
        """What the metrics need of one batch, for those that combine in the given way."""
        for metric in self.metrics:
            _refuse_several(f"the metric `{metric.name}`", prediction, y)
        return {
            metric.name: metric.statistics(prediction, y, weight)
            for metric in self.metrics
            if metric.combine == combine
        }

    def report(self, mean: Any, counted: Any, prediction: Any, y: Any, weight: Any) -> Any:
        """The additive facts of one batch, in float64."""
        counted = m.cast(counted, np.float64) + np.zeros(())
        metrics = self.statistics(prediction, y, weight, "sum")
        return {
            "loss": m.cast(mean, np.float64) * counted,
            "weight": counted,
            "metrics": map_tree(lambda s: m.cast(s, np.float64), metrics),
        }

    # -- the traced functions ----------------------------------------------------------------------

    def objective(
        self, state: State, batch: Batch, watch: Watch | None = None
    ) -> Callable[[Any], tuple[Any, Any]]:
        """What is minimized, as a function of the parameters: (its value, what else came out)."""
        x, y, weight = batch

        def objective(parameters: Any) -> tuple[Any, Any]:
            prediction, buffers, added = self.forward(state, parameters, x, True, watch)
            with inside_part("loss"):
                mean, counted = self.loss_of(prediction, y, weight)
                extra = self.penalty_of(state, parameters, added)
                total = mean if extra is None else mean + m.cast(extra, mean.dtype)
            return total, (mean, extra, counted, prediction, buffers)

        return objective

    def gradients(self, state: State, batch: Batch) -> tuple[Any, Any, Any, State]:
        """The gradient, the value it is of and its weight, and the state after both passes."""
        _, y, weight = batch
        objective, parameters = self.objective(state, batch), state["parameters"]
        (total, aux), gradients = value_and_grad(objective, has_aux=True)(parameters)
        if self.optimizer.perturb is not None:
            with inside_part("optimizer"):
                away = self.optimizer.perturb(gradients, parameters)
            gradients, _ = grad(objective, has_aux=True)(away)
        mean, extra, counted, prediction, buffers = aux
        with inside_part("metrics"):
            report = self.report(mean, counted, prediction, y, weight)
            if extra is not None:
                report = {**report, "penalty": extra * report["weight"]}
            sums, bad = state["sums"], ~m.isfinite(total)
            failed = m.where((sums["failed"] == NONE_FAILED) & bad, sums["count"], sums["failed"])
            if self.optimizer.tolerance:  # it leaves such batches out
                report = map_tree(lambda s: m.where(bad, m.zeros_like(s), s), report)
                buffers = map_tree(lambda a, b: m.where(bad, b, a), buffers, state["buffers"])
                failed = sums["failed"]
            added = map_tree(lambda a, b: a + b, {name: sums[name] for name in report}, report)
        following = {
            **state,
            "buffers": buffers,
            "batches": state["batches"] + 1,
            "sums": {**sums, **added, "failed": failed, "count": sums["count"] + 1},
        }
        return gradients, total, report["weight"], following

    def observed(self, state: State, batch: Batch) -> State:
        """The state after the optimizer has seen an estimate of the curvature: u ⊙ (H u)."""
        objective, parameters = self.objective(state, batch), state["parameters"]
        random = fold_in(fold_in(state["key"], state["batches"]), SIGNS)
        signs = {
            path: 2 * m.cast(bernoulli(fold_in(random, index), 0.5, value.shape), value.dtype) - 1
            for index, (path, value) in enumerate(parameters.items())
        }
        (products,) = hvp(lambda point: objective(point)[0], (parameters,), (signs,))
        with inside_part("optimizer"):
            estimates = {path: sign * products[path] for path, sign in signs.items()}
            optimizer = self.optimizer.observed(estimates, state["optimizer"])
        return {**state, "optimizer": optimizer}

    def gather(self, state: State, batch: Batch) -> State:
        """Add the gradient of a batch to those waiting for the next update."""
        gradients, value, weight, state = self.gradients(state, batch)
        total = _added(state["accumulated"], gradients, value, weight)
        return {**state, "accumulated": total}

    def update(self, state: State, batch: Batch) -> State:
        """One whole training step."""
        if "accumulated" in state:
            return self.flush(self.gather(state, batch))
        gradients, _, _, state = self.gradients(state, batch)
        return self.moved(state, gradients)

    def observing_update(self, state: State, batch: Batch) -> State:
        """One whole training step, after a look at the curvature."""
        return self.update(self.observed(state, batch), batch)

    def flush(self, state: State) -> State:
        """Update with the mean of the accumulated gradients, and empty the sum."""
        total = state["accumulated"]
        weight = m.where(total["weight"] == 0, 1.0, total["weight"])
        mean = map_tree(lambda g: g / m.cast(weight, g.dtype), total["gradients"])
        state = self.moved(state, mean)
        return {**state, "accumulated": map_tree(m.zeros_like, total)}

    def moved(self, state: State, gradients: Any) -> State:
        """The state after the optimizer has moved the parameters."""
        parameters = state["parameters"]
        with inside_part("optimizer"):
            updates, optimizer = self.optimizer.update(gradients, state["optimizer"], parameters)
            moved = map_tree(lambda p, u: p + u, parameters, updates)
            moved = projected(self.constraints, moved, state["fixed"])
        return {**state, "parameters": moved, "optimizer": optimizer}

    def evaluate(self, state: State, batch: Batch) -> tuple[Any, Any]:
        """Additive facts of a batch of unseen data, and the statistics that are concatenated."""
        x, y, weight = batch
        prediction, *_ = self.forward(state, state["parameters"], x, training=False)
        report = self.report(*self.loss_of(prediction, y, weight), prediction, y, weight)
        return report, self.statistics(prediction, y, weight, "concatenate")

    def predict(self, state: State, x: Any) -> Any:
        """The outputs of the network outside training."""
        prediction, *_ = self.forward(state, state["parameters"], x, training=False)
        _refuse_rows(prediction, x)
        return prediction

    def empty_sums(self, state: State, batch: Batch) -> dict[str, Any]:
        """The sums before the first batch of an epoch: zeros of the types a batch adds."""
        types, _ = result_types(self.evaluate, state, batch)
        zeros = map_tree(lambda t: np.zeros(t.shape, t.dtype), types)
        return {
            **zeros,
            "penalty": np.zeros(()),
            "failed": np.array(NONE_FAILED),
            "count": np.array(0),
        }


def _refuse_rows(prediction: Any, x: Any) -> None:
    """Every output has one row per sample, or it could not be weighted and put together."""
    shapes = [shape_of(leaf) for leaf in flatten(x)[0]]
    for leaf in flatten(prediction)[0]:
        if shape_of(leaf)[:1] != shapes[0][:1]:
            raise ShapeError(
                f"the network returned {_described(leaf)} for x of shape "
                f"{' and '.join(map(str, shapes))}, but an output has one row per sample, along "
                "the first axis. A single feature per sample needs an axis of its own, "
                "x[:, np.newaxis]; so does a single sample, x[np.newaxis]."
            )


def _like(path: str, new: Any, old: Any) -> Any:
    """A buffer after the step, in the type it had before: the state never changes its types."""
    if shape_of(new) != old.shape:
        raise ShapeError(
            f"the buffer `{path}` has shape {old.shape}, but was set to {_described(new)}."
        )
    return m.cast(new, old.dtype)


def _added(accumulated: Any, gradients: Any, value: Any, weight: Any) -> Any:
    """The sums with a batch more; of values too, where they are asked for."""
    total = accumulated["gradients"]
    summed = map_tree(lambda a, g: a + g * m.cast(weight, g.dtype), total, gradients)
    sums = {"gradients": summed, "weight": accumulated["weight"] + weight}
    if "value" in accumulated:
        sums["value"] = accumulated["value"] + m.cast(value, np.float64) * weight
    return sums


def _like_prediction(target: Any, prediction: Any) -> Any:
    """A floating target in the type of a (single) floating prediction."""
    leaves = flatten(prediction)[0]
    if target.dtype.kind == "f" and len(leaves) == 1 and leaves[0].dtype.kind == "f":
        return m.cast(target, leaves[0].dtype)
    return target


def _count(tree: Any) -> int:
    """How many samples there are along the first axis."""
    return int(flatten(tree)[0][0].shape[0])


def _is_tree(value: Any) -> bool:
    """Whether there are several arrays in a container, and not one array."""
    return flatten(value)[1].kind is not None


def _described(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"an array of shape {tuple(shape)}"


def _name(loss: Callable[..., Any]) -> str:
    return getattr(_unwrapped(loss), "__name__", type(loss).__name__)


def _unwrapped(loss: Any) -> Any:
    """What is inside `functools.partial`, which is how the options of a loss are set."""
    while isinstance(loss, partial):
        loss = loss.func
    return loss


def _accepts_weight(loss: Callable[..., Any]) -> bool:
    parameters = inspect.signature(loss).parameters.values()
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


def _refuse_several(what: str, prediction: Any, target: Any) -> None:
    """Losses and metrics of the library compare one array with one array."""
    for word, tree in (("prediction", prediction), ("target", target)):
        if _is_tree(tree):
            raise InvalidArgumentError(
                f"{what} compares one array with one array, but the {word} is a "
                f"{type(tree).__name__} of {len(flatten(tree)[0])}: write a function (prediction, "
                "target) that takes them apart, and adds up the losses of all outputs."
            )


@dataclass(frozen=True, eq=False)
class Compiled:
    """The traced functions of a recipe, compiled for one backend."""

    update: CompiledSteps
    observing_update: CompiledSteps
    gather: CompiledSteps
    flush: CompiledFunction
    evaluate: CompiledFunction
    predict: CompiledFunction

    @property
    def compilations(self) -> Compilations:
        """What compiling them has cost."""
        steps = (self.update, self.observing_update, self.gather)
        functions = (*steps, self.flush, self.evaluate, self.predict)
        return sum((function.compilations for function in functions), Compilations())


def compiled(recipe: Recipe, backend: str | None, threads: int | None) -> Compiled:
    """Compile each function of a recipe; they are traced when first called."""
    owned: dict[int, np.ndarray] = {}
    return Compiled(
        update=CompiledSteps(recipe.update, backend, threads, owned),
        observing_update=CompiledSteps(recipe.observing_update, backend, threads, owned),
        gather=CompiledSteps(recipe.gather, backend, threads, owned),
        flush=compile(recipe.flush, backend, threads),
        evaluate=compile(recipe.evaluate, backend, threads),
        predict=compile(recipe.predict, backend, threads),
    )
