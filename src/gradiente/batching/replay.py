"""What was recorded once is recorded again on other values, which may stand for many samples.

Each operation has a *batching rule* that says what it becomes once some of its inputs have an
additional axis, that of the samples, which always comes first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gradiente.base.errors import UnsupportedFunctionError
from gradiente.base.source import attributed_to
from gradiente.graph.node import Node
from gradiente.graph.walk import reachable
from gradiente.ops.identity import custom_gradient
from gradiente.ops.operation import Operation
from gradiente.ops.scan import scan
from gradiente.trace.functions import Tensor, bind, m

Rule = Callable[..., "Tensor | Samples"]

# Their parameters look at nodes themselves: recorded again, they must look at others.
LOOKING = (custom_gradient, scan)

# `rule(*inputs, **params)` takes `Samples`, and gives a Tensor with the axis of the samples first.
RULES: dict[Operation, Rule] = {}


def batches(*operations: Operation) -> Callable[[Rule], Rule]:
    """Enter the batching rule of operations (a decorator)."""

    def decorate(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(operations, rule))
        return rule

    return decorate


@dataclass(frozen=True)
class Samples:
    """The values something has for all samples.

    tensor: if `mapped`, with the axis of the samples first; else the one value it has for all.
    replay: what they are part of.
    """

    tensor: Tensor
    mapped: bool
    replay: "Replay"

    @property
    def size(self) -> int:
        """How many samples there are."""
        return self.replay.size

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape for one sample."""
        return self.tensor.shape[1:] if self.mapped else self.tensor.shape

    @property
    def each(self) -> Tensor:
        """The values with the axis of the samples, repeated along it if there is one for all."""
        if self.mapped:
            return self.tensor
        repeated: Tensor = m.broadcast_to(self.tensor, (self.size, *self.shape))
        return repeated

    def aligned(self, ndim: int) -> Tensor:
        """To be broadcast: axes of length 1 between that of the samples and the others."""
        if not self.mapped:
            return self.tensor
        ones = (1,) * (ndim - len(self.shape))
        wide: Tensor = m.reshape(self.tensor, (self.size, *ones, *self.shape))
        return wide


class Replay:
    """Operations recorded again, as far as they depend on given nodes.

    size: how many samples there are. known: what stands for each node that has been replaced.
    """

    def __init__(self, size: int, known: Mapping[Node, tuple[Tensor, bool]]):
        self.size = size
        self.known = {node: Samples(*value, self) for node, value in known.items()}
        self.first = min((node.number for node in self.known), default=0)

    def of(self, node: Node) -> Samples:
        """What a node has become; itself, if it does not depend on what was replaced."""
        for each in reachable([node], stop=self._is_settled):
            # The rule of a custom gradient may look at what its inputs do not depend on.
            open_ended = each.operation is custom_gradient
            if not self._is_settled(each) and (open_ended or self.known.keys() & each.inputs):
                with attributed_to(each.source):
                    self.known[each] = self._again(each)
        return self._samples(node)

    def extended(self, known: Mapping[Node, tuple[Tensor, bool]]) -> "Replay":
        """The same with further nodes replaced."""
        before = {node: (each.tensor, each.mapped) for node, each in self.known.items()}
        return Replay(self.size, {**before, **known})

    def _is_settled(self, node: Node) -> bool:
        return node in self.known or node.number < self.first

    def _samples(self, node: Node) -> Samples:
        return self.known.get(node) or Samples(Tensor(node), False, self)

    def _again(self, node: Node) -> Samples:
        operation, inputs = node.operation, [self._samples(item) for item in node.inputs]
        assert operation is not None
        if not any(each.mapped for each in inputs) and operation not in LOOKING:
            tensors = [each.tensor for each in inputs]
            return Samples(bind(operation, *tensors, **node.params), False, self)
        if operation.family == "elementwise":
            return Samples(_elementwise(operation, inputs, node.params), True, self)
        if operation not in RULES:
            raise UnsupportedFunctionError(
                f"`vmap` does not know what `{operation.name}` is for many samples: it has no "
                "batching rule. Write a loop over the samples." + node.source.explain()
            )
        value = RULES[operation](*inputs, **node.params)
        return value if isinstance(value, Samples) else Samples(value, True, self)


def _elementwise(operation: Operation, inputs: list[Samples], params: dict[str, Any]) -> Tensor:
    ndim = max(len(each.shape) for each in inputs)
    result: Tensor = bind(operation, *(each.aligned(ndim) for each in inputs), **params)
    return result
