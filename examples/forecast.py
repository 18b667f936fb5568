"""Forecasts of monthly carbon dioxide by recurrent networks, up to a year ahead.

    python examples/forecast.py FOLDER [PLOT]

FOLDER holds co2.csv of statsmodels (statsmodels/datasets/co2): a date and the parts per million
above Mauna Loa for each week. PLOT, such as forecast.html, is where to write the plot.

What is learned is what the same month of the year before does not say: the change over a year. The
last six years are forecast one by one, each from what was known when it began. Nothing else uses
them: sizes and learning rate were chosen by the years before.
"""

import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

import gradiente as gd
from gradiente import losses, nn, optimizers, schedules
from gradiente.data import read_table

YEAR = 12  # months, which is also how far ahead a forecast goes
WINDOW = 36  # months that a network sees
TESTED, WATCHED = 6 * YEAR, 4 * YEAR  # months at the end to forecast, and before them to stop by
UNITS, DROPOUT, RATE = 64, 0.3, 1e-2
EPOCHS, BATCH = 200, 32
NETWORKS = 5  # which differ in their random numbers; their mean is the forecast


def monthly(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Months and their means; a month without a measurement lies on the line between others."""
    table = read_table(folder / "co2.csv").drop_nulls()
    days = table["date"].cast(str).str.to_date("%Y%m%d").to_numpy()
    index, place = np.unique(days.astype("datetime64[M]").astype(int), return_inverse=True)
    mean = np.bincount(place, table["co2"].to_numpy()) / np.bincount(place)
    every = np.arange(index[0], index[-1] + 1)
    return every.astype("datetime64[M]"), np.interp(every, index, mean)


def changes(series: np.ndarray) -> np.ndarray:
    """d[t] = series[t + 12] - series[t]"""
    return series[YEAR:] - series[:-YEAR]


def windows(change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All stretches of 36 changes, (n, 36, 1), and the 12 that follow each, (n, 12)."""
    both = np.lib.stride_tricks.sliding_window_view(change, WINDOW + YEAR)
    return both[:, :WINDOW, None].astype(np.float32), both[:, WINDOW:].astype(np.float32)


def train(learned: np.ndarray, watched: np.ndarray, seed: int) -> gd.Trainer:
    """A network that tells 12 changes from the 36 before them, stopped by those that are watched.

    learned, watched: standardized changes, the second following the first.
    """
    x, y = windows(learned)
    trainer = gd.Trainer(
        nn.Sequential(nn.LSTM(UNITS), nn.Flatten(), nn.Dropout(DROPOUT), nn.Dense(YEAR)),
        loss=losses.mse,
        optimizer=optimizers.AdamW(schedules.cosine(RATE, EPOCHS * -(-len(x) // BATCH))),
        seed=seed,
    )
    after = windows(np.concatenate((learned[-WINDOW:], watched)))
    trainer.fit(x, y, epochs=EPOCHS, batch_size=BATCH, validation=after, early_stopping=40)
    return trainer


def forecast(series: np.ndarray) -> np.ndarray:
    """The last months of the series, each year of them from the months before it: (tested,)"""
    known = changes(series[:-TESTED])
    mean, deviation = known[:-WATCHED].mean(), known[:-WATCHED].std()
    learned, watched = np.split((known - mean) / deviation, [len(known) - WATCHED])
    years = range(len(series) - TESTED, len(series), YEAR)
    before = [changes(series[:start])[-WINDOW:, None] for start in years]
    x = ((np.stack(before) - mean) / deviation).astype(np.float32)
    networks = [train(learned, watched, seed) for seed in range(NETWORKS)]
    change = np.mean([network.predict(x) for network in networks], axis=0) * deviation + mean
    return same_month_before(series) + change.ravel()


def same_month_before(series: np.ndarray) -> np.ndarray:
    """The seasonal naive forecast: the value of the same month a year before."""
    return series[-TESTED - YEAR : -YEAR]


def with_growth(series: np.ndarray) -> np.ndarray:
    """The seasonal naive forecast and the change of the twelve months before the year began."""
    years = range(len(series) - TESTED, len(series), YEAR)
    return same_month_before(series) + np.repeat(
        [series[start - 1] - series[start - 1 - YEAR] for start in years], YEAR
    )


def measures(series: np.ndarray, predicted: np.ndarray) -> tuple[float, float, float]:
    """MAE, RMSE, and MASE: MAE / that of the seasonal naive forecast on the months to learn from.

    Hyndman & Koehler, "Another look at measures of forecast accuracy", 2006.
    """
    error = predicted - series[-TESTED:]
    mae, rmse = np.mean(np.abs(error)), np.sqrt(np.mean(error**2))
    return float(mae), float(rmse), float(mae / np.mean(np.abs(changes(series[:-TESTED]))))


def plot(months: np.ndarray, series: np.ndarray, forecasts: dict[str, np.ndarray]) -> go.Figure:
    """What was measured, and the forecasts of the last years."""
    shown = slice(-TESTED - 3 * YEAR, None)
    lines = [go.Scatter(x=months[shown], y=series[shown], name="measured", line_color="black")]
    for (name, values), dash in zip(forecasts.items(), ("solid", "dot", "dash"), strict=True):
        lines.append(go.Scatter(x=months[-TESTED:], y=values, name=name, line_dash=dash))
    layout = {"title": "Carbon dioxide at Mauna Loa, forecast year by year", "width": 1000}
    return go.Figure(lines, layout={**layout, "height": 500, "yaxis_title": "parts per million"})


def main(folder: Path, path: Path | None = None) -> None:
    """Train on the years before, forecast the last ones, and compare with simple forecasts."""
    months, series = monthly(folder)
    forecasts = {
        "network": forecast(series),
        "the month a year before": same_month_before(series),
        "with last year's growth": with_growth(series),
    }
    print(f"{len(series)} months, the last {TESTED} from {months[-TESTED]} forecast")
    print(f"{'':28}    MAE   RMSE   MASE")
    for name, values in forecasts.items():
        print(f"{name:28}", *(f"{measure:6.3f}" for measure in measures(series, values)))
    if path is not None:
        plot(months, series, forecasts).write_html(path)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
