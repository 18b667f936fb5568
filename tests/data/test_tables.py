"""Reading a table from files of several kinds and from memory."""

from datetime import date

import numpy as np
import pandas
import polars
import pytest

from gradiente.base.errors import DataError
from gradiente.data.tables import read_table

FRAME = polars.DataFrame({"a": [1, 2, None], "b": ["x", "y", "x"], "c": [0.5, None, 1.5]})


def test_csv_and_parquet_hold_the_same_table(tmp_path):
    FRAME.write_csv(tmp_path / "table.csv")
    FRAME.write_parquet(tmp_path / "table.parquet")
    assert read_table(tmp_path / "table.csv").equals(FRAME)
    assert read_table(str(tmp_path / "table.parquet")).equals(FRAME)


def test_npz_is_read(tmp_path):
    np.savez(tmp_path / "table.npz", x=np.arange(6.0).reshape(3, 2), y=np.array([0, 1, 0]))
    assert read_table(tmp_path / "table.npz").columns == ["x_1", "x_2", "y"]


def test_a_polars_frame_is_taken_as_it_is():
    assert read_table(FRAME) is FRAME


def test_a_pandas_frame_is_converted_column_by_column():
    table = pandas.DataFrame(
        {
            "number": [1.5, np.nan],
            "whole": [1, 2],
            "flag": [True, False],
            "word": ["a", None],
            "category": pandas.Categorical(["u", "v"]),
            "date": pandas.to_datetime(["2024-01-01", None]),
            "nullable": pandas.array([1, None], dtype="Int64"),
            "mixed": [1, "one"],
            7: [0, 1],
        }
    )
    frame = read_table(table)
    assert frame["number"].to_list() == [1.5, None]
    assert frame["flag"].to_list() == [True, False]
    assert frame["word"].to_list() == ["a", None]
    assert frame["category"].to_list() == ["u", "v"]
    assert frame["date"].dt.date().to_list() == [date(2024, 1, 1), None]
    assert frame["nullable"].to_list() == [1, None]
    assert frame["mixed"].to_list() == ["1", "one"]
    assert frame.columns[-1] == "7"


def test_an_arrow_table_and_a_batch_of_it():
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table(
        {
            "a": [1, 2, None],
            "b": arrow.array(["x", "y", "x"]).dictionary_encode(),
            "day": [date(2024, 1, 1), None, date(2025, 1, 1)],
        }
    )
    frame = read_table(table)
    assert frame["a"].to_list() == [1, 2, None]
    assert frame["b"].cast(polars.String).to_list() == ["x", "y", "x"]
    assert frame["day"].to_list() == [date(2024, 1, 1), None, date(2025, 1, 1)]
    assert read_table(table.to_batches()[0]).equals(frame)


def test_a_pandas_frame_of_arrow_columns():
    pytest.importorskip("pyarrow")
    table = pandas.DataFrame({"a": [1, None], "b": ["x", None]}).convert_dtypes(
        dtype_backend="pyarrow"
    )
    assert read_table(table).to_dict(as_series=False) == {"a": [1, None], "b": ["x", None]}


@pytest.mark.parametrize("unit", ["D", "h", "s", "ms", "us", "ns"])
def test_dates_of_every_resolution(unit, tmp_path):
    days = np.array(["2024-01-01", "NaT", "2025-06-30"], f"datetime64[{unit}]")
    expected = [date(2024, 1, 1), None, date(2025, 6, 30)]
    np.savez(tmp_path / "table.npz", day=days)
    tables = [{"day": days}, tmp_path / "table.npz"]
    if unit in ("s", "ms", "us", "ns"):
        tables.append(pandas.DataFrame({"day": pandas.Series(days)}))
    for table in tables:
        assert read_table(table)["day"].cast(polars.Date).to_list() == expected


def test_columns_by_name_and_what_is_still_to_be_computed():
    frame = read_table({"a": np.array([1.5, np.nan]), "b": ["x", None], 3: [1, 2]})
    assert frame.to_dict(as_series=False) == {"a": [1.5, None], "b": ["x", None], "3": [1, 2]}
    assert read_table(FRAME.lazy()).equals(FRAME)
    with pytest.raises(DataError, match="the dict cannot be read as a table"):
        read_table({"a": [1, 2], "b": [1, 2, 3]})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*nowhere\.csv"):
        read_table(tmp_path / "nowhere.csv")


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize("name", ["t.xlsx", "t.pkl", "t.json", "t.csv.gz"])
def test_other_files_are_refused_with_advice(tmp_path, name):
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(DataError, match=r"cannot be read as a table: .*(CSV|unpack)"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 broken PAR1", b"a,b\n1,2\n"])
def test_damaged_parquet_is_refused(tmp_path, content):
    file = tmp_path / "t.parquet"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"t\.parquet cannot be read as Parquet"):
        read_table(file)


def test_truncated_parquet_is_refused(tmp_path):
    file = tmp_path / "t.parquet"
    FRAME.write_parquet(file)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_table(file)


def test_an_empty_table_is_refused(tmp_path):
    FRAME.clear().write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="is empty: it has 0 rows of 3 columns"):
        read_table(tmp_path / "t.parquet")


def test_what_is_no_table_is_refused():
    with pytest.raises(DataError, match="a list is not a table"):
        read_table([1, 2])
