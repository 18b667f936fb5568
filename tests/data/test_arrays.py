"""Reading NPZ files of arrays as tables."""

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradiente.base.errors import DataError
from gradiente.data.arrays import read_arrays


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "t.npz", **arrays)
    return tmp_path / "t.npz"


def test_each_shape_becomes_columns(tmp_path):
    frame = read_arrays(
        saved(
            tmp_path,
            x=np.arange(12, dtype=np.float32).reshape(2, 2, 3),
            pair=np.array([[1, 2], [3, 4]]),
            y=np.array([[0], [1]]),
            word=np.array(["a", "b"]),
            half=np.array([0.5, np.nan], np.float16),
        )
    )
    assert frame.columns == [f"x_{i}" for i in range(1, 7)] + [
        "pair_1",
        "pair_2",
        "y",
        "word",
        "half",
    ]
    assert frame.row(1) == (6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 3, 4, 1, "b", None)


def test_lengths_must_agree(tmp_path):
    with pytest.raises(DataError, match=r"different lengths \(x_train has 3, x_test has 2\)"):
        read_arrays(saved(tmp_path, x_train=np.zeros(3), x_test=np.zeros(2)))


def test_objects_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was opened",))

    file = saved(tmp_path, x=np.array([Bomb(), None], dtype=object))
    with pytest.raises(DataError, match="could execute code"):
        read_arrays(file)


def test_scalars_and_complex_numbers_are_no_columns(tmp_path):
    with pytest.raises(DataError, match=r"shape \(\)"):
        read_arrays(saved(tmp_path, x=np.array(1.0)))
    with pytest.raises(DataError, match="complex128"):
        read_arrays(saved(tmp_path, x=np.zeros(2, complex)))


@pytest.mark.parametrize("keep", [0, 10, 100, 200])
def test_truncated_files_are_refused(tmp_path, keep):
    file = saved(tmp_path, x=np.zeros(100))
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"t\.npz cannot be read"):
        read_arrays(file)


def test_another_file_under_this_name_is_refused(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    (tmp_path / "t.npz").write_bytes(stream.getvalue())
    with pytest.raises(DataError):
        read_arrays(tmp_path / "t.npz")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 255))
def test_a_flipped_byte_gives_a_table_or_a_data_error(tmp_path, position, value):
    file = tmp_path / "t.npz"
    np.savez_compressed(file, x=np.arange(50), y=np.arange(50))
    content = bytearray(file.read_bytes())
    content[position % len(content)] = value
    file.write_bytes(content)
    try:
        read_arrays(file)
    except DataError as error:
        assert str(file) in str(error)
