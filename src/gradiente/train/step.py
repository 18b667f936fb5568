"""The training step as one traced function: forward, loss, backward, clipping, update, metrics.

A step is a pure function `(state, batch) -> state`. The state is a nested tree: everything that
changes during training is in it, and nothing hides elsewhere.

    parameters   what is trained, by path
    fixed        parameters that are frozen, by path
    buffers      running statistics, by path
    optimizer    moments, number of updates, scale of the learning rate
    key          of all random numbers; each step draws from fold_in(key, batches)
    batches      how many batches were seen since the beginning
    accumulated  the sum of gradients since the last update, if updates gather several batches
    sums         loss, weight and metrics of the epoch so far, and the first batch that failed
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.backends.compile import CompiledFunction, compile
from gradiente.base.errors import DataError
from gradiente.base.trees import flatten, map_tree
from gradiente.gradient.derivatives import value_and_grad
from gradiente.metrics.metric import Metric
from gradiente.nn.context import Context, running
from gradiente.nn.module import Module
from gradiente.optimizers.optimizer import Optimizer
from gradiente.trace.functions import m
from gradiente.trace.random import fold_in, key
from gradiente.trace.trace import result_types

State = dict[str, Any]
Batch = tuple[Any, Any, Any]
Loss = Callable[..., Any]

NONE_FAILED = -1


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a step is made of. Calling its methods inside a trace writes the step down."""

    network: Module
    loss: Loss
    optimizer: Optimizer
    metrics: Sequence[Metric]

    # -- the pieces --------------------------------------------------------------------------------

    def forward(self, state: State, parameters: Any, x: Any, training: bool) -> tuple[Any, Any]:
        """The prediction of the network, and its buffers afterwards."""
        values = {**parameters, **state["fixed"], **state["buffers"]}
        random = fold_in(state["key"], state["batches"]) if training else None
        context = Context(training, key=random, paths=self.network.module_paths())
        with self.network.bound(values) as slots, running(context):
            prediction = self.network(x)
            buffers = {slot.path: slot.value for slot in slots if not slot.is_parameter}
        return prediction, buffers

    def loss_of(self, prediction: Any, y: Any, weight: Any) -> Any:
        """The mean loss of a batch; floating targets are compared in the prediction's type."""
        target = map_tree(lambda t: _like_prediction(t, prediction), y)
        if weight is None:
            return self.loss(prediction, target)
        if not _accepts_weight(self.loss):
            raise DataError(
                f"the loss `{getattr(self.loss, '__name__', self.loss)}` takes no sample_weight=; "
                "add that argument to it, or train without weights."
            )
        return self.loss(prediction, target, sample_weight=weight)

    def statistics(self, prediction: Any, y: Any, weight: Any, combine: str) -> dict[str, Any]:
        """What the metrics need of one batch, for those that combine in the given way."""
        return {
            metric.name: metric.statistics(prediction, y, weight)
            for metric in self.metrics
            if metric.combine == combine
        }

    def report(self, loss: Any, prediction: Any, y: Any, weight: Any) -> dict[str, Any]:
        """The additive facts of one batch, in float64."""
        count = float(flatten(prediction)[0][0].shape[0])
        total = count if weight is None else m.sum(m.cast(weight, np.float64))
        metrics = self.statistics(prediction, y, weight, "sum")
        return {
            "loss": m.cast(loss, np.float64) * total,
            "weight": m.cast(total, np.float64) + np.zeros(()),
            "metrics": map_tree(lambda s: m.cast(s, np.float64), metrics),
        }

    # -- the traced functions ----------------------------------------------------------------------

    def gradients(self, state: State, batch: Batch) -> tuple[Any, Any, State]:
        """Gradients times weight, the weight, and the state after forward and backward."""
        x, y, weight = batch

        def objective(parameters: Any) -> tuple[Any, Any]:
            prediction, buffers = self.forward(state, parameters, x, training=True)
            return self.loss_of(prediction, y, weight), (prediction, buffers)

        both = value_and_grad(objective, has_aux=True)
        (loss, (prediction, buffers)), gradients = both(state["parameters"])
        report = self.report(loss, prediction, y, weight)
        sums = state["sums"]
        failed = m.where(
            (sums["failed"] == NONE_FAILED) & ~m.isfinite(loss), sums["count"], sums["failed"]
        )
        added = map_tree(lambda a, b: a + b, {k: sums[k] for k in report}, report)
        following = {
            **state,
            "buffers": buffers,
            "batches": state["batches"] + 1,
            "sums": {**added, "failed": failed, "count": sums["count"] + 1},
        }
        return gradients, report["weight"], following

    def accumulate(self, state: State, batch: Batch) -> State:
        """Add the gradient of a batch to those waiting for the next update."""
        gradients, weight, state = self.gradients(state, batch)
        return {**state, "accumulated": _added(state["accumulated"], gradients, weight)}

    def update(self, state: State, batch: Batch) -> State:
        """One whole training step."""
        gradients, weight, state = self.gradients(state, batch)
        if "accumulated" in state:
            state = {**state, "accumulated": _added(state["accumulated"], gradients, weight)}
            return self.flush(state)
        return self.moved(state, gradients)

    def flush(self, state: State) -> State:
        """Update with the mean of the accumulated gradients, and empty the sum."""
        total = state["accumulated"]
        mean = map_tree(lambda g: g / m.cast(total["weight"], g.dtype), total["gradients"])
        state = self.moved(state, mean)
        return {**state, "accumulated": map_tree(lambda g: g * 0, total)}

    def moved(self, state: State, gradients: Any) -> State:
        """The state after the optimizer has moved the parameters."""
        parameters = state["parameters"]
        updates, optimizer = self.optimizer.update(gradients, state["optimizer"], parameters)
        moved = map_tree(lambda p, u: p + u, parameters, updates)
        return {**state, "parameters": moved, "optimizer": optimizer}

    def evaluate(self, state: State, batch: Batch) -> tuple[Any, Any]:
        """Additive facts of a batch of unseen data, and the statistics that are concatenated."""
        x, y, weight = batch
        prediction, _ = self.forward(state, state["parameters"], x, training=False)
        report = self.report(self.loss_of(prediction, y, weight), prediction, y, weight)
        return report, self.statistics(prediction, y, weight, "concatenate")

    def predict(self, state: State, x: Any) -> Any:
        """The outputs of the network outside training."""
        return self.forward(state, state["parameters"], x, training=False)[0]

    # -- beginning ---------------------------------------------------------------------------------

    def initial_state(self, seed: int, accumulate: int) -> State:
        """The state before the first batch, from the network as it is."""
        network = self.network
        parameters = _copied(network.parameters(trainable=True))
        state: State = {
            "parameters": parameters,
            "fixed": _copied(network.parameters(trainable=False)),
            "buffers": _copied(network.buffers()),
            "optimizer": self.optimizer.init(parameters),
            "key": key(seed),
            "batches": np.zeros((), np.int64),
        }
        if accumulate > 1:
            gradients = {path: np.zeros_like(value) for path, value in parameters.items()}
            state["accumulated"] = {"gradients": gradients, "weight": np.zeros(())}
        return state

    def empty_sums(self, state: State, batch: Batch) -> dict[str, Any]:
        """The sums before the first batch of an epoch: zeros of the types a batch adds."""
        types, _ = result_types(self.evaluate, state, batch)
        zeros = map_tree(lambda t: np.zeros(t.shape, t.dtype), types)
        return {**zeros, "failed": np.array(NONE_FAILED), "count": np.array(0)}


def _copied(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {path: np.array(value) for path, value in state.items()}


def _added(accumulated: Any, gradients: Any, weight: Any) -> Any:
    total = accumulated["gradients"]
    summed = map_tree(lambda a, g: a + g * m.cast(weight, g.dtype), total, gradients)
    return {"gradients": summed, "weight": accumulated["weight"] + weight}


def _like_prediction(target: Any, prediction: Any) -> Any:
    """A floating target in the type of a (single) floating prediction."""
    leaves = flatten(prediction)[0]
    if target.dtype.kind == "f" and len(leaves) == 1 and leaves[0].dtype.kind == "f":
        return m.cast(target, leaves[0].dtype)
    return target


def _accepts_weight(loss: Loss) -> bool:
    parameters = inspect.signature(loss).parameters.values()
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


@dataclass(frozen=True, eq=False)
class Compiled:
    """The traced functions of a recipe, compiled for one backend."""

    update: CompiledFunction
    accumulate: CompiledFunction
    flush: CompiledFunction
    evaluate: CompiledFunction
    predict: CompiledFunction


def compiled(recipe: Recipe, backend: str | None) -> Compiled:
    """Compile each function of a recipe; they are traced when first called."""
    return Compiled(
        *(
            compile(function, backend)
            for function in (
                recipe.update,
                recipe.accumulate,
                recipe.flush,
                recipe.evaluate,
                recipe.predict,
            )
        )
    )
