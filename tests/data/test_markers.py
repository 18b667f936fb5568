"""Recognising missing values and numbers."""

import pytest

from gradiente.data.markers import is_missing, is_number


@pytest.mark.parametrize("field", ["", "NA", "N/A", "NaN", "nan", "null", "None", "?"])
def test_missing(field):
    assert is_missing(field)


@pytest.mark.parametrize(
    ("field", "expected"),
    [("1", True), ("-1.5e3", True), ("inf", True), ("nan", False), ("1_000", False), ("x", False)],
)
def test_numbers(field, expected):
    assert is_number(field) is expected
