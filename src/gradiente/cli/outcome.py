"""What came of a training, in numbers: the contents of metrics.json."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gradiente.base.errors import RunError
from gradiente.data.fields import (
    read_number,
    read_numbers,
    read_object,
    read_text,
    read_whole_number,
)

Scores = dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """The scores on the test rows, of the network and of a prediction without learning.

    baseline_output: that prediction, as outputs of a network.
    rows: how many rows trained, validated and tested. stopped: why training ended.
    """

    test: Scores
    baseline: Scores
    baseline_output: tuple[float, ...]
    rows: dict[str, int]
    epochs: int
    best_epoch: int
    seconds: float
    stopped: str
    parameters: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a JSON file, in which `null` stands for what is not a number."""
        return asdict(self) | {"test": _finite(self.test), "baseline": _finite(self.baseline)}

    @staticmethod
    def from_dict(data: Any, outputs: int) -> "Outcome":
        """The inverse of `to_dict`. Raises `RunError` when a field is missing or wrong."""
        output = read_numbers(data, "baseline_output")
        if len(output) != outputs:
            raise RunError(f"the field 'baseline_output' must have {outputs} numbers.")
        test, baseline = _scores(data, "test"), _scores(data, "baseline")
        if list(test) != list(baseline):
            raise RunError("the fields 'test' and 'baseline' must have the same scores.")
        rows = read_object(data.get("rows"))
        return Outcome(
            test=test,
            baseline=baseline,
            baseline_output=output,
            rows={part: read_whole_number(rows, part) for part in ("train", "validation", "test")},
            epochs=read_whole_number(data, "epochs"),
            best_epoch=read_whole_number(data, "best_epoch"),
            seconds=read_number(data, "seconds"),
            stopped=read_text(data, "stopped"),
            parameters=read_whole_number(data, "parameters"),
        )


def _finite(scores: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}


def _scores(data: Any, name: str) -> Scores:
    found = read_object(data.get(name))
    return {
        score: math.nan if value is None else read_number(found, score)
        for score, value in found.items()
    }
