"""Loss and metrics of a network on given samples, exact whatever the size of the batches."""

from collections.abc import Iterable, Sequence
from typing import Any

from gradiente.backends.compile import CompiledFunction
from gradiente.base.trees import map_tree
from gradiente.metrics.metric import Metric
from gradiente.train.inputs import Samples
from gradiente.train.state import State


def measured(
    evaluate: CompiledFunction,
    weights: State,
    batches: Iterable[Samples],
    metrics: Sequence[Metric],
) -> dict[str, Any]:
    """{"loss": ..., name of a metric: ...} over the samples of all batches."""
    reports, pieces = [], []
    for batch in batches:
        report, piece = evaluate(weights, batch.as_tuple())
        reports.append(report)
        pieces.append(piece)
    return values_of(map_tree(lambda *parts: sum(parts), *reports), metrics, pieces)


def values_of(
    sums: Any, metrics: Sequence[Metric], pieces: Sequence[Any] | None = None
) -> dict[str, Any]:
    """Loss and metrics from what has been added up over batches.

    pieces: for each batch what was collected for metrics that need every prediction at once;
    without them such metrics are left out.
    """
    values: dict[str, Any] = {"loss": mean_loss(sums)}
    if sums.get("penalty"):
        values["penalty"] = mean_penalty(sums)
    for metric in metrics:
        if metric.combine == "sum":
            values[metric.name] = metric.value(sums["metrics"][metric.name])
        elif pieces is not None:
            collected = metric.combined([piece[metric.name] for piece in pieces])
            values[metric.name] = metric.value(collected)
    return values


def mean_loss(sums: Any) -> float:
    """The mean over all batches so far; not a number if they had no weight."""
    return _quotient(sums["loss"], sums["weight"])


def mean_penalty(sums: Any) -> float:
    """What regularizers and layers have added to it, in the mean over all training batches."""
    return _quotient(sums["penalty"], sums["weight"])


def _quotient(total: Any, weight: Any) -> float:
    """Of two numbers; many times faster than that of arrays, and epochs may be short."""
    return float(total) / float(weight) if weight else float("nan")
