"""What a learning-rate range test found: losses by rate, a suggestion, and how to show them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gradiente.train.history_plot import (
    GRID_COLOUR,
    PANEL_HEIGHT,
    TEXT_COLOUR,
    TRAINING_COLOUR,
    VALIDATION_COLOUR,
)

WIDTH = 0.05  # of the smoothing window, as a share of the steps


@dataclass(frozen=True, repr=False)
class LearningRateTest:
    """The loss after an update with each of a number of rising learning rates.

    rates, losses: one for each update; first: the loss before all of them; steps: how many rates
    there were to be tried; stopped: in words why the test ended; bound: losses above it count as
    it, so that one that exploded does not hide the others.
    """

    rates: list[float]
    losses: list[float]
    first: float
    steps: int
    stopped: str
    bound: float

    @cached_property
    def smoothed(self) -> list[float]:
        """The losses averaged over neighbours on both sides with the weights of a bell curve.

        Both sides, because a running mean would put each fall of the loss at too large a rate.
        """
        places = np.arange(len(self.losses))
        width = max(1.0, WIDTH * self.steps)
        weights = np.exp(-0.5 * ((places[:, np.newaxis] - places) / width) ** 2)
        limited = np.minimum(self.losses, self.bound)
        return (weights @ limited / weights.sum(axis=1)).tolist()

    @cached_property
    def lowest(self) -> float | None:
        """The rate at which the smoothed loss is lowest; `None` if no update was finite."""
        return self.rates[int(np.argmin(self.smoothed))] if self.rates else None

    @cached_property
    def suggestion(self) -> float | None:
        """The rate at which the smoothed loss falls most steeply, over the logarithm of the rate.

        Never one beyond the minimum; `None` if the loss does not fall at any rate.
        """
        if len(self.rates) < 2:
            return None
        slopes = np.gradient(self.smoothed, np.log(self.rates))
        until = int(np.argmin(self.smoothed)) + 1
        steepest = int(np.argmin(slopes[:until]))
        return self.rates[steepest] if slopes[steepest] < 0 else None

    def plot(self) -> Any:
        """A plotly figure of the losses over the rates, with the suggestion marked."""
        import plotly.graph_objects as plotly  # heavy, and needed by this method only

        limited = np.minimum(self.losses, self.bound).tolist()
        figure = plotly.Figure(
            [
                plotly.Scatter(
                    x=self.rates,
                    y=limited,
                    name="loss",
                    mode="markers",
                    marker={"color": TRAINING_COLOUR, "size": 4},
                ),
                plotly.Scatter(
                    x=self.rates,
                    y=self.smoothed,
                    name="smoothed",
                    mode="lines",
                    line={"color": VALIDATION_COLOUR, "width": 2},
                ),
            ]
        )
        if self.suggestion is not None:
            line = {"color": TEXT_COLOUR, "width": 1, "dash": "dot"}
            text = f"suggestion: {self.suggestion:.2g}"
            figure.add_vline(x=self.suggestion, line=line, annotation_text=text)
        figure.update_layout(
            template="none",
            height=PANEL_HEIGHT + 90,
            paper_bgcolor="rgba(0, 0, 0, 0)",
            plot_bgcolor="rgba(0, 0, 0, 0)",
            font={"color": TEXT_COLOUR},
        )
        figure.update_xaxes(type="log", title_text="learning rate", gridcolor=GRID_COLOUR)
        figure.update_yaxes(title_text="loss", gridcolor=GRID_COLOUR, automargin=True)
        return figure

    def __repr__(self) -> str:
        if not self.rates:
            return "Learning-rate test: the loss exploded with the first rate; try lower ones."
        tried = (
            f"Learning-rate test of {len(self.rates)} rates from {self.rates[0]:.2g} to "
            f"{self.rates[-1]:.2g}; stopped: {self.stopped}"
        )
        if self.suggestion is None:
            return f"{tried}\nNo suggestion: the loss fell at none of them; try others."
        return (
            f"{tried}\nSuggestion: {self.suggestion:.2g}, where the loss falls most steeply "
            f"(lowest loss at {self.lowest:.2g}, {min(self.smoothed):.4g} after {self.first:.4g})"
        )
