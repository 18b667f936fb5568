"""Finding the column to learn and what kind of task it is."""

import numpy as np
import polars
import pytest

from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.data.task import find_target, infer_task

FRAME = polars.DataFrame({"sepal": [1], "petal": [2], "species": ["a"]})


@pytest.mark.parametrize(
    ("target", "expected"),
    [("species", "species"), ("1", "sepal"), ("3", "species"), ("-1", "species")],
)
def test_a_target_goes_by_name_or_position(target, expected):
    assert find_target(FRAME, target) == expected


def test_a_name_goes_before_a_position():
    assert find_target(polars.DataFrame({"2": [1], "b": [1]}), "2") == "2"


def test_a_usual_name_need_not_be_given():
    assert find_target(polars.DataFrame({"a": [1], "Target": [1]}), None) == "Target"


def test_a_wrong_name_gets_the_closest_ones():
    with pytest.raises(DataError, match=r"no column 'specis': did you mean species\?"):
        find_target(FRAME, "specis")
    with pytest.raises(DataError, match=r"no column 'SPECIES': did you mean species\?"):
        find_target(FRAME, "SPECIES")
    with pytest.raises(DataError, match=r"no column '9': it has the columns sepal, petal, species"):
        find_target(FRAME, "9")
    with pytest.raises(DataError, match="say which column is the target"):
        find_target(FRAME, None)


def series(values):
    return polars.Series("t", values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", "b"] * 10, "classification"),
        ([True, False] * 10, "classification"),
        ([0, 1] * 10, "classification"),
        ([1.0, 2.0, None] * 10, "classification"),
        (list(range(10)) * 20, "classification"),
        (list(range(10)) * 3, "regression"),  # too few rows for each
        (list(range(30)) * 50, "regression"),  # too many different ones
        ([0.5, 1.5, 2.5] * 30, "regression"),
        (np.linspace(0, 1, 50), "regression"),
    ],
)
def test_the_values_tell_the_task(values, expected):
    assert infer_task(series(values)) == expected


def test_the_caller_may_know_better():
    assert infer_task(series([0, 1] * 10), "regression") == "regression"
    assert infer_task(series([0.5, 1.5] * 10), "classification") == "classification"
    assert infer_task(series(range(1, 50)), "regression") == "regression"


def test_categories_are_classes():
    column = polars.Series("t", ["a", "b"] * 5, polars.Categorical)
    assert infer_task(column) == "classification"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([3, 3, None], "is 3 in every row"),
        ([None, None], "has no known value"),
        ([float("nan"), float("inf")], "has no known value"),
        ([f"id{number}" for number in range(9)], "9 different values in 9 rows, nearly a class"),
        (list(range(50)), "numbers the rows"),
        ([[1], [2]], "cannot be learned"),
    ],
)
def test_what_cannot_be_learned(values, message):
    with pytest.raises(DataError, match=message):
        infer_task(series(values))


def test_requests_that_do_not_fit():
    with pytest.raises(DataError, match="'a', which are not numbers"):
        infer_task(series(["a", "b"] * 5), "regression")
    with pytest.raises(DataError, match="learn it as a regression"):
        infer_task(series(np.linspace(0, 1, 20)), "classification")
    with pytest.raises(InvalidArgumentError, match="one of classification, regression"):
        infer_task(series([0, 1]), "clustering")
