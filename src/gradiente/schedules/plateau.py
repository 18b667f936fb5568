"""Reduce the learning rate when a watched number stops improving."""

import math
from dataclasses import dataclass
from typing import Any

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.schedules.schedule import SCHEDULES, Array, declare, plotted

PlateauState = dict[str, float]


@dataclass(frozen=True)
class ReduceOnPlateau:
    """Multiply the rate by `factor` when a number has not improved for `patience` observations.

        η ← max(γ η, minimum)      after more than `patience` observations that are no better

    The number is the validation loss or a metric, observed once an epoch between steps, not inside
    them: `state = init()`, then `state = observe(state, value)`, and `state["scale"]` is the factor
    on the learning rate so far, which an optimizer takes as its `rate_scale`. The record itself is
    a constant schedule.

    An observation is better if it differs from the best one by more than `threshold`, relative to
    the size of the best or absolute; not-a-number is never better. For `cooldown` observations
    after a reduction nothing is counted. `greater_is_better` is for accuracies and the like. With
    `any_best` the best is whatever was best, by how little ever; else it is the last that was
    better in the sense above.

    Conventions and defaults are PyTorch's ReduceLROnPlateau, with one exception: its relative
    threshold takes a slightly worse negative number for better; here the sign does not matter.
    Arguments out of range raise `InvalidArgumentError`.

    Source: none.
    """

    learning_rate: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: str = "relative"
    cooldown: int = 0
    minimum: float = 0.0
    greater_is_better: bool = False
    any_best: bool = False

    def __post_init__(self) -> None:
        check_number("learning_rate", self.learning_rate, above=0)
        check_number("factor", self.factor, above=0, below=1)
        check_count("patience", self.patience)
        check_number("threshold", self.threshold, at_least=0)
        check_choice("threshold_mode", self.threshold_mode, ("relative", "absolute"))
        check_count("cooldown", self.cooldown)
        check_number("minimum", self.minimum, at_least=0)
        if self.minimum > self.learning_rate:
            raise InvalidArgumentError(
                f"`minimum` is {self.minimum}: it must be at most `learning_rate`, "
                f"{self.learning_rate}."
            )

    def __call__(self, step: Array) -> float:
        """The rate before any reduction, at every step."""
        return float(self.learning_rate)

    def plot(self, steps: int) -> Any:
        """A plotly figure of the rate before any reduction, over the first `steps` updates."""
        return plotted(self, steps)

    def init(self) -> PlateauState:
        """The state before the first observation: plain floats."""
        worst = -math.inf if self.greater_is_better else math.inf
        return {"best": worst, "bad": 0.0, "cooldown": 0.0, "scale": 1.0}

    def observe(self, state: PlateauState, value: float) -> PlateauState:
        """The state after one more observation; the one given stays as it is."""
        better = self._is_better(float(value), state["best"])
        cooling = state["cooldown"] > 0
        bad = 0.0 if better or cooling else state["bad"] + 1
        following = {
            "best": self._best(float(value), state["best"], better),
            "bad": bad,
            "cooldown": max(state["cooldown"] - 1, 0.0),
            "scale": state["scale"],
        }
        if bad <= self.patience:
            return following
        scale = max(state["scale"] * self.factor, self.minimum / self.learning_rate)
        return {**following, "bad": 0.0, "cooldown": float(self.cooldown), "scale": scale}

    def _best(self, value: float, best: float, better: bool) -> float:
        if self.any_best and not math.isnan(value):
            return max(best, value) if self.greater_is_better else min(best, value)
        return value if better else best

    def _is_better(self, value: float, best: float) -> bool:
        if math.isinf(best):
            return value > best if self.greater_is_better else value < best
        margin = self.threshold * (abs(best) if self.threshold_mode == "relative" else 1.0)
        return value > best + margin if self.greater_is_better else value < best - margin


reduce_on_plateau = ReduceOnPlateau
"""`ReduceOnPlateau`, named in the manner of the other schedules."""

SCHEDULES["reduce_on_plateau"] = ReduceOnPlateau


@declare
def adaptive(
    learning_rate: float, factor: float = 0.2, patience: int = 10, tolerance: float = 1e-4
) -> ReduceOnPlateau:
    """A rate divided by five whenever the loss has stopped falling.

        η ← γ η          after more than `patience` epochs without a fall by `tolerance`

    γ factor. scikit-learn's learning_rate="adaptive", which also ends the training once the rate is
    10⁻⁶ or less; here it stays there. Raises the errors of `ReduceOnPlateau`.

    Source: none.
    """
    return ReduceOnPlateau(
        learning_rate,
        factor=factor,
        patience=patience,
        threshold=tolerance,
        threshold_mode="absolute",
        minimum=min(1e-6, learning_rate),
        any_best=True,
    )
