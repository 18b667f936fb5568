"""What to say when a loss is no longer a finite number: where it happened, and what to try."""

from typing import Any

import numpy as np

from gradiente.base.trees import flatten
from gradiente.train.inputs import Samples, names_of


def non_finite_inputs(data: Samples) -> list[str]:
    """Each array of the data that contains NaN or infinity, with the first sample that has it."""
    found = []
    for part, tree in (("x", data.x), ("y", data.y)):
        for name, leaf in zip(names_of(part, tree), flatten(tree)[0], strict=True):
            if leaf.dtype.kind != "f":
                continue
            finite = np.isfinite(leaf).reshape(len(leaf), -1).all(axis=1)
            if not finite.all():
                found.append(f"`{name}` (first in sample {int(np.argmin(finite))})")
    return found


def non_finite_weights(weights: dict[str, Any]) -> list[str]:
    """The paths of parameters and buffers that contain NaN or infinity."""
    return [
        path
        for part in ("parameters", "buffers")
        for path, value in weights[part].items()
        if np.asarray(value).dtype.kind == "f" and not np.isfinite(value).all()
    ]


def remedy(data: Samples, learning_rate: float | None, word: str = "data") -> str:
    """The likely cause, and what to change."""
    damaged = non_finite_inputs(data)
    if damaged:
        return (
            f"The {word} contain NaN or infinity: {' and '.join(damaged)}. Remove or replace them."
        )
    now = "" if learning_rate is None else f" (now {learning_rate:g})"
    return (
        f"Try a learning rate ten times smaller{now}, clip_norm=1.0, inputs scaled to mean 0 and "
        "variance 1, or check the loss for log(0) and division by 0."
    )
