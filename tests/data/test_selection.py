"""Choosing the columns to learn from."""

import polars
import pytest

from gradiente.base.errors import DataError
from gradiente.data.selection import select_columns

ROWS = 40
FRAME = polars.DataFrame(
    {
        "id": range(1, ROWS + 1),
        "year": range(1900, 1900 + ROWS),
        "size": [number % 7 for number in range(ROWS)],
        "name": [f"person {number}" for number in range(ROWS)],
        "kind": ["a", "b"] * (ROWS // 2),
        "constant": [1] * ROWS,
        "sometimes": [1, None] * (ROWS // 2),
        "nothing": [None] * ROWS,
        "lists": [[1]] * ROWS,
        "y": [0, 1] * (ROWS // 2),
    }
)


def test_what_teaches_nothing_is_left_out_with_the_reason():
    kept, dropped = select_columns(FRAME, "y")
    assert kept == ["year", "size", "kind", "sometimes"]
    assert dropped["id"] == "only numbers the rows"
    assert dropped["name"].startswith("is free text or a name (40 different values in 40 rows)")
    assert dropped["constant"] == "is the same in every row"
    assert dropped["nothing"] == "has no known value"
    assert dropped["lists"].startswith("holds List")


def test_a_table_of_the_target_alone_is_refused():
    with pytest.raises(DataError, match="no column besides 'y'"):
        select_columns(FRAME.select("y"), "y")


def test_a_table_without_a_useful_column_is_refused():
    with pytest.raises(DataError, match=r"no column is left to learn 'y' from: name is free text"):
        select_columns(FRAME.select("name", "y"), "y")
