"""A table, from whatever holds it: a CSV, Parquet or NPZ file, a frame or an Arrow table."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradiente.base.errors import DataError
from gradiente.data.arrays import as_series, read_arrays
from gradiente.data.delimited import read_delimited

if TYPE_CHECKING:
    from polars import DataFrame

# Files that are often tried, and what to do with them.
REFUSED = {
    ".xls": "open it in a spreadsheet program and save it as CSV",
    ".xlsx": "open it in a spreadsheet program and save it as CSV",
    ".json": "write it as CSV or Parquet first",
    ".jsonl": "write it as CSV or Parquet first",
    ".zip": "unpack it first",
    ".gz": "unpack it first",
    ".npy": "save its columns under names with numpy.savez",
    ".pkl": "a pickle can execute code when it is opened; write the table as CSV or Parquet",
    ".pickle": "a pickle can execute code when it is opened; write the table as CSV or Parquet",
}


def read_table(
    source: Any, header: bool | None = None, as_text: Collection[str] = ()
) -> "DataFrame":
    """Read a table into a polars frame of typed columns.

    source: the path of a text file (its delimiter is found out), of a Parquet file (.parquet) or
    of an NPZ file of arrays (.npz); or a pandas or polars frame, an Arrow table, or a dict of
    columns.
    header: for text, whether the first line holds the names; `None` to find out.
    as_text: for text, the names of columns that are not to be read as numbers or dates.
    Raises `DataError` when there is no such file, or no table with rows in it.
    """
    if not isinstance(source, str | Path):
        frame = _from_memory(source)
        place = "the table"
    else:
        path = Path(source)
        _refuse_unreadable(path)
        frame = _reader(path, header, as_text)(path)
        place = str(path)
    if frame.height == 0 or frame.width == 0:
        raise DataError(f"{place} is empty: it has {frame.height} rows of {frame.width} columns.")
    return frame


def _refuse_unreadable(path: Path) -> None:
    if not path.exists():
        raise DataError(f"there is no file {path}.")
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a table.")
    if path.suffix.lower() in REFUSED:
        raise DataError(f"{path} cannot be read as a table: {REFUSED[path.suffix.lower()]}.")
    try:
        path.open("rb").close()
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}.") from error


def _reader(
    path: Path, header: bool | None, as_text: Collection[str]
) -> Callable[[Path], "DataFrame"]:
    if path.suffix.lower() in (".parquet", ".pq"):
        return _read_parquet
    if path.suffix.lower() == ".npz":
        return read_arrays
    return lambda path: read_delimited(path, header, as_text)


def _read_parquet(path: Path) -> "DataFrame":
    import polars

    try:
        return polars.read_parquet(path)
    except (polars.exceptions.PolarsError, OSError) as error:
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{path} cannot be read as Parquet: {reason}.") from error


def _from_memory(table: Any) -> "DataFrame":
    import polars

    if isinstance(table, polars.DataFrame):
        return table
    if isinstance(table, polars.LazyFrame):
        return table.collect()
    # Recognised by name, so that pandas need not be installed.
    if type(table).__module__.split(".")[0] == "pandas" and hasattr(table, "columns"):
        return polars.DataFrame([_from_pandas(str(name), table[name]) for name in table.columns])
    if isinstance(table, dict) or hasattr(table, "__arrow_c_stream__"):
        return _from_columns(table)
    raise DataError(
        f"a {type(table).__name__} is not a table: give the path of a file, a pandas or polars "
        "frame, an Arrow table, or a dict of columns."
    )


def _from_columns(table: Any) -> "DataFrame":
    """An Arrow table of any library, or columns by name."""
    import polars

    try:
        if isinstance(table, dict):
            columns = [(str(name), values) for name, values in table.items()]
            return polars.DataFrame([as_series(*column) for column in columns])
        return polars.DataFrame(table)
    except (polars.exceptions.PolarsError, TypeError, ValueError) as error:
        reason = str(error).split("\n", 1)[0]
        raise DataError(
            f"the {type(table).__name__} cannot be read as a table: {reason}."
        ) from error


def _from_pandas(name: str, column: Any) -> Any:
    """One column, through NumPy where it has numbers or dates, else value by value."""
    import polars

    values = column.to_numpy() if isinstance(column.dtype, np.dtype) else None
    if values is not None and values.dtype.kind in "biufM":
        return as_series(name, values)
    known = column.astype(object).where(column.notna(), None).tolist()
    try:
        return polars.Series(name, known)
    except (TypeError, polars.exceptions.PolarsError):
        # Values of several types: all become text.
        return polars.Series(name, [None if value is None else str(value) for value in known])
