"""The figures of results on unseen data, in plotly: legible on light and on dark pages."""

from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np

from gradiente.report.importance import Importance
from gradiente.report.unseen import Classes, Numbers
from gradiente.train.history_plot import (
    GRID_COLOUR,
    TEXT_COLOUR,
    TRAINING_COLOUR,
    VALIDATION_COLOUR,
)

HEIGHT = 340  # pixels
LEGEND_ROW = 20  # pixels
LONGEST_NAME = 20  # letters of a class in a legend
MOST_CURVES = 8  # classes with a curve of their own; the most frequent ones
MOST_POINTS = 2000  # in scatter plots and curves
BINS = 10
MOST_COLUMNS = 25
COLOURS = (
    *(TRAINING_COLOUR, VALIDATION_COLOUR, "#2a9d6f", "#b565c4"),
    *("#c2a000", "#d1495b", "#3fa7c4", "#8a8a8a"),
)


def _figure(title: str, x: str, y: str, **layout: Any) -> Any:
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.update_layout(
        template="none",
        title={"text": title, "font": {"size": 14}, "y": 1, "yanchor": "top", "pad": {"t": 12}},
        height=HEIGHT,
        margin={"l": 20, "r": 20, "t": 40, "b": 45},
        paper_bgcolor="rgba(0, 0, 0, 0)",
        plot_bgcolor="rgba(0, 0, 0, 0)",
        font={"color": TEXT_COLOUR},
        # Above the curves, where it takes place from the title's margin and never covers an axis.
        legend={
            "orientation": "h",
            "y": 1.0,
            "yanchor": "bottom",
            "entrywidth": 0.5,
            "entrywidthmode": "fraction",
            "font": {"size": 11},
        },
        **layout,
    )
    grid = {"gridcolor": GRID_COLOUR, "zeroline": False, "linecolor": GRID_COLOUR}
    figure.update_xaxes(title_text=x, automargin=True, **grid)
    figure.update_yaxes(title_text=y, title_standoff=10, automargin=True, **grid)
    return figure


def _texts(names: Iterable[str]) -> list[str]:
    """Names as they are: plotly takes tags in texts for markup."""
    return [escape(name) for name in names]


def _line(figure: Any, x: Any, y: Any, name: str, colour: str, **options: Any) -> None:
    from plotly.graph_objects import Scatter

    line = {"color": colour, "width": 2, **options.pop("line", {})}
    figure.add_trace(Scatter(x=x, y=y, name=name, mode="lines", line=line, **options))


def _guide(figure: Any, x: list[float], y: list[float]) -> None:
    """What chance, or perfection, would look like."""
    dotted = {"color": TEXT_COLOUR, "width": 1, "dash": "dot"}
    _line(figure, x, y, "", TEXT_COLOUR, line=dotted, showlegend=False, hoverinfo="skip")


# -- classes ---------------------------------------------------------------------------------------


def confusion(unseen: Classes) -> Any:
    """How many samples of each class were taken for which; rows are the right classes."""
    from plotly.graph_objects import Heatmap

    count = len(unseen.names)
    table = np.bincount(unseen.y * count + unseen.predicted, minlength=count**2)
    table = table.reshape(count, count)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure = _figure("confusion matrix", "predicted", "right")
    figure.add_trace(
        Heatmap(
            z=shares.tolist(),
            x=_texts(unseen.names),
            y=_texts(unseen.names),
            text=[[f"{number:,}" for number in row] for row in table.tolist()],
            texttemplate="%{text}" if count <= 12 else None,
            hovertemplate="right %{y}, predicted %{x}: %{text}<extra></extra>",
            colorscale="Cividis",
            zmin=0,
            zmax=1,
            colorbar={"thickness": 12, "title": {"text": "share of<br>the row"}},
        )
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(type="category", autorange="reversed")
    return figure.update_layout(height=max(HEIGHT, 24 * count + 120))


def roc(unseen: Classes) -> Any:
    """True positives over false positives as the threshold falls, one class against the others."""
    figure = _figure("ROC curves and their areas", "false positive rate", "true positive rate")
    _guide(figure, [0, 1], [0, 1])
    for name, colour, scores, positive in _one_against_others(unseen):
        hits, misses = _counts(scores, positive)
        x, y = misses / max(misses[-1], 1), hits / max(hits[-1], 1)
        area = float(np.trapezoid(y, x))
        _line(figure, *_thinned(x, y), f"{name} {area:.3f}", colour)
    return _with_legend(figure)


def precision_recall(unseen: Classes) -> Any:
    """Precision over recall as the threshold falls, one class against the others."""
    figure = _figure("precision and recall, mean precision", "recall", "precision")
    for name, colour, scores, positive in _one_against_others(unseen):
        hits, misses = _counts(scores, positive)
        precision, recall = hits[1:] / (hits + misses)[1:], hits / max(hits[-1], 1)
        average = float(np.sum(np.diff(recall) * precision))
        _line(figure, *_thinned(recall[1:], precision), f"{name} {average:.3f}", colour)
    return _with_legend(figure).update_yaxes(range=[0, 1.03])


def _with_legend(figure: Any) -> Any:
    """Room for a legend, in two columns, so that the curves keep theirs."""
    named = [trace for trace in figure.data if trace.name]
    for trace in named:
        trace.showlegend = True  # plotly leaves out that of a single curve
    room = LEGEND_ROW * -(-len(named) // 2)
    return figure.update_layout(height=HEIGHT + room, margin={"t": 40 + room})


def calibration(unseen: Classes) -> Any:
    """How often it was right, over how sure it was; the diagonal is honesty."""
    sure = unseen.probabilities.max(axis=1)
    right = unseen.predicted == unseen.y
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    used = counts > 0
    x = (np.bincount(bins, sure, minlength=BINS)[used] / counts[used]).tolist()
    y = (np.bincount(bins, right, minlength=BINS)[used] / counts[used]).tolist()
    error = float(np.sum(counts[used] * np.abs(np.subtract(x, y))) / len(sure))
    figure = _figure(
        f"calibration (mean difference {error:.3f})", "probability of its prediction", "share right"
    )
    _guide(figure, [0, 1], [0, 1])
    _line(figure, x, y, "network", TRAINING_COLOUR, showlegend=False)
    figure.data[-1].update(
        mode="lines+markers",
        marker={"size": (6 + 16 * np.sqrt(counts[used] / counts.max())).tolist()},
        text=counts[used].tolist(),
        hovertemplate="sure %{x:.3f}, right %{y:.3f}: %{text} samples<extra></extra>",
    )
    return figure


def _one_against_others(unseen: Classes) -> list[tuple[str, str, np.ndarray, np.ndarray]]:
    """(name, colour, scores, whether it is this class) of the second of two, or each of several."""
    counts = np.bincount(unseen.y, minlength=len(unseen.names))
    if len(unseen.names) == 2:
        chosen = [1]
    else:
        frequent = np.argsort(-counts, kind="stable")[:MOST_CURVES]
        chosen = [int(number) for number in sorted(frequent) if counts[number]]
    return [
        (
            _shortened(unseen.names[number]),
            colour,
            unseen.probabilities[:, number],
            unseen.y == number,
        )
        for number, colour in zip(chosen, COLOURS, strict=False)
    ]


def _shortened(name: str) -> str:
    """A name for a legend; plotly takes tags in texts for markup."""
    return escape(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")


def _counts(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True and false positives at each threshold, from none to all samples."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=np.inf))  # of samples with equal scores
    hits, misses = np.cumsum(positive[order])[last], np.cumsum(~positive[order])[last]
    return np.concatenate([[0], hits]), np.concatenate([[0], misses])


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[list[float], list[float]]:
    """The curve with at most `MOST_POINTS` points, its ends among them."""
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).astype(int))
    return x[chosen].tolist(), y[chosen].tolist()


# -- numbers ---------------------------------------------------------------------------------------


def predicted_and_right(unseen: Numbers) -> Any:
    """Each sample: what was predicted over what was right."""
    figure = _figure("predicted and right", "right", "predicted")
    ends = [float(unseen.y.min()), float(unseen.y.max())]
    _points(figure, unseen.y, unseen.predicted)
    _guide(figure, ends, ends)
    return figure


def residuals(unseen: Numbers) -> Any:
    """Each sample: the error over what was predicted; there should be no pattern."""
    figure = _figure("residuals", "predicted", "right - predicted")
    _points(figure, unseen.predicted, unseen.y - unseen.predicted)
    ends = [float(unseen.predicted.min()), float(unseen.predicted.max())]
    _guide(figure, ends, [0.0, 0.0])
    return figure


def residual_histogram(unseen: Numbers) -> Any:
    """How the errors are distributed."""
    from plotly.graph_objects import Bar

    counts, edges = np.histogram(unseen.y - unseen.predicted, bins=40)
    figure = _figure("distribution of the residuals", "right - predicted", "samples", bargap=0)
    centres = ((edges[1:] + edges[:-1]) / 2).tolist()
    bars = Bar(x=centres, y=counts.tolist(), marker={"color": TRAINING_COLOUR}, showlegend=False)
    figure.add_trace(bars)
    return figure


def _points(figure: Any, x: np.ndarray, y: np.ndarray) -> None:
    from plotly.graph_objects import Scatter

    chosen = np.arange(len(x))
    if len(x) > MOST_POINTS:
        chosen = np.random.default_rng(0).choice(chosen, MOST_POINTS, replace=False)
    marker = {"color": TRAINING_COLOUR, "size": 5, "opacity": 0.6}
    points = {"x": x[chosen].tolist(), "y": y[chosen].tolist()}
    figure.add_trace(Scatter(**points, mode="markers", marker=marker, showlegend=False))


# -- inputs ----------------------------------------------------------------------------------------


def importances(found: list[Importance]) -> Any:
    """By how much the loss grows when a column is shuffled; the most important ones on top."""
    from plotly.graph_objects import Bar

    shown = found[:MOST_COLUMNS][::-1]
    figure = _figure("permutation importance", "growth of the loss", "")
    figure.add_trace(
        Bar(
            x=[each.mean for each in shown],
            y=_texts(each.name for each in shown),
            error_x={"array": [each.deviation for each in shown], "color": TEXT_COLOUR},
            marker={"color": TRAINING_COLOUR},
            orientation="h",
        )
    )
    figure.update_yaxes(type="category")
    return figure.update_layout(height=22 * len(shown) + 110)
