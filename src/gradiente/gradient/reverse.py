"""Backpropagation itself: the chain rule from the output back to what it depends on."""

from collections.abc import Iterable

from gradiente.base.errors import InvalidGraphError
from gradiente.base.source import attributed_to
from gradiente.gradient.total import total
from gradiente.graph.node import Node
from gradiente.graph.walk import between
from gradiente.trace.functions import Tensor, m


def backward(
    outputs: Iterable[Node],
    seeds: Iterable[Tensor],
    sources: Iterable[Node],
    watched: Iterable[Node] = (),
) -> list[Tensor | None]:
    """The gradient of Σ outputs · seeds with respect to each source; `None` where there is none.

    watched: values on the way from the sources to the outputs, whose gradients follow in the list.

    Nodes are visited from the outputs backwards in reverse topological order, so that the gradient
    of a value is complete, the sum over all its uses, before it is passed on to its inputs. In
    y = x · x + x the gradient of x is the sum of three contributions: passing the first one on
    before the others have arrived would lose them.

    Local gradients are written on Tensors, so what this records is again part of the graph: it is
    compiled with the forward pass, and can be differentiated itself.
    """
    outputs, sources = list(outputs), list(sources)
    wanted = set(sources)
    path = between(wanted, outputs, through=lambda node: node.type.is_floating)
    contributions: dict[Node, list[Tensor]] = {}
    for node, seed in zip(outputs, seeds, strict=True):
        if node in path:
            _add(contributions, node, seed)
    for node in sorted(path, key=lambda node: -node.number):
        if node in wanted or node not in contributions:
            continue
        local = _local(node, _total(contributions, node))
        for source, contribution in zip(node.inputs, local, strict=True):
            if contribution is not None and source in path:
                _add(contributions, source, contribution)
    asked = [*sources, *watched]
    return [_total(contributions, node) if node in contributions else None for node in asked]


def _local(node: Node, gradient: Tensor) -> tuple[Tensor | None, ...]:
    """The gradient handed on to each input of a node, by its operation's local gradient."""
    assert node.operation is not None
    if node.operation.pullback is None:
        return (None,) * len(node.inputs)
    with attributed_to(node.source):
        return node.operation.pullback(
            m, gradient, Tensor(node), *map(Tensor, node.inputs), **node.params
        )


def _add(contributions: dict[Node, list[Tensor]], node: Node, contribution: Tensor) -> None:
    if contribution.type != node.type:
        raise InvalidGraphError(f"{node!r} got a gradient of type {contribution.type}.")
    contributions.setdefault(node, []).append(contribution)


def _total(contributions: dict[Node, list[Tensor]], node: Node) -> Tensor:
    with attributed_to(node.source):
        return total(contributions[node])
