"""Fitting one column: what its encoding has to know of the training rows."""

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from gradiente.data.cells import DATE_PARTS, date_part, numbers_of, words_of
from gradiente.data.columns import CategoryColumn, Column, DateColumn, NumberColumn
from gradiente.data.kinds import kind_of

if TYPE_CHECKING:
    from polars import Series

FAR = 5.0  # a column with values more standard deviations from the mean than this is heavy-tailed
KNOTS = 256  # points of the curve that evens out a heavy-tailed column
EXTREME = 1e-3  # the probability that the ends of that curve stand for

MOST_CATEGORIES = 100
RARE = 0.001  # categories with a smaller share of the rows, or a single row, are merged


def fit_column(column: "Series") -> Column:
    """The encoding of `column`, the values of the training rows."""
    kind = kind_of(column.dtype)
    if kind == "category":
        return fit_categories(column)
    if kind == "date":
        return fit_dates(column)
    return fit_numbers(column.name, numbers_of(column))


def fit_numbers(name: str, numbers: np.ndarray) -> NumberColumn:
    """Standardise, or even out with a curve when some values are very far from the mean.

    numbers: float64 (n,); those that are not finite are missing.
    """
    known = numbers[np.isfinite(numbers)]
    marks_missing = len(known) < len(numbers)
    if len(known) == 0:
        return NumberColumn(name, 0.0, 1.0, marks_missing=marks_missing)
    # Divided first, so that the squares of huge numbers do not overflow.
    unit = float(np.abs(known).max()) or 1.0
    mean = float((known / unit).mean()) * unit
    deviation = float((known / unit).std()) * unit
    if deviation <= abs(mean) * 1e-12:
        return NumberColumn(name, mean, 1.0, marks_missing=marks_missing)
    farthest = float(np.abs(known - mean).max()) / deviation
    knots, scores = _normal_curve(known) if farthest > FAR else ((), ())
    return NumberColumn(name, mean, deviation, knots, scores, marks_missing)


def _normal_curve(known: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Quantiles of the values, and the same quantiles of the normal distribution."""
    probabilities = np.linspace(0.0, 1.0, KNOTS)
    normal = NormalDist()
    scores = [normal.inv_cdf(min(max(p, EXTREME), 1 - EXTREME)) for p in probabilities]
    quantiles = np.quantile(known, probabilities, method="nearest")
    knots, place = np.unique(quantiles, return_inverse=True)
    # A value that fills several quantiles stands at the middle of theirs.
    middles = np.bincount(place, scores) / np.bincount(place)
    return tuple(knots.tolist()), tuple(middles.tolist())


def fit_categories(column: "Series") -> CategoryColumn:
    """One feature for each category but the rarest, most frequent first."""
    words = words_of(column).rename("word")
    known = words.drop_nulls()
    counts = known.value_counts(name="rows").sort("rows", "word", descending=[True, False])
    fewest = max(2, RARE * len(known))
    frequent = counts.filter(counts["rows"] >= fewest).head(MOST_CATEGORIES)
    return CategoryColumn(
        column.name,
        tuple(frequent["word"]),
        marks_missing=len(known) < len(words),
        marks_rare=frequent.height < counts.height,
    )


def fit_dates(column: "Series") -> DateColumn:
    """The parts that differ between rows; the year when none does."""
    parts = [fit_numbers(part, date_part(column, part)) for part in DATE_PARTS]
    differing = [fitted for fitted in parts if np.unique(date_part(column, fitted.name)).size > 1]
    return DateColumn(column.name, tuple(differing or parts[:1]))
