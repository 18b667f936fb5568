"""Reading plain data with every field checked."""

import math

import pytest

from gradiente.base.errors import RunError
from gradiente.data import fields


def test_right_fields_are_read():
    data = {"t": "x", "f": True, "n": 1, "w": 2, "l": [1], "ns": [1, 2.5], "ts": ["a"]}
    assert fields.read_text(data, "t") == "x"
    assert fields.read_flag(data, "f") is True
    assert fields.read_number(data, "n") == 1.0
    assert fields.read_whole_number(data, "w") == 2
    assert fields.read_list(data, "l") == [1]
    assert fields.read_numbers(data, "ns") == (1.0, 2.5)
    assert fields.read_texts(data, "ts") == ("a",)


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        (fields.read_text, 1),
        (fields.read_flag, 1),
        (fields.read_number, True),
        (fields.read_number, math.nan),
        (fields.read_number, "1"),
        (fields.read_whole_number, 1.0),
        (fields.read_list, {}),
        (fields.read_numbers, [1, math.inf]),
        (fields.read_texts, ["a", 1]),
    ],
)
def test_wrong_fields_are_refused_by_name(read, wrong):
    with pytest.raises(RunError, match="'field' must"):
        read({"field": wrong}, "field")


def test_missing_fields_and_other_data_are_refused():
    with pytest.raises(RunError, match="'a' is missing"):
        fields.read_text({}, "a")
    with pytest.raises(RunError, match="expected an object"):
        fields.read_text([], "a")
