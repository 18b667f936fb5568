"""Parquet is read by row groups and columns: what a chunk does not need may even be damaged."""

import struct

import numpy as np
import polars
import pytest

from gradiente.base.errors import DataError
from gradiente.data import fit_table, stream_parquet

ROWS = 8000
FRAME = polars.DataFrame(
    {
        "size": np.arange(ROWS, dtype=np.float64),
        "y": np.arange(ROWS, dtype=np.float64) ** 2,
        "notes": [f"a long text that is no part of what is learned, {n}" for n in range(ROWS)],
    }
)
TABLE = fit_table(FRAME[:1000], "y", drop="notes")


@pytest.fixture
def damaged(tmp_path):
    """Write the table, and put zeros in place of the last share of its data."""

    def damaged(share, group):
        path = tmp_path / "table.parquet"
        FRAME.write_parquet(path, row_group_size=group, compression="uncompressed")
        content = bytearray(path.read_bytes())
        (footer,) = struct.unpack("<I", content[-8:-4])
        end = len(content) - 8 - footer
        begin = int(end * (1 - share))
        content[begin:end] = bytes(end - begin)
        path.write_bytes(content)
        return path

    return damaged


def test_other_row_groups_are_not_read(damaged):
    pieces = stream_parquet(damaged(0.5, group=1000), TABLE, rows=1000).chunks(0, 1, False)
    for number in range(3):
        x, _ = next(pieces)
        rows = FRAME[number * 1000 : (number + 1) * 1000]
        np.testing.assert_array_equal(x, TABLE.transform(rows))
    with pytest.raises(DataError, match=r"table\.parquet cannot be read as Parquet"):
        list(pieces)


def test_other_columns_are_not_read(damaged):
    x, y = next(stream_parquet(damaged(0.6, group=ROWS), TABLE).chunks(0, 1, False))
    np.testing.assert_array_equal(x, TABLE.transform(FRAME))
    np.testing.assert_array_equal(y, TABLE.transform_target(FRAME))


def test_the_target_is_not_read_to_predict(tmp_path):
    known = FRAME.with_columns(y=polars.when(polars.col("size") > 100).then("y"))
    known.write_parquet(tmp_path / "some.parquet")
    FRAME.drop("y").write_parquet(tmp_path / "none.parquet")
    some = stream_parquet(tmp_path / "some.parquet", TABLE, rows=3000)
    none = stream_parquet(tmp_path / "none.parquet", TABLE, rows=3000)
    for stream in (some, none):
        np.testing.assert_array_equal(np.concatenate([*stream.inputs()]), TABLE.transform(FRAME))
    assert sum(len(y) for _, y in some.chunks(0, 1, False)) == ROWS - 101
    with pytest.raises(DataError, match="lacks the column y"):
        next(none.chunks(0, 1, False))
