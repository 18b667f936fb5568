"""Derivatives of functions: `grad`, `vjp`, `jvp`, `hvp`, `jacobian`, `hessian` and relatives.

Each returns or computes with trees of arrays. Called on arrays they give arrays; called inside a
traced function they become part of its graph, so they nest to any order and can be compiled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from gradiente.base.errors import NotDifferentiableError, TreeError
from gradiente.base.source import current_source
from gradiente.base.trees import Structure, Tree, flatten, leaves_as, map_tree, paths_of, unflatten
from gradiente.base.types import is_array, is_weak, type_of
from gradiente.batching.vmap import vmap
from gradiente.gradient.reverse import backward
from gradiente.graph.node import Node
from gradiente.ops.identity import identity
from gradiente.trace.finish import finished
from gradiente.trace.functions import Tensor, m
from gradiente.trace.surroundings import surrounded_by
from gradiente.trace.tensor import constant
from gradiente.trace.trace import name_of

Function = Callable[..., Any]


@dataclass(frozen=True)
class Variables:
    """The leaves of some arguments, made into fresh nodes that a gradient can be taken of."""

    nodes: list[Node]
    structure: Structure
    tree: Tree


def _variable(leaf: Any, path: str, copy: bool) -> Tensor:
    """A node of its own, so that the gradient of f(x) does not mix with other uses of x."""
    if isinstance(leaf, Tensor):
        return Tensor(_identity(leaf.node), leaf.weak)
    if not is_array(leaf) or np.asarray(leaf).dtype.kind != "f":
        kind = np.asarray(leaf).dtype if is_array(leaf) else type(leaf).__name__
        raise NotDifferentiableError(
            f"{path or 'the argument'} is {kind}; gradients are with respect to floating-point "
            "numbers. Write `x.astype(float)`, 3.0 instead of 3, or choose other arguments with "
            "argnums=." + current_source().explain()
        )
    own = type_of(leaf)
    value = np.array(leaf, own.dtype) if copy else np.asarray(leaf, own.dtype)
    return Tensor(Node(None, (), {}, own, value=value, name=path), is_weak(leaf))


def _identity(node: Node) -> Node:
    return Node(identity, (node,), {}, node.type, current_source())


def variables(tree: Tree, copy: bool = False) -> Variables:
    """Fresh nodes for all leaves of a tree."""
    leaves, structure = flatten(tree)
    tensors = [_variable(x, p, copy) for x, p in zip(leaves, paths_of(tree), strict=True)]
    for tensor in tensors:
        if not tensor.type.is_floating:
            raise NotDifferentiableError(
                f"a traced value of type {tensor.type} has no gradient; gradients are with respect "
                "to floating-point numbers." + current_source().explain()
            )
    return Variables([t.node for t in tensors], structure, unflatten(structure, tensors))


def _zeros(node: Node) -> Tensor:
    return Tensor(constant(np.zeros(node.type.shape, node.type.dtype)))


def _gradient(outputs: list[Node], seeds: list[Tensor], inputs: Variables) -> Tree:
    found = backward(outputs, seeds, inputs.nodes)
    filled = [g if g is not None else _zeros(n) for g, n in zip(found, inputs.nodes, strict=True)]
    return unflatten(inputs.structure, filled)


def _scalar(value: Any, function: Function) -> Tensor:
    """The loss as a floating Tensor without axes, or an error that says what it is instead."""
    tensor = value if isinstance(value, Tensor) else None
    if tensor is None and is_array(value):
        tensor = Tensor(constant(value))
    if tensor is None or tensor.shape != () or not tensor.type.is_floating:
        kind = str(tensor.type) if tensor is not None else type(value).__name__
        raise NotDifferentiableError(
            f"grad needs a function that returns one floating-point number; `{name_of(function)}` "
            f"returned {kind}. Take the mean or the sum of it, use has_aux=True to return more, or "
            "gd.jacobian for many outputs." + current_source().explain()
        )
    return tensor


def _pair(result: Any, function: Function) -> tuple[Any, Any]:
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise NotDifferentiableError(
            f"with has_aux=True a function returns a pair (loss, anything); `{name_of(function)}` "
            f"returned a {type(result).__name__}." + current_source().explain()
        )
    return result[0], result[1]


def selected(args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> tuple[int, ...]:
    """The places `argnums` chooses among the arguments, none of them negative."""
    chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for place in chosen:
        if not -len(args) <= place < len(args):
            raise NotDifferentiableError(
                f"argnums={place}, but the function was called with {len(args)} positional "
                "arguments." + current_source().explain()
            )
    return tuple(place % len(args) for place in chosen)


def value_and_grad(
    function: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Function:
    """A function that returns the value of `function` and its gradient.

    function: returns one floating-point number, or with `has_aux` a pair (number, anything).
    argnums: which positional arguments to differentiate; a tuple gives a tuple of gradients.
    The gradient has the structure of the argument: a tree of arrays of the same shapes and types.

    Raises `NotDifferentiableError` for integer arguments and for results that are no number.
    """

    @wraps(function, updated=())
    def derivative(*args: Any, **kwargs: Any) -> Any:
        chosen = selected(args, argnums)
        inputs = variables(tuple(args[place] for place in chosen))
        replaced = list(args)
        for place, value in zip(chosen, inputs.tree, strict=True):
            replaced[place] = value
        with surrounded_by(inputs.nodes):
            result = function(*replaced, **kwargs)
        value, aux = _pair(result, function) if has_aux else (result, None)
        loss = _scalar(value, function)
        one = Tensor(constant(np.ones((), loss.dtype)))
        gradients = _gradient([loss.node], [one], inputs)
        answer = gradients[0] if isinstance(argnums, int) else gradients
        pair = ((loss, aux) if has_aux else loss, answer)
        return finished(pair)

    return derivative


def grad(function: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of `function`: see `value_and_grad`.

    With `has_aux` it returns (gradient, aux).
    """
    both = value_and_grad(function, argnums, has_aux)

    @wraps(function, updated=())
    def derivative(*args: Any, **kwargs: Any) -> Any:
        value, gradients = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return derivative


def _output_nodes(result: Any, function: Function) -> tuple[list[Node], Structure]:
    leaves, structure = flatten(result)
    for leaf in leaves:
        if not isinstance(leaf, Tensor) and not is_array(leaf):
            raise NotDifferentiableError(
                f"`{name_of(function)}` returned a {type(leaf).__name__} among its outputs; "
                "only arrays have derivatives." + current_source().explain()
            )
    return [x.node if isinstance(x, Tensor) else constant(x) for x in leaves], structure


def _seeds(vectors: Tree, structure: Structure, nodes: list[Node]) -> list[Tensor]:
    """Cotangents as Tensors of the types of the values they belong to."""
    try:
        leaves = leaves_as(structure, vectors)
    except TreeError as error:
        raise TreeError(
            f"the vectors do not have the structure of the values they belong to: {error}"
            + current_source().explain()
        ) from None
    seeds = []
    for leaf, node in zip(leaves, nodes, strict=True):
        seed = leaf if isinstance(leaf, Tensor) else Tensor(constant(leaf))
        if seed.shape != node.type.shape:
            raise TreeError(
                f"a vector of shape {seed.shape} was given for a value of type {node.type}: "
                "the shapes must be equal." + current_source().explain()
            )
        seeds.append(m.cast(seed, node.type.dtype) if node.type.is_floating else seed)
    return seeds


def vjp(function: Function, *primals: Any) -> tuple[Any, Function]:
    """The value of `function` at `primals`, and the function that takes gradients backwards.

    `y, pullback = vjp(f, x)`: `pullback(ḡ)` is ḡᵀ ∂y/∂x, a tuple with one tree for each primal.
    ḡ has the structure and shapes of y.
    """
    inputs = variables(primals, copy=True)
    with surrounded_by(inputs.nodes):
        result = function(*inputs.tree)
    nodes, structure = _output_nodes(result, function)

    def pullback(vectors: Any) -> tuple[Any, ...]:
        return finished(_gradient(nodes, _seeds(vectors, structure, nodes), inputs))

    return finished(result), pullback


def _arguments(name: str, values: Any) -> tuple[Any, ...]:
    if not isinstance(values, tuple | list):
        raise TreeError(
            f"`{name}` has one entry for each argument of the function; for a single one write "
            f"`({name[:-1]},)`." + current_source().explain()
        )
    return tuple(values)


def jvp(function: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
    """The value of `function` and its derivative along a direction: (y, ∂y/∂x · t).

    Forward mode from two reverse passes: ḡ ↦ ḡᵀ ∂y/∂x is linear, and the gradient of its product
    with t is ∂y/∂x · t, whatever ḡ is. Only what that needs is computed.
    """
    inputs = variables(_arguments("primals", primals))
    with surrounded_by(inputs.nodes):
        result = function(*inputs.tree)
    nodes, structure = _output_nodes(result, function)
    directions = _seeds(_arguments("tangents", tangents), inputs.structure, inputs.nodes)
    floating = [node for node in nodes if node.type.is_floating]
    dummies = [Tensor(_identity(_zeros(node).node)) for node in floating]
    transposed = backward(floating, dummies, inputs.nodes)
    pairs = [(g, t) for g, t in zip(transposed, directions, strict=True) if g is not None]
    found = backward([g.node for g, _ in pairs], [t for _, t in pairs], [d.node for d in dummies])
    moved = iter(found)
    answer = []
    for node in nodes:
        tangent = next(moved) if node.type.is_floating else None
        answer.append(tangent if tangent is not None else _zeros(node))
    return finished((result, unflatten(structure, answer)))


def hvp(function: Function, primals: tuple[Any, ...], vectors: tuple[Any, ...]) -> Any:
    """The Hessian of a scalar function times a vector, without forming the Hessian.

    H v is the gradient of (∇f · v). Returns a tuple with one tree for each primal.
    """
    given = _arguments("primals", primals)
    derivative = grad(function, argnums=tuple(range(len(given))))
    return vjp(derivative, *given)[1](_arguments("vectors", vectors))


def jacobian(function: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """A function that returns ∂y/∂x: for each output and input, axes of y then axes of x.

    The result has the structure of the output, with the structure of the argument at each leaf.
    It takes one reverse pass, for all elements of the output at once.
    """

    @wraps(function, updated=())
    def derivative(*args: Any, **kwargs: Any) -> Any:
        chosen = selected(args, argnums)
        inputs = variables(tuple(args[place] for place in chosen))
        replaced = list(args)
        for place, value in zip(chosen, inputs.tree, strict=True):
            replaced[place] = value
        with surrounded_by(inputs.nodes):
            result = function(*replaced, **kwargs)
        nodes, structure = _output_nodes(result, function)
        blocks = [_jacobian_of(node, inputs) for node in nodes]
        picked = [block[0] if isinstance(argnums, int) else block for block in blocks]
        return finished(unflatten(structure, picked))

    return derivative


def _jacobian_of(node: Node, inputs: Variables) -> Tree:
    """All rows of one output: the reverse pass of one element, mapped over all of them."""
    if not node.type.is_floating:
        raise NotDifferentiableError(
            f"an output of type {node.type} has no derivative." + current_source().explain()
        )
    size, shape = node.type.size, node.type.shape
    seeds = np.eye(size, dtype=node.type.dtype).reshape(size, *shape)
    rows = vmap(lambda seed: _gradient([node], [seed], inputs))(seeds)
    return map_tree(lambda each: m.reshape(each, (*shape, *each.shape[1:])), rows)


def hessian(function: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """A function that returns the matrix of second derivatives of a scalar function."""
    return jacobian(grad(function, argnums), argnums)
