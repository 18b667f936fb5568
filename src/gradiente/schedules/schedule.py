"""What a schedule is: the learning rate as a pure function of the number of updates done.

Schedules are traced into the training step, so they hold no state: a run resumed at step n has the
rate of step n. They are written with ordinary NumPy functions and compute in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count
from gradiente.base.registry import enter, find

Array = Any
MOST_POINTS = 2000  # a plot of more is drawn slowly and shows no more


@dataclass(frozen=True, repr=False)
class Schedule:
    """A learning rate for every step: `schedule(step)`, with step 0 for the first update.

    A Python number gives a float; an array, or a traced value, gives one of float64.
    function: from the step as float64 to the rate. options: the arguments it was made with; two
    schedules of the same name and options are equal.
    """

    name: str
    function: Callable[[Array], Array] = field(compare=False)
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    def __call__(self, step: Array) -> Array:
        """The learning rate of the update that `step` updates went before."""
        if isinstance(step, int | float):
            return float(self.function(np.float64(step)))
        return self.function(step.astype(np.float64))

    def plot(self, steps: int) -> Any:
        """A plotly figure of the rate over the first `steps` updates."""
        return plotted(self, steps)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.name}({arguments})"


def plotted(schedule: Callable[[int], float], steps: int) -> Any:
    """A plotly figure of any schedule, or function of the step, over the first `steps` updates."""
    import plotly.graph_objects as plotly  # heavy, and needed by this function only

    steps = check_count("steps", steps, at_least=1)
    shown = np.linspace(0, steps - 1, min(steps, MOST_POINTS)).round().astype(int).tolist()
    line = plotly.Scatter(x=shown, y=[schedule(step) for step in shown], mode="lines")
    figure = plotly.Figure(line)
    figure.update_layout(title=repr(schedule), xaxis_title="update", yaxis_title="learning rate")
    return figure


SCHEDULES: dict[str, Callable[..., Any]] = {}
"""Every schedule by name: `SCHEDULES["cosine"](1e-3, steps=1000)`."""


def declare(factory: Callable[..., Any]) -> Callable[..., Any]:
    """Enter a factory into `SCHEDULES` under its own name (a decorator)."""
    enter(SCHEDULES, "a schedule", factory.__name__, factory)
    return factory


def find_schedule(name: str) -> Callable[..., Any]:
    """The factory called `name`, in any case; raises `UnknownNameError` listing all."""
    return find(SCHEDULES, "a schedule", name)
