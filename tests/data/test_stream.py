"""Streams: every sample once an epoch, in an order that is a function of seed and epoch."""

import numpy as np
import polars
import pytest

from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.data import Stream, fit_table, stream_npy, stream_parquet

X = np.arange(50, dtype=np.float32).reshape(25, 2)
Y = np.arange(25)


def together(stream, epoch=1, shuffle=True, seed=0):
    x, y = zip(*stream.chunks(seed, epoch, shuffle), strict=True)
    return np.concatenate(x), np.concatenate(y)


@pytest.fixture
def mapped(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    return stream_npy(tmp_path / "x.npy", tmp_path / "y.npy", rows=4)


def test_mapped_files_are_read_in_order_or_shuffled(mapped):
    assert mapped.count == 25
    for got, whole in zip(together(mapped, shuffle=False), (X, Y), strict=True):
        np.testing.assert_array_equal(got, whole)
    x, y = together(mapped)
    assert not np.array_equal(y, Y)
    np.testing.assert_array_equal(np.sort(y), Y)
    np.testing.assert_array_equal(x, X[y])  # rows stay together
    np.testing.assert_array_equal(together(mapped)[1], y)
    assert not np.array_equal(together(mapped, epoch=2)[1], y)
    assert not np.array_equal(together(mapped, seed=2)[1], y)
    chunks = [set(chunk[1] // 4) for chunk in mapped.chunks(0, 1, True)]
    assert all(len(chunk) == 1 for chunk in chunks)  # chunks stay together as well
    assert chunks != sorted(chunks, key=min)


def test_several_inputs_and_files_of_other_lengths(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "short.npy", Y[:-1])
    stream = stream_npy({"a": tmp_path / "x.npy", "b": tmp_path / "x.npy"}, tmp_path / "x.npy")
    chunk = next(stream.chunks(0, 1, True))
    np.testing.assert_array_equal(chunk[0]["a"], chunk[0]["b"])
    np.testing.assert_array_equal(chunk[0]["a"], chunk[1])
    with pytest.raises(DataError, match="equally many samples, one or more; got 24, 25"):
        stream_npy(tmp_path / "x.npy", tmp_path / "short.npy")
    with pytest.raises(DataError, match=r"none\.npy cannot be read as an NPY file"):
        stream_npy(tmp_path / "none.npy", tmp_path / "x.npy")
    np.save(tmp_path / "objects.npy", np.array([{}, {}]), allow_pickle=True)
    with pytest.raises(DataError, match=r"objects\.npy cannot be read"):
        stream_npy(tmp_path / "objects.npy", tmp_path / "x.npy")


def test_parquet_in_row_groups(tmp_path):
    kinds = np.array(["a", "b"])[Y % 2]
    targets = [None if n == 7 else float(n) for n in Y]
    frame = polars.DataFrame({"size": X[:, 0], "kind": kinds, "y": targets})
    frame[:16].write_parquet(tmp_path / "part-1.parquet", row_group_size=4)
    frame[16:].write_parquet(tmp_path / "part-2.parquet", row_group_size=4)
    known = frame.drop_nulls()
    table = fit_table(known, "y", scaling="standard")
    stream = stream_parquet(tmp_path / "part-*.parquet", table, rows=8)
    assert stream.count == 25
    x, y = together(stream, shuffle=False)
    np.testing.assert_array_equal(x, table.transform(known))
    np.testing.assert_array_equal(y, table.transform_target(known))
    assert len(list(stream.chunks(0, 1, True))) == 4
    np.testing.assert_array_equal(np.sort(together(stream)[1], axis=0), y)
    with pytest.raises(DataError, match="lacks the column kind"):
        other = tmp_path / "other.parquet"
        frame.drop("kind").write_parquet(other)
        next(stream_parquet(other, table).chunks(0, 1, False))
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        stream_parquet(tmp_path / "text.parquet", table)


def test_a_function_begins_anew_and_a_generator_is_refused():
    def chunks():
        yield X[:10], Y[:10]
        yield X[10:], Y[10:]

    stream = Stream(chunks)
    assert stream.count is None
    for epoch in (1, 2):
        x, y = together(stream, epoch)
        np.testing.assert_array_equal(x, X[y])
        assert set(y[:10]) == set(range(10))
    with pytest.raises(InvalidArgumentError, match="give the function itself, without calling it"):
        Stream(chunks())


@pytest.mark.parametrize("chunk", [X, (X,), [X, Y], (X, Y, Y, Y)])
def test_what_is_no_chunk(chunk):
    with pytest.raises(DataError, match=r"a chunk is \(x, y\) or \(x, y, sample_weight\)"):
        next(Stream(lambda: [chunk]).chunks(0, 1, True))
