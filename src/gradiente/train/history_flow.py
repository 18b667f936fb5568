"""The flow of the gradient as a history keeps it: plain data, one dict per epoch and layer."""

import math
from collections.abc import Iterable
from typing import Any

from gradiente.base.errors import InvalidArgumentError

STATISTICS = ("gradient", "activation", "error", "update", "dead", "saturated")

FlowRow = dict[str, Any]
Look = dict[str, list[float]]  # the statistics of one batch, by layer


def checked_flow(rows: Iterable[FlowRow]) -> list[FlowRow]:
    """The rows of a flow, if that is what they are; `InvalidArgumentError` for anything else."""
    return [_checked(row) for row in rows]


def _checked(row: FlowRow) -> FlowRow:
    whole = isinstance(row, dict) and set(row) == {"epoch", "layer", "kind", *STATISTICS}
    if not whole or not isinstance(row["epoch"], int) or isinstance(row["epoch"], bool):
        raise InvalidArgumentError(
            f"a row of the flow has an epoch, a layer, its kind, and {', '.join(STATISTICS)}, "
            f"not {row!r}."
        )
    if not isinstance(row["layer"], str) or not isinstance(row["kind"], str):
        raise InvalidArgumentError("`layer` and `kind` in a row of the flow are texts.")
    for name in STATISTICS:
        value = row[name]
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InvalidArgumentError(f"`{name}` in a row of the flow is {value!r}, no number.")
    return dict(row)


def mean_flow(epoch: int, kinds: dict[str, str], measured: list[Look]) -> list[FlowRow]:
    """The rows of an epoch: means over the batches that were looked at.

    measured: the `STATISTICS` of each of them. kinds: what each layer is.
    """
    if not measured:
        return []
    return [
        {"epoch": epoch, "layer": layer, "kind": kinds.get(layer, "")}
        | {
            name: _mean([batch[layer][place] for batch in measured])
            for place, name in enumerate(STATISTICS)
        }
        for layer in measured[0]
    ]


def _mean(values: list[float]) -> float | None:
    """The mean of what was measured; `None` if nothing was."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else None


class FlowSampling:
    """Which batches of a training are looked at: about every hundredth, but few in one epoch.

    asked: `True` for that, a number for every so many batches without a limit, `False` for none.
    A look takes as long as about three steps, and some Python besides, which is as long as many
    steps of a small network: such networks are looked at more rarely.
    """

    SHARE, MOST = 0.025, 2  # of the time of a training, roughly; looks in one epoch
    STEPS, PYTHON = 3.0, 0.35e-3  # what a look takes: steps, and seconds
    EPOCH = 1e-3  # what an epoch takes besides its steps, in seconds
    LEAST, RATE = 2e-6, 5e10  # a step, roughly: seconds, and weights times samples in a second

    def __init__(self, asked: bool | int):
        self._asked = asked

    def due(
        self, first: int, batches: int, seen: int = 0, work: float = 1e15, rest: bool = False
    ) -> list[int]:
        """The places of such batches in an epoch, or in a part of it.

        first: how many batches there were before it; seen: how many of the epoch were looked at.
        work: the weights of the network times the samples of a batch. rest: whether a smaller one
        comes after the batches; the one before is looked at in its place, as it would need a
        compilation of its own. (Left out it might be the one that is due in every epoch.)
        """
        if not self._asked or not batches:
            return []
        sampled = self._asked is True
        every = self._every(batches, work) if sampled else int(self._asked)
        left = max(self.MOST - seen, 0) if sampled else None
        places = range((-first - 1) % every, batches + rest, every)
        return sorted({min(place, batches - 1) for place in places})[:left]

    def _every(self, batches: int, work: float) -> int:
        """How many batches take so long that one look is a small share of it."""
        step = self.LEAST + work / self.RATE
        look, batch = self.PYTHON + self.STEPS * step, step + self.EPOCH / batches
        return math.ceil(look / (self.SHARE * batch))
