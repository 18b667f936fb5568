"""The page of a report: everything that is known of a training, put into one HTML file."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradiente.insight.flow import findings
from gradiente.nn.summary import Summary
from gradiente.report import figures
from gradiente.report.importance import Importance
from gradiente.report.scores import Measured, measured
from gradiente.report.unseen import Classes, Unseen
from gradiente.train.flow_plot import measured_statistics, plot_flow
from gradiente.train.history import History

TEMPLATE = "page.html"
SMALLEST_SHOWN = 1e-4


@dataclass(frozen=True)
class Content:
    """What a report tells.

    about: lines on what was trained on what; unseen: predictions on unseen data, if there are any,
    and why there are none; importance likewise.
    """

    title: str
    about: Sequence[str]
    history: History
    summary: Summary
    configuration: Mapping[str, Any]
    unseen: Unseen | None = None
    no_result: str = ""
    importance: Sequence[Importance] = field(default_factory=tuple)
    no_importance: str = ""


def page(content: Content) -> str:
    """The HTML of a report, which needs no other file and no network."""
    from jinja2 import Environment
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    history, unseen = content.history, content.unseen
    scores = [] if unseen is None else measured(unseen)
    shown_flow = [plot_flow(history.flow, name) for name in measured_statistics(history.flow)]
    template = Path(__file__).with_name(TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True)
    return environment.from_string(template).render(
        title=content.title,
        about=content.about,
        plotly=Markup(get_plotlyjs()),
        scores=[_row(each) for each in scores],
        baseline="" if unseen is None else unseen.baseline_words,
        samples="" if unseen is None else f"{len(unseen.y):,}",
        no_result=content.no_result,
        **_verdict(scores),
        results=[_drawn(figure) for figure in _results(unseen)],
        curves=_drawn(history.plot()) if len(history) else "",
        findings=[each.text for each in findings(history.flow)],
        flow=[_drawn(figure) for figure in shown_flow],
        importance=_drawn(figures.importances(list(content.importance)))
        if content.importance
        else "",
        no_importance=content.no_importance,
        summary=Markup(content.summary._repr_html_()),
        configuration=list(content.configuration.items()),
    )


def _drawn(figure: Any) -> Any:
    """A figure as a part of the page."""
    from markupsafe import Markup

    options = {"responsive": True, "displayModeBar": False}
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, config=options))


def _results(unseen: Unseen | None) -> list[Any]:
    if unseen is None:
        return []
    if isinstance(unseen, Classes):
        drawn = (figures.confusion, figures.roc, figures.precision_recall, figures.calibration)
        return [draw(unseen) for draw in drawn]
    return [
        draw(unseen)
        for draw in (figures.predicted_and_right, figures.residuals, figures.residual_histogram)
    ]


def _row(each: Measured) -> dict[str, str]:
    return {
        "name": each.name,
        "value": _number(each.value),
        "interval": _interval(each.interval),
        "baseline": _number(each.baseline),
        "baseline_interval": _interval(each.baseline_interval),
    }


def _verdict(scores: list[Measured]) -> dict[str, str]:
    """Whether it learned anything, by the most important score."""
    if not scores:
        return {"verdict": "", "verdict_kind": ""}
    first = scores[0]
    numbers = f"{first.name} {_number(first.value)} against {_number(first.baseline)}"
    if first.better > 0:
        return {"verdict": f"Better than the baseline: {numbers}.", "verdict_kind": "good"}
    if first.better < 0:
        return {"verdict": f"Worse than the baseline: {numbers}.", "verdict_kind": "bad"}
    text = f"No better than the baseline, as far as these samples can tell: {numbers}."
    return {"verdict": text, "verdict_kind": "bad"}


def _interval(ends: tuple[float, float]) -> str:
    return "" if math.isnan(ends[0]) else f"({_number(ends[0])} to {_number(ends[1])})"


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    size = abs(value)
    if size < SMALLEST_SHOWN:
        return "0"
    return (
        f"{value:,.0f}" if size >= 1000 else f"{value:.3f}" if 0.01 <= size < 10 else f"{value:.3g}"
    )
