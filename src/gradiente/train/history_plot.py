"""The rows of a history as a plotly figure."""

from collections.abc import Sequence
from typing import Any

from gradiente.base.errors import InvalidArgumentError, UnknownNameError

Row = dict[str, Any]

VALIDATION = "validation_"
NO_MEASURES = ("epoch", "seconds", "learning_rate")

# Legible on white and on black alike, and told apart by the colour-blind.
TRAINING_COLOUR, VALIDATION_COLOUR = "#3b82f6", "#e07a1f"
TEXT_COLOUR, GRID_COLOUR = "#7a7a7a", "rgba(128, 128, 128, 0.25)"
PANEL_HEIGHT, LEGEND_ABOVE = 240, 20  # pixels
MOST_TICKS, MOST_MARKED = 12, 30  # epochs with a tick, and with a point, each
MARGIN = 0.03  # of the epochs, left and right of them


def plot_rows(
    rows: list[Row], columns: Sequence[str] | None, best: int | None, monitored: str
) -> Any:
    """A panel per measure with a line for training and one for validation; the best epoch marked.

    Raises `InvalidArgumentError` where there is nothing to draw, `UnknownNameError` for a column
    that does not exist.
    """
    panels = _measures(rows) if columns is None else _known(rows, columns)
    if not panels:
        raise InvalidArgumentError("the history has no epochs with numbers to plot yet.")
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    legend: set[str] = set()
    for position, name in enumerate(panels, start=1):
        for column, label, colour in (
            (name, "training", TRAINING_COLOUR),
            (VALIDATION + name, "validation", VALIDATION_COLOUR),
        ):
            if _is_number_column(rows, column):
                line = _line(rows, column, label, colour, best)
                figure.add_trace(line.update(showlegend=label not in legend), row=position, col=1)
                legend.add(label)
        figure.update_yaxes(title_text=name, row=position, col=1)
    _mark_best(figure, rows, best, monitored)
    _style(figure, len(panels), rows[0]["epoch"], rows[-1]["epoch"])
    return figure


def _is_number_column(rows: list[Row], column: str) -> bool:
    return any(isinstance(row.get(column), int | float) for row in rows)


def _measures(rows: list[Row]) -> list[str]:
    """The loss and every metric that is a number, each once, the loss first."""
    names = dict.fromkeys(name.removeprefix(VALIDATION) for row in rows for name in row)
    measures = [
        name
        for name in names
        if name not in NO_MEASURES
        and (_is_number_column(rows, name) or _is_number_column(rows, VALIDATION + name))
    ]
    return sorted(measures, key=lambda name: name != "loss")


def _known(rows: list[Row], columns: Sequence[str]) -> list[str]:
    names = [name.removeprefix(VALIDATION) for name in columns]
    for name in names:
        if not _is_number_column(rows, name) and not _is_number_column(rows, VALIDATION + name):
            raise UnknownNameError(
                f"the history has no numbers in `{name}`; it has {', '.join(_measures(rows))}."
            )
    return list(dict.fromkeys(names))


def _line(rows: list[Row], column: str, label: str, colour: str, best: int | None) -> Any:
    from plotly.graph_objects import Scatter

    epochs = [row["epoch"] for row in rows]
    return Scatter(
        x=epochs,
        y=[row.get(column) for row in rows],
        name=label,
        legendgroup=label,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={
            "symbol": ["star" if epoch == best else "circle" for epoch in epochs],
            "size": [
                13 if epoch == best else 4 if len(epochs) <= MOST_MARKED else 0 for epoch in epochs
            ],
        },
        hovertemplate=f"epoch %{{x}}<br>{column} %{{y:.5g}}<extra></extra>",
    )


def _mark_best(figure: Any, rows: list[Row], best: int | None, monitored: str) -> None:
    if best is None:
        return
    figure.add_vline(x=best, line={"color": TEXT_COLOUR, "width": 1, "dash": "dot"})
    figure.add_annotation(
        text=f"best {monitored.replace('_', ' ')}: epoch {best}",
        x=best,
        xref="x",
        y=1,
        yref="paper",
        yanchor="bottom",
        xanchor="right" if best > (rows[0]["epoch"] + rows[-1]["epoch"]) / 2 else "left",
        showarrow=False,
    )


def _style(figure: Any, panels: int, first: int, last: int) -> None:
    legend_at = 1 + LEGEND_ABOVE / (PANEL_HEIGHT * panels - 30)  # above the mark of the best epoch
    figure.update_layout(
        template="none",
        height=PANEL_HEIGHT * panels + 90,
        margin={"l": 80, "r": 20, "t": 60, "b": 60},
        paper_bgcolor="rgba(0, 0, 0, 0)",
        plot_bgcolor="rgba(0, 0, 0, 0)",
        font={"color": TEXT_COLOUR},
        legend={
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": legend_at,
            "yanchor": "bottom",
        },
        hovermode="x",
    )
    grid = {"gridcolor": GRID_COLOUR, "zeroline": False, "linecolor": GRID_COLOUR}
    figure.update_xaxes(**grid, dtick=1 if last <= MOST_TICKS else None)
    # Markers would widen the range by far where the page is narrow.
    margin = MARGIN * (last - first + 1)
    figure.update_xaxes(range=[first - margin, last + margin])
    figure.update_yaxes(**grid, automargin=True)
    figure.update_xaxes(title_text="epoch", row=panels, col=1)
