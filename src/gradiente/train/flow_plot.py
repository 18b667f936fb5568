"""The flow of the gradient as plotly heat maps: from output layer to input layer, over epochs."""

import math
from html import escape
from typing import Any

from gradiente.base.errors import InvalidArgumentError, UnknownNameError
from gradiente.train.history_flow import STATISTICS, FlowRow
from gradiente.train.history_plot import TEXT_COLOUR

TITLES = {
    "gradient": "norm of the gradient",
    "error": "norm of the error signal",
    "activation": "norm of the output",
    "update": "update / weight",
    "dead": "share of dead units",
    "saturated": "share of saturated values",
}
SHARES = ("dead", "saturated")
ROW_HEIGHT, MARGINS = 26, 110  # pixels
FEWEST, MOST_TICKS = 3, 7


def plot_flow(flow: list[FlowRow], statistic: str) -> Any:
    """A heat map of one statistic: a row per layer, the output layer on top, a column per epoch.

    Norms and ratios are coloured by their logarithms. Raises `UnknownNameError` for a statistic
    that does not exist, `InvalidArgumentError` where nothing was measured.
    """
    if statistic not in TITLES:
        raise UnknownNameError(f"the flow has {', '.join(STATISTICS)}, not `{statistic}`.")
    known = [row for row in flow if row[statistic] is not None]
    if not known:
        raise InvalidArgumentError(f"`{statistic}` was measured in no epoch of this training.")
    from plotly.graph_objects import Figure, Heatmap

    layers = list(dict.fromkeys(_label(row) for row in known))
    epochs = sorted({row["epoch"] for row in known})
    values = {(_label(row), row["epoch"]): row[statistic] for row in known}
    table = [[values.get((layer, epoch)) for epoch in epochs] for layer in layers]
    share = statistic in SHARES
    figure = Figure(
        Heatmap(
            z=table if share else [[_logarithm(value) for value in line] for line in table],
            x=[str(epoch) for epoch in epochs],
            y=layers,  # plotly draws the first one at the bottom
            text=[["" if value is None else f"{value:.3g}" for value in line] for line in table],
            hovertemplate="%{y}, epoch %{x}: %{text}<extra></extra>",
            colorscale="Cividis",
            zmin=0 if share else None,
            zmax=1 if share else None,
            colorbar={"thickness": 12} | ({} if share else _ticks(known, statistic)),
        )
    )
    figure.update_layout(
        template="none",
        title={"text": TITLES[statistic], "font": {"size": 14}},
        height=ROW_HEIGHT * max(len(layers), FEWEST) + MARGINS,
        margin={"l": 20, "r": 20, "t": 40, "b": 45},
        paper_bgcolor="rgba(0, 0, 0, 0)",
        plot_bgcolor="rgba(0, 0, 0, 0)",
        font={"color": TEXT_COLOUR},
    )
    figure.update_xaxes(title_text="epoch", type="category", showgrid=False, nticks=12)
    figure.update_yaxes(type="category", showgrid=False, automargin=True)
    return figure


def measured_statistics(flow: list[FlowRow]) -> list[str]:
    """The statistics that can be plotted, in a good order."""
    return [name for name in TITLES if any(row[name] is not None for row in flow)]


def _label(row: FlowRow) -> str:
    """Path and kind of a layer; plotly takes tags in texts for markup."""
    return escape(f"{row['layer']} {row['kind']}".strip())


def _ticks(rows: list[FlowRow], statistic: str) -> dict[str, Any]:
    """Numbers beside the colours, which stand for logarithms."""
    known = [each for row in rows if (each := _logarithm(row[statistic])) is not None]
    if not known:
        return {}
    lowest, highest = math.floor(min(known)), math.ceil(max(known))
    steps = (1, 2, 5) if highest - lowest <= 2 else (1,)
    numbers = [step * 10.0**power for power in range(lowest, highest + 1) for step in steps]
    shown = [x for x in numbers if min(known) <= math.log10(x) <= max(known)]
    shown = shown[:: math.ceil(len(shown) / MOST_TICKS) or 1] or [10 ** min(known)]
    return {"tickvals": [math.log10(x) for x in shown], "ticktext": [f"{x:.2g}" for x in shown]}


def _logarithm(value: float | None) -> float | None:
    if value is None or value <= 0 or not math.isfinite(value):
        return None
    return math.log10(value)
