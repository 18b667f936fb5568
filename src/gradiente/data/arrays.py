"""A table from the arrays of an NPZ file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradiente.base.errors import DataError

if TYPE_CHECKING:
    from polars import DataFrame, Series

COLUMN_KINDS = "biufUM"  # booleans, whole numbers, numbers, text, dates


def read_arrays(path: Path) -> "DataFrame":
    """Read an NPZ file of arrays that all have one entry, or one row, per row of the table.

    An array `x` of shape (n,) or (n, 1) becomes the column x, one of shape (n, k) the columns
    x_1 ... x_k; further axes are flattened.
    Raises `DataError` when the file is damaged, holds Python objects, or lengths differ.
    """
    arrays = _load(path)
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise DataError(
            f"the arrays in {path} have different lengths ({listed}): save the arrays of one data "
            "set, of one length, in one file."
        )
    columns: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        columns |= _columns(name, array)
    return _frame(columns)


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        # Without pickle: an array of objects could execute code.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    # Damaged bytes make the readers of ZIP files and of arrays raise errors of many kinds.
    except Exception as error:
        if "allow_pickle" in str(error) and "Object arrays" in str(error):
            raise DataError(
                f"{path} holds Python objects, which are not read because they could execute "
                "code: save arrays of numbers, text or dates."
            ) from error
        raise DataError(f"{path} cannot be read as an NPZ file of arrays.") from error
    for name, array in arrays.items():
        if array.ndim == 0 or array.dtype.kind not in COLUMN_KINDS:
            raise DataError(
                f"the array {name} in {path} has shape {array.shape} and type {array.dtype}: "
                "columns are arrays of numbers, text or dates with one entry per row."
            )
    return arrays


def _columns(name: str, array: np.ndarray) -> dict[str, np.ndarray]:
    if array.dtype.kind == "f":  # a table knows two of the floating types
        array = array.astype(np.float32 if array.itemsize <= 4 else np.float64)
    if array.ndim == 1 or array.size == len(array):
        return {name: array.reshape(len(array))}
    rows = array.reshape(len(array), -1)
    return {f"{name}_{number + 1}": rows[:, number] for number in range(rows.shape[1])}


def _frame(columns: dict[str, np.ndarray]) -> "DataFrame":
    import polars

    return polars.DataFrame([as_series(name, values) for name, values in columns.items()])


def as_series(name: str, values: Any) -> "Series":
    """A column from an array or a list; `nan` is a missing value."""
    import polars

    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        unit, _ = np.datetime_data(values.dtype)
        if unit not in ("D", "ms", "us", "ns"):  # seconds, for instance, which pandas prefers
            values = values.astype("datetime64[ms]")
    return polars.Series(name, values, nan_to_null=True)
