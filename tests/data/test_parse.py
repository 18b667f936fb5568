"""The type of a column of text."""

from datetime import date, datetime

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradiente.data.parse import parse_column


def parsed(values, **options):
    return parse_column(polars.Series("a", values, polars.String), **options)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-2", "?"], [1, -2, None]),
        (["1", "2.5", "NA"], [1.0, 2.5, None]),
        (["True", "false", "null"], [True, False, None]),
        (["x", "1", "None"], ["x", "1", None]),
        (["", "nan", None], [None, None, None]),
        (["2024-02-29", "2024-03-01"], [date(2024, 2, 29), date(2024, 3, 1)]),
        (["31.12.2024", "01.01.2025"], [date(2024, 12, 31), date(2025, 1, 1)]),
        (["13/01/2024", "01/02/2024"], [date(2024, 1, 13), date(2024, 2, 1)]),
        (["2024-02-29 12:30"], [datetime(2024, 2, 29, 12, 30)]),
        (["2024-02-29T12:30:05"], [datetime(2024, 2, 29, 12, 30, 5)]),
        (["2024-02-30"], ["2024-02-30"]),  # there is no such day
    ],
)
def test_the_first_type_that_fits_every_value(values, expected):
    assert parsed(values).to_list() == expected


def test_decimal_commas_only_where_they_may_be():
    assert parsed(["1,5", "2"], decimal_comma=True).to_list() == [1.5, 2.0]
    assert parsed(["1,5", "2"]).to_list() == ["1,5", "2"]


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_numbers_come_back_to_the_last_bit(values):
    assert parsed([repr(value) for value in values]).cast(polars.Float64).to_list() == values


@given(st.lists(st.text()))
def test_no_column_is_too_odd(values):
    column = parsed(values)
    assert len(column) == len(values)
