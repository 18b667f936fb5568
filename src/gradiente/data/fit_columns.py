"""Fitting one column: what its encoding has to know of the training rows."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.data.cells import DATE_PARTS, date_part, numbers_of, words_of
from gradiente.data.columns import CategoryColumn, Column, DateColumn, NumberColumn
from gradiente.data.kinds import kind_of
from gradiente.data.parse import as_dates

if TYPE_CHECKING:
    from polars import Series

FAR = 5.0  # a column with values more standard deviations from the mean than this is heavy-tailed
KNOTS = 256  # points of the curve that evens out a heavy-tailed column
EXTREME = 1e-3  # the probability that the ends of that curve stand for

MOST_CATEGORIES = 100
RARE = 0.001  # categories with a smaller share of the rows, or a single row, are merged

SCALINGS = ("automatic", "standard", "robust", "quantile", "none")


@dataclass(frozen=True)
class Encoding:
    """How columns are to be encoded.

    scaling: of numbers. "standard": (x - mean) / standard deviation. "robust": (x - median) / the
        distance of the quartiles, for numbers with outliers. "quantile": quantiles become those of
        the normal distribution. "none": as they are. "automatic": "quantile" for numbers of which
        some lie more than 5 standard deviations from the mean, else "standard". Except with "none"
        and "quantile", numbers beyond ±10 after scaling count as ±10.
    most_categories: how many categories of a column are told apart.
    rare: categories with a smaller share of the rows than this, or a single row, are taken as one.
    Raises `InvalidArgumentError` for others.
    """

    scaling: str = "automatic"
    most_categories: int = MOST_CATEGORIES
    rare: float = RARE

    def __post_init__(self) -> None:
        check_choice("scaling", self.scaling, SCALINGS)
        check_count("most_categories", self.most_categories, at_least=1)
        check_number("rare", self.rare, at_least=0, below=1)


AUTOMATIC = Encoding()


def fit_column(column: "Series", encoding: Encoding = AUTOMATIC) -> Column:
    """The encoding of `column`, the values of the training rows."""
    kind = kind_of(column.dtype)
    if kind == "category":
        dates = as_dates(column)
        return fit_categories(column, encoding) if dates is None else fit_dates(dates)
    if kind == "date":
        return fit_dates(column)
    return fit_numbers(column.name, numbers_of(column), encoding.scaling)


def fit_numbers(name: str, numbers: np.ndarray, scaling: str = "automatic") -> NumberColumn:
    """Scale numbers as `Encoding` says.

    numbers: float64 (n,); those that are not finite are missing.
    """
    known = numbers[np.isfinite(numbers)]
    marks_missing = len(known) < len(numbers)
    if len(known) == 0:
        return NumberColumn(name, 0.0, 1.0, marks_missing=marks_missing)
    if scaling == "none":
        mean = float(known.mean())
        return NumberColumn(name, mean, 1.0, marks_missing=marks_missing, plain=True)
    # Divided first, so that the squares of huge numbers do not overflow.
    unit = float(np.abs(known).max()) or 1.0
    mean = float((known / unit).mean()) * unit
    deviation = float((known / unit).std()) * unit
    if deviation <= abs(mean) * 1e-12:
        return NumberColumn(name, mean, 1.0, marks_missing=marks_missing)
    if scaling == "robust":
        lower, median, upper = (float(q) for q in np.quantile(known, (0.25, 0.5, 0.75)))
        # Where most values are the same the quartiles are one: only the deviation tells a scale.
        spread = upper - lower if upper > lower else deviation
        return NumberColumn(name, median, spread, marks_missing=marks_missing)
    heavy = float(np.abs(known - mean).max()) / deviation > FAR
    curved = scaling == "quantile" or (scaling == "automatic" and heavy)
    knots, scores = _normal_curve(known) if curved else ((), ())
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


def fit_categories(column: "Series", encoding: Encoding = AUTOMATIC) -> CategoryColumn:
    """One feature for each category but the rarest, most frequent first."""
    words = words_of(column).rename("word")
    known = words.drop_nulls()
    counts = known.value_counts(name="rows").sort("rows", "word", descending=[True, False])
    fewest = max(2, encoding.rare * len(known))
    frequent = counts.filter(counts["rows"] >= fewest).head(encoding.most_categories)
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
