"""Encoding the column to be learned, and reading predictions back."""

import json

import numpy as np
import polars
import pytest

from gradiente.base.errors import DataError, RunError
from gradiente.data.target import (
    ClassTarget,
    NumberTarget,
    fit_classes,
    fit_quantity,
    target_from_dict,
    target_to_dict,
)

SPECIES = ClassTarget("species", ("Adelie", "Gentoo"), "text")
PRICE = NumberTarget("price", 100.0, 50.0)


@pytest.mark.parametrize(
    ("values", "classes", "kind"),
    [
        (["b", "a", None, "b"], ("a", "b"), "text"),
        ([10, 9, 10], ("9", "10"), "number"),
        ([2.0, 1.0, None], ("1", "2"), "number"),
        ([0.5, 1.5], ("0.5", "1.5"), "number"),
        ([True, False], ("false", "true"), "truth value"),
    ],
)
def test_classes_are_ordered(values, classes, kind):
    assert fit_classes(polars.Series("t", values)) == ClassTarget("t", classes, kind)


@pytest.mark.parametrize("values", [["a", "b"], [9, 10], [0.5, 1.5], [False, True]])
def test_classes_come_back_as_they_were(values):
    column = polars.Series("t", values)
    target = fit_classes(column)
    codes = target.encode(column)
    assert codes.dtype == np.int64
    assert codes.tolist() == [0, 1]
    assert target.decode(np.eye(2, dtype=np.float32)) == values


def test_whole_numbers_stored_as_floats_are_the_same_classes():
    target = fit_classes(polars.Series("t", [1, 2]))
    assert target.encode(polars.Series("t", [2.0, 1.0])).tolist() == [1, 0]
    with pytest.raises(DataError, match=r"'1\.5', which is none of the classes"):
        target.encode(polars.Series("t", [1.5]))


def test_a_full_stop_after_a_class_is_forgiven():
    target = ClassTarget("income", ("<=50K", ">50K"), "text")
    assert target.encode(polars.Series("income", [">50K.", "<=50K"])).tolist() == [1, 0]


def test_unknown_and_missing_classes_are_errors():
    with pytest.raises(DataError, match=r"'Emperor', which is none .*: Adelie, Gentoo"):
        SPECIES.encode(polars.Series("species", ["Emperor"]))
    with pytest.raises(DataError, match="missing values"):
        SPECIES.encode(polars.Series("species", ["Adelie", None]))


def test_probabilities_are_a_softmax_without_overflow():
    probabilities = SPECIES.probabilities(np.array([[1e4, 0.0], [0.0, 0.0]], np.float32))
    assert probabilities.tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_a_quantity_is_standardised_and_returned_in_its_unit():
    column = polars.Series("price", [50.0, 150.0])
    target = fit_quantity(column)
    assert target == PRICE
    encoded = target.encode(column)
    assert encoded.dtype == np.float32
    assert encoded.tolist() == [[-1.0], [1.0]]
    assert target.decode(encoded) == [50.0, 150.0]
    with pytest.raises(DataError, match="missing values"):
        target.encode(polars.Series("price", [1.0, None]))


@pytest.mark.parametrize("target", [SPECIES, PRICE])
def test_targets_survive_a_json_file(target):
    assert target_from_dict(json.loads(json.dumps(target_to_dict(target)))) == target


@pytest.mark.parametrize(
    ("target", "change"),
    [
        (SPECIES, {"classes": ["a"]}),
        (SPECIES, {"classes": ["a", "a"]}),
        (SPECIES, {"values": "object"}),
        (SPECIES, {"values": "number"}),
        (SPECIES, {"task": "clustering"}),
        (PRICE, {"scale": 0.0}),
        (PRICE, {"mean": None}),
    ],
)
def test_damaged_targets_are_refused(target, change):
    with pytest.raises(RunError):
        target_from_dict(json.loads(json.dumps(target_to_dict(target))) | change)
