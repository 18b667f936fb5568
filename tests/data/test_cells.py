"""Reading the values of a column."""

from datetime import date, datetime, timedelta

import numpy as np
import polars
import pytest

from gradiente.base.errors import DataError
from gradiente.data.cells import date_part, numbers_of, words_of


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None], [1.0, np.nan]),
        ([True, False], [1.0, 0.0]),
        (["1.5", None], [1.5, np.nan]),
        ([timedelta(microseconds=3)], [3.0]),
    ],
)
def test_numbers(values, expected):
    assert np.array_equal(numbers_of(polars.Series("a", values)), expected, equal_nan=True)


def test_what_is_no_number_is_shown_with_its_row():
    with pytest.raises(DataError, match=r"'age' holds 'old' in row 2, where a number"):
        numbers_of(polars.Series("age", ["1", "old"]))
    with pytest.raises(DataError, match="not numbers"):
        numbers_of(polars.Series("age", [[1]]))


def test_words():
    assert words_of(polars.Series("a", [" x ", "", None])).to_list() == ["x", None, None]
    assert words_of(polars.Series("a", [1, 2])).to_list() == ["1", "2"]
    with pytest.raises(DataError, match="not words"):
        words_of(polars.Series("a", [b"x"]))


@pytest.mark.parametrize("dtype", [polars.Null, polars.String, polars.Date, polars.Float64])
def test_columns_without_a_value_fit_every_kind(dtype):
    column = polars.Series("a", [None, None], dtype)
    assert np.isnan(numbers_of(column)).all()
    assert words_of(column).to_list() == [None, None]
    assert np.isnan(date_part(column, "year")).all()


def test_date_parts():
    moments = polars.Series("a", [datetime(2024, 2, 29, 13, 5), None])
    expected = {"year": 2024, "month": 2, "day": 29, "weekday": 4, "hour": 13}
    for part, value in expected.items():
        assert np.array_equal(date_part(moments, part), [value, np.nan], equal_nan=True)
    assert date_part(polars.Series("a", [date(2024, 2, 29)]), "hour").tolist() == [0.0]
    assert np.isnan(date_part(polars.Series("a", [None], polars.String), "year")).all()
    with pytest.raises(DataError, match="'soon', where a date is expected"):
        date_part(polars.Series("a", ["soon"]), "year")
