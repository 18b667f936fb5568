"""The flow of the gradient through a network on one batch: a few numbers for every layer.

For a layer with parameters θ and output a, on a batch of n samples with the mean loss L:

    gradient    ‖∂L/∂θ‖
    activation  √(Σ a² / n), the root mean square over the samples of the norm of the output
    error       √(n Σ (∂L/∂a)²), the same of the error signal n ∂L/∂a of each sample
    update      ‖Δθ‖ / ‖θ‖, where Δθ is what the optimizer would add after this batch alone
    dead        share of the units behind a rectifier that let no gradient through for any sample
    saturated   share of the values behind a bounded activation that are on its flat ends

Norms are Euclidean. The last two are of the activation functions of the library that follow the
layer. What does not exist is not a number: an error signal inside a scan, for example.

This is a function of its own, compiled beside the training step: it changes no bit of the training,
and steps on batches that are not looked at cost what they cost without it.
"""

import math
from collections.abc import Callable, Container, Iterable
from typing import Any

import numpy as np

from gradiente.base.trees import flatten
from gradiente.gradient.derivatives import Variables, variables
from gradiente.gradient.reverse import backward
from gradiente.graph.node import Node
from gradiente.nn.context import Activated
from gradiente.nn.module import Module
from gradiente.trace.functions import Tensor, m
from gradiente.trace.surroundings import surrounded_by
from gradiente.trace.tensor import constant
from gradiente.train.history_flow import STATISTICS
from gradiente.train.state import State
from gradiente.train.step import Batch, Recipe, Watch

# A slope below these is none: absolute for rectifiers, relative to the steepest for bounded ones.
NO_SLOPE, FLAT = 1e-3, 0.05

RECTIFIERS = {
    *("relu", "relu6", "relu2", "elu", "celu", "selu", "silu", "hard_silu", "mish"),
    *("gelu", "gelu_tanh", "quick_gelu", "softplus", "squareplus", "sparse_plus"),
    *("threshold", "hard_shrink", "soft_shrink"),
}
"""Activations, elementwise, behind which a unit can be dead."""

BOUNDED = {
    **dict.fromkeys(("tanh", "hard_tanh", "softsign"), 1.0),
    **{"sigmoid": 0.25, "hard_sigmoid": 1 / 6, "sparse_sigmoid": 0.5},
}
"""Activations, elementwise, with flat ends on both sides: their steepest slope."""


def flow(recipe: Recipe, state: State, batch: Batch) -> dict[str, Any]:
    """For each layer, by path, an array of the `STATISTICS`, in the order of the forward pass."""
    watch, inputs = Watch(), variables(state["parameters"])
    with surrounded_by(inputs.nodes):
        total, _ = recipe.objective(state, batch, watch)(inputs.tree)
    own = _own_parameters(recipe.network, inputs.tree)
    outputs = _outputs(watch, own)
    before = {id(each): each.x.node for each in watch.activations if _is_floating(each.x)}
    nodes = [*(node for of_layer in outputs.values() for node in of_layer), *before.values()]
    gradients, errors = _backward(total, inputs, list(dict.fromkeys(nodes)))
    updates = _updates(recipe, state, gradients)
    # What happens inside a scan, or is cut off from the loss, gets no error signal.
    alive = [each for each in watch.activations if before.get(id(each)) in errors]
    slopes = _slopes(watch, outputs, alive)
    return {
        path: _statistics(
            [(state["parameters"][p], gradients[p], updates.get(p)) for p in own[path]],
            [(Tensor(node), errors[node]) for node in results if node in errors],
            slopes.get(path, []),
        )
        for path, results in outputs.items()
    }


def flow_function(recipe: Recipe) -> Callable[[State, Batch], dict[str, Any]]:
    """`flow` of a recipe, to be compiled."""

    def gradient_flow(state: State, batch: Batch) -> dict[str, Any]:
        return flow(recipe, state, batch)

    return gradient_flow


# -- which layers, and their outputs ---------------------------------------------------------------


def _own_parameters(network: Module, parameters: dict[str, Any]) -> dict[str, list[str]]:
    """The paths of the trained parameters of each module that has its own, by its path."""
    paths = network.module_paths()
    own: dict[str, list[str]] = {}
    for slot in network.slots():
        if slot.path in parameters:
            own.setdefault(paths[id(slot.module)], []).append(slot.path)
    return own


def _outputs(watch: Watch, own: dict[str, list[str]]) -> dict[str, list[Node]]:
    """The floating-point results of each layer; first those never called, then in order."""
    called = [path for path, _, _ in watch.calls if path in own]
    outputs: dict[str, list[Node]] = {path: [] for path in own if path not in called}
    for path, _, result in watch.calls:
        if path in own:
            leaves = [leaf.node for leaf in flatten(result)[0] if _is_floating(leaf)]
            outputs.setdefault(path, []).extend(leaves)
    return outputs


def _is_floating(value: Any) -> bool:
    return isinstance(value, Tensor) and value.type.is_floating


# -- the numbers -----------------------------------------------------------------------------------


def _backward(
    total: Tensor, inputs: Variables, nodes: list[Node]
) -> tuple[dict[str, Any], dict[Node, Tensor]]:
    """The gradients of the parameters by path, and the error signals at the nodes that have one."""
    one = Tensor(constant(np.ones((), total.dtype)))
    found = backward([total.node], [one], inputs.nodes, nodes)
    count = len(inputs.nodes)
    gradients = {
        path: m.zeros_like(value) if gradient is None else gradient
        for (path, value), gradient in zip(inputs.tree.items(), found[:count], strict=True)
    }
    pairs = zip(nodes, found[count:], strict=True)
    return gradients, {node: error for node, error in pairs if error is not None}


def _updates(recipe: Recipe, state: State, gradients: dict[str, Any]) -> dict[str, Any]:
    """What the optimizer would add to each parameter; nothing for one that searches."""
    if recipe.optimizer.search is not None:
        return {}
    updates, _ = recipe.optimizer.update(gradients, state["optimizer"], state["parameters"])
    return updates


def _statistics(
    parameters: list[tuple[Any, Any, Any]],
    results: list[tuple[Tensor, Tensor]],
    slopes: list[tuple[str, Tensor]],
) -> Any:
    """The numbers of one layer. parameters: (value, gradient, update) of each of its own.

    results: (output, error signal); slopes: (name, slope) of the activations behind it.
    """
    values, gradients, updates = zip(*parameters, strict=True)
    known = all(each is not None for each in updates)
    flat = [m.abs(s) < FLAT * BOUNDED[name] for name, s in slopes if name in BOUNDED]
    numbers = (
        _norm(gradients),
        m.sqrt(sum(_squares(a) / _samples(a) for a, _ in results)) if results else np.nan,
        m.sqrt(sum(_squares(e) * _samples(e) for _, e in results)) if results else np.nan,
        _ratio(_norm(updates), _norm(values)) if known else np.nan,
        _share([_without_slope(s) for name, s in slopes if name not in BOUNDED]),
        _share(flat),
    )
    assert len(numbers) == len(STATISTICS)
    return m.stack([m.cast(number, np.float64) + np.zeros(()) for number in numbers])


def _norm(arrays: Iterable[Any]) -> Any:
    return m.sqrt(sum(map(_squares, arrays)))


def _ratio(a: Any, b: Any) -> Any:
    """a / b; not a number where b is zero."""
    return m.where(b == 0, np.nan, a / m.where(b == 0, 1.0, b))


def _squares(x: Any) -> Any:
    """Σ x² in float64, where the squares of large numbers are still numbers."""
    return m.sum(m.square(m.cast(x, np.float64)))


def _samples(x: Tensor) -> int:
    return x.shape[0] if x.shape else 1


def _share(flags: list[Any]) -> Any:
    """The share of what is true among all of them; not a number if there are none."""
    count = sum(math.prod(flag.shape) for flag in flags)
    return sum(m.sum(m.cast(flag, np.float64)) for flag in flags) / count if count else np.nan


def _without_slope(slope: Tensor) -> Any:
    """Which units, along the last axis, have no slope for any sample."""
    return m.max(m.abs(slope), axis=tuple(range(len(slope.shape) - 1))) < NO_SLOPE


# -- activation functions --------------------------------------------------------------------------


def _slopes(
    watch: Watch, outputs: dict[str, list[Node]], activations: list[Activated]
) -> dict[str, list[tuple[str, Tensor]]]:
    """(name, slope at each value) of the activations behind each layer, by its path."""
    made_by = {node: path for path, nodes in outputs.items() for node in nodes}
    found: dict[str, list[tuple[str, Tensor]]] = {}
    for each in activations:
        path = _layer_of(each, watch, made_by, outputs)
        if path is not None and (each.name in RECTIFIERS or each.name in BOUNDED):
            found.setdefault(path, []).append((each.name, _slope(each)))
    return found


def _layer_of(
    activated: Activated, watch: Watch, made_by: dict[Node, str], layers: Container[str]
) -> str | None:
    """The layer an activation belongs to: whose output it got, which called it, or the last one."""
    if activated.x.node in made_by:
        return made_by[activated.x.node]
    if activated.within in layers:
        return activated.within
    done = [path for path, _, _ in watch.calls[: activated.calls] if path in layers]
    return done[-1] if done else None


def _slope(activated: Activated) -> Tensor:
    """The derivative of an elementwise function at each value it was given."""
    inputs = variables(activated.x)
    with surrounded_by(inputs.nodes):
        value = activated.function(inputs.tree)
    ones = Tensor(constant(np.ones(value.shape, value.dtype)))
    (slope,) = backward([value.node], [ones], inputs.nodes)
    return m.zeros_like(activated.x) if slope is None else slope
