"""`checkpoint`: values that are not kept for the backward pass, but computed again in it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from gradiente.base.trees import flatten, unflatten
from gradiente.batching.replay import Replay, Samples
from gradiente.gradient.reverse import backward
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.graph.walk import reachable
from gradiente.ops import identity as table
from gradiente.trace.functions import Tensor, bind, m
from gradiente.trace.tensor import constant


def checkpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, of which less is remembered: a gradient computes its inner values again.

    Backpropagation keeps every value that a local gradient needs from the forward pass until it
    comes by on its way back. Of a checkpointed function it keeps the inputs and the results alone;
    what lies between them is computed a second time when the gradient has arrived there. A chain of
    n layers in √n checkpointed parts needs memory for about 2 √n of them, for one more forward
    pass. Values and gradients stay the same. It pays in compiled functions.

    Chen, Xu, Zhang & Guestrin, "Training deep nets with sublinear memory cost", 2016.
    """

    @wraps(function, updated=())
    def forgetful(*args: Any, **kwargs: Any) -> Any:
        before = constant(0.0)
        leaves, structure = flatten(function(*args, **kwargs))
        places = [i for i, leaf in enumerate(leaves) if _is_computed(leaf, before)]
        for dtype in dict.fromkeys(leaves[i].dtype for i in places):
            alike = [i for i in places if leaves[i].dtype == dtype]
            joined = _forgotten([leaves[i] for i in alike], before)
            leaves = [joined.pop(0) if i in alike else leaf for i, leaf in enumerate(leaves)]
        return unflatten(structure, leaves)

    return forgetful


def _is_computed(leaf: Any, before: Node) -> bool:
    """True for a floating result that was recorded after a given node."""
    return isinstance(leaf, Tensor) and leaf.type.is_floating and leaf.node.number > before.number


def _forgotten(results: list[Tensor], before: Node) -> list[Any]:
    """Results of one data type, tied to what they were computed from.

    Several are tied as one value, so that what they have in common is computed again only once.
    """
    if len(results) == 1:
        return [_tied(results[0], before)]
    packed = _tied(m.concatenate([m.ravel(each) for each in results]), before)
    joints = [sum(each.size for each in results[:i]) for i in range(1, len(results))]
    parts = m.split(packed, joints)
    return [m.reshape(part, each.shape) for part, each in zip(parts, results, strict=True)]


def _tied(y: Tensor, before: Node) -> Tensor:
    known = reachable([y.node], stop=lambda node: node.number < before.number)
    inputs = [node for node in known if node.number < before.number]
    body = Recomputed(Graph("checkpoint", tuple(inputs), (y.node,)))
    tied: Tensor = bind(table.checkpoint, y, *map(Tensor, inputs), body=body)
    return tied


@dataclass(eq=False, repr=False)
class Recomputed:
    """How a value is computed from its inputs, to be done again."""

    graph: Graph

    def __repr__(self) -> str:
        return f"{sum(1 for _ in self.graph.steps)} operations"

    def pullback(self, g: Any, inputs: tuple[Any, ...]) -> list[Any]:
        """The gradients, by a graph of its own that cannot begin before g is known."""
        late = [bind(table.after, x, g) for x in inputs]
        y = self._again(1, [(x, False) for x in late]).tensor
        sources = [x.node for x in late if x.type.is_floating]
        found = dict(zip(sources, backward([y.node], [g], sources), strict=True))
        return [found.get(x.node) for x in late]

    def replayed(self, inputs: tuple[Samples, ...]) -> "Recomputed":
        """The same for many samples."""
        nodes = [Node(None, (), {}, each.tensor.type) for each in inputs]
        given = [(Tensor(n), each.mapped) for n, each in zip(nodes, inputs, strict=True)]
        y = self._again(inputs[0].size, given).each
        return Recomputed(Graph("checkpoint", tuple(nodes), (y.node,)))

    def _again(self, size: int, inputs: list[tuple[Tensor, bool]]) -> Samples:
        known = dict(zip(self.graph.inputs, inputs, strict=True))
        return Replay(size, known).of(self.graph.outputs[0])
