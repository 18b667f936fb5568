"""Fitting the encoding of a column."""

from datetime import date, timedelta

import numpy as np
import polars
import pytest

from gradiente.data.columns import CategoryColumn, DateColumn, NumberColumn
from gradiente.data.fit_columns import fit_column


def test_ordinary_numbers_are_standardised():
    values = np.random.default_rng(0).normal(5.0, 3.0, 1000)
    fitted = fit_column(polars.Series("a", values))
    assert isinstance(fitted, NumberColumn)
    assert not fitted.knots
    features = fitted.transform(polars.Series("a", values))
    assert features.shape == (1000, 1)
    assert features.mean() == pytest.approx(0.0, abs=1e-6)
    assert features.std() == pytest.approx(1.0, abs=1e-6)


def test_heavy_tails_are_evened_out():
    values = np.exp(3 * np.random.default_rng(0).normal(size=5000))
    fitted = fit_column(polars.Series("a", values))
    features = fitted.transform(polars.Series("a", values))[:, 0]
    assert np.abs(features).max() < 4.0
    assert features.std() == pytest.approx(1.0, abs=0.05)
    order = np.argsort(values)
    assert np.all(np.diff(features[order]) >= 0)


def test_a_column_of_mostly_zeros_keeps_them_together():
    values = np.zeros(1000)
    values[:50] = np.linspace(1000, 99999, 50)
    fitted = fit_column(polars.Series("gain", values))
    features = fitted.transform(polars.Series("gain", values))[:, 0]
    assert len(np.unique(features[50:])) == 1
    assert features[:50].min() > features[50]
    assert np.median(features[:50]) > features[50] + 1.5


def test_missing_numbers_are_marked_only_where_they_occurred():
    assert fit_column(polars.Series("a", [1.0, None, 2.0])).marks_missing
    assert not fit_column(polars.Series("a", [1.0, 2.0])).marks_missing


@pytest.mark.parametrize(
    "values", [[0.1, 0.1, 0.1], [None, None], [7, None], [1e308, -1e308], [1e-320, 0.0]]
)
def test_odd_numbers_give_finite_features(values):
    column = polars.Series("a", values, polars.Float64)
    assert np.isfinite(fit_column(column).transform(column)).all()


def test_truth_values_are_numbers():
    assert isinstance(fit_column(polars.Series("a", [True, False])), NumberColumn)


def test_rare_words_are_merged_and_frequent_ones_come_first():
    words = ["b"] * 6 + ["a"] * 4 + ["once", None]
    fitted = fit_column(polars.Series("rows", words))
    assert fitted == CategoryColumn("rows", ("b", "a"), marks_missing=True, marks_rare=True)


def test_the_number_of_categories_is_limited():
    words = [f"w{i % 300}" for i in range(3000)]
    fitted = fit_column(polars.Series("w", words))
    assert len(fitted.categories) == 100
    assert fitted.marks_rare


def test_only_the_parts_of_a_date_that_differ_are_kept():
    days = [date(2024, 3, 4) + timedelta(days=number) for number in range(10)]
    fitted = fit_column(polars.Series("d", days))
    assert isinstance(fitted, DateColumn)
    assert [part.name for part in fitted.parts] == ["day", "weekday"]
