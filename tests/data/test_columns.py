"""Encoding one column, and writing down how."""

import json
from datetime import date

import numpy as np
import polars
import pytest

from gradiente.base.errors import DataError, RunError
from gradiente.data.columns import (
    CategoryColumn,
    DateColumn,
    NumberColumn,
    column_from_dict,
    column_to_dict,
)

NUMBER = NumberColumn("age", mean=40.0, scale=10.0, marks_missing=True)
CURVED = NumberColumn("gain", 1.0, 1.0, knots=(0.0, 1.0, 1000.0), scores=(-2.0, 0.0, 2.0))
PLAIN = NumberColumn("age", mean=40.0, scale=1.0, marks_missing=True, plain=True)
CATEGORY = CategoryColumn("island", ("Biscoe", "Dream"), marks_missing=True, marks_rare=True)
DATE = DateColumn("day", (NumberColumn("year", 2000.0, 10.0), NumberColumn("month", 6.0, 3.0)))


def test_numbers_are_standardised_and_missing_ones_marked():
    features = NUMBER.transform(polars.Series("age", [50, None, 10**9]))
    assert features.dtype == np.float32
    assert features.tolist() == [[1.0, 0.0], [0.0, 1.0], [10.0, 0.0]]  # clipped at ten
    assert NUMBER.features == ["age", "age is missing"]


def test_a_curve_evens_out_and_holds_its_ends():
    features = CURVED.transform(polars.Series("gain", [0.5, 1.0, 10.0**6, -5.0]))
    assert features[:, 0].tolist() == [-1.0, 0.0, 2.0, -2.0]


def test_plain_numbers_stay_and_missing_ones_are_the_mean():
    features = PLAIN.transform(polars.Series("age", [10**6, None]))
    assert features.tolist() == [[10.0**6, 0.0], [40.0, 1.0]]


def test_infinite_numbers_count_as_missing():
    assert NUMBER.transform(polars.Series("age", [float("inf")])).tolist() == [[0.0, 1.0]]


def test_categories_are_one_hot():
    column = polars.Series("island", ["Dream", "Atlantis", None, "Biscoe", ""])
    assert CATEGORY.transform(column).tolist() == [
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [1, 0, 0, 0],
        [0, 0, 0, 1],
    ]
    assert CATEGORY.features[2:] == ["island is rare", "island is missing"]


def test_an_unknown_word_is_all_zeros_where_none_was_rare():
    plain = CategoryColumn("island", ("Biscoe", "Dream"))
    assert plain.transform(polars.Series("island", ["Atlantis", None])).tolist() == [[0, 0]] * 2
    marked = CategoryColumn("island", ("Biscoe",), marks_missing=True)
    assert marked.transform(polars.Series("island", ["Atlantis", None])).tolist() == [
        [0, 0],
        [0, 1],
    ]


def test_categories_that_look_like_numbers():
    column = CategoryColumn("code", ("1", "2"))
    assert column.transform(polars.Series("code", [2, 1])).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("values", "kind"), [([1.0, 2.0], "Float64"), ([True], "Boolean"), ([date(2024, 1, 1)], "Date")]
)
def test_values_of_another_kind_are_not_all_taken_as_unknown(values, kind):
    column = CategoryColumn("code", ("1", "2"), marks_rare=True)
    with pytest.raises(DataError, match=rf"'code' holds {kind} values such as .* such as 1, 2:"):
        column.transform(polars.Series("code", values))


def test_unknown_whole_numbers_are_unknown_where_categories_are_numbers():
    column = CategoryColumn("code", ("1", "2"), marks_rare=True)
    assert column.transform(polars.Series("code", [7])).tolist() == [[0, 0, 1]]
    with pytest.raises(DataError, match="holds Int64 values such as 7"):
        CategoryColumn("code", ("a",)).transform(polars.Series("code", [7]))
    assert column.codes(polars.Series("code", [None], dtype=polars.Float64)).tolist() == [2]


def test_dates_become_their_parts():
    assert DATE.transform(polars.Series("day", [date(2010, 9, 1)])).tolist() == [[1.0, 1.0]]
    assert DATE.features == ["day year", "day month"]


def test_words_among_numbers_are_an_error():
    with pytest.raises(DataError, match="'age' holds 'old' in row 1"):
        NUMBER.transform(polars.Series("age", ["old"]))


@pytest.mark.parametrize("column", [NUMBER, CURVED, PLAIN, CATEGORY, DATE])
def test_columns_survive_a_json_file(column):
    assert column_from_dict(json.loads(json.dumps(column_to_dict(column)))) == column


@pytest.mark.parametrize("column", [NUMBER, CATEGORY, DATE])
def test_every_field_is_needed(column):
    data = column_to_dict(column)
    for name in data:
        with pytest.raises(RunError):
            column_from_dict({key: value for key, value in data.items() if key != name})


@pytest.mark.parametrize(
    "change",
    [
        {"scale": 0.0},
        {"scale": float("nan")},
        {"knots": [0.0, 1.0]},
        {"knots": [1.0, 0.0], "scores": [0.0, 1.0]},
        {"kind": "pickle"},
        {"name": 3},
    ],
)
def test_damaged_columns_are_refused(change):
    data = json.loads(json.dumps(column_to_dict(NUMBER))) | change
    with pytest.raises(RunError):
        column_from_dict(data)


def test_unknown_parts_of_dates_are_refused():
    data = json.loads(json.dumps(column_to_dict(DATE)))
    data["parts"][0]["name"] = "__class__"
    with pytest.raises(RunError, match="parts of a date"):
        column_from_dict(data)
