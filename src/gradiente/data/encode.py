"""A whole table becomes arrays for the network.

`fit_preprocessing` looks at the training rows once. What it returns encodes any table with the same
columns, and can be written to a JSON file and read back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from gradiente.base.errors import DataError, RunError
from gradiente.data.columns import CategoryColumn, Column, column_from_dict, column_to_dict
from gradiente.data.fields import read_flag, read_list, read_object
from gradiente.data.fit_columns import AUTOMATIC, Encoding, fit_column
from gradiente.data.tables import read_table
from gradiente.data.target import (
    ClassTarget,
    Target,
    fit_classes,
    fit_quantity,
    target_from_dict,
    target_to_dict,
)
from gradiente.data.task import Task

if TYPE_CHECKING:
    from polars import DataFrame


@dataclass(frozen=True)
class Preprocessing:
    """How each column of a table is encoded, and how its target is.

    dropped: the columns that are not used, and why.
    embedded: whether categories become integers, for `nn.CategoryEmbedding` or
        `nn.FeatureTokenizer`, and not columns of zeros and ones.
    """

    columns: tuple[Column, ...]
    target: Target
    dropped: dict[str, str] = field(default_factory=dict)
    embedded: bool = False

    @property
    def feature_names(self) -> list[str]:
        """One name for each column of the encoded numbers, and of the integers after them."""
        numbers, codes = self._divided()
        names = [feature for column in numbers for feature in column.features]
        return names + [column.name for column in codes]

    @property
    def category_sizes(self) -> tuple[int, ...]:
        """How many categories each column of integers has, rare and missing ones included."""
        return tuple(max(1, len(column.features)) for column in self._divided()[1])

    @property
    def text_columns(self) -> list[str]:
        """Columns whose values are words, even where all of them look like numbers."""
        words = [column.name for column in self.columns if isinstance(column, CategoryColumn)]
        if isinstance(self.target, ClassTarget) and self.target.values == "text":
            words.append(self.target.name)
        return words

    def read(self, source: Any) -> "DataFrame":
        """A table like the one it was fitted to, from whatever `data.read_table` reads."""
        import polars

        if isinstance(source, polars.DataFrame):  # also one without rows
            return source
        return read_table(source, as_text=self.text_columns)

    def known(self, frame: "DataFrame") -> "DataFrame":
        """The rows that have a target; all of them if there is no such column."""
        return known_rows(frame, self.target.name) if self.target.name in frame.columns else frame

    def transform(self, source: Any) -> Any:
        """float32 (n, features). Columns the table has besides are ignored.

        If categories are embedded: (numbers, integers) with the integers int64 (n, columns), or one
        of the two where the table has no columns for the other. What was never seen is the number
        of the rare ones if there were any, else one beyond all: the unknown of `CategoryEmbedding`.
        Raises `DataError` when columns are missing, or hold values of another kind.
        """
        frame = self.read(source)
        missing = [column.name for column in self.columns if column.name not in frame.columns]
        if missing:
            raise DataError(_missing_columns(missing, frame.columns))
        numbers, codes = self._divided()
        parts: list[np.ndarray] = []
        if numbers:
            features = [column.transform(frame[column.name]) for column in numbers]
            parts.append(np.concatenate(features, axis=1))
        if codes:
            parts.append(np.stack([column.codes(frame[column.name]) for column in codes], axis=1))
        return parts[0] if len(parts) == 1 else tuple(parts)

    def _divided(self) -> tuple[list[Column], list[CategoryColumn]]:
        """The columns that become numbers, and those that become integers."""
        codes = [c for c in self.columns if self.embedded and isinstance(c, CategoryColumn)]
        return [column for column in self.columns if column not in codes], codes

    def transform_target(self, source: Any) -> np.ndarray:
        """int64 (n,) for classes, float32 (n, 1) for a quantity."""
        frame = self.read(source)
        if self.target.name not in frame.columns:
            raise DataError(_missing_columns([self.target.name], frame.columns))
        return self.target.encode(frame[self.target.name])

    def decode(self, outputs: np.ndarray) -> list[Any]:
        """What the outputs of a network mean: classes or quantities, as in the table."""
        return self.target.decode(np.asarray(outputs))

    def example(self) -> Any:
        """One row of zeros, of the shapes and types that the network takes."""
        codes = len(self.category_sizes)
        numbers = len(self.feature_names) - codes
        parts = [np.zeros((1, numbers), np.float32)] * bool(numbers)
        parts += [np.zeros((1, codes), np.int64)] * bool(codes)
        return parts[0] if len(parts) == 1 else tuple(parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a JSON file."""
        return {
            "kind": "table",
            "target": target_to_dict(self.target),
            "columns": [column_to_dict(column) for column in self.columns],
            "dropped": dict(self.dropped),
            "embedded": self.embedded,
        }

    @staticmethod
    def from_dict(data: Any) -> "Preprocessing":
        """The inverse of `to_dict`. Raises `RunError` when a field is missing or wrong."""
        columns = tuple(column_from_dict(column) for column in read_list(data, "columns"))
        names = [column.name for column in columns]
        if not names or len(set(names)) != len(names):
            raise RunError("the columns must be one or more, of different names.")
        target = target_from_dict(data.get("target"))
        dropped = read_object(data.get("dropped"))
        reasons = {str(name): str(reason) for name, reason in dropped.items()}
        return Preprocessing(columns, target, reasons, read_flag(data, "embedded"))


def fit_preprocessing(
    frame: "DataFrame",
    columns: Iterable[str],
    target: Target,
    dropped: dict[str, str] | None = None,
    encoding: Encoding = AUTOMATIC,
    embedded: bool = False,
) -> Preprocessing:
    """Fit the encoding of `columns` to the training rows in `frame`."""
    fitted = tuple(fit_column(frame[name], encoding) for name in columns)
    useless = {column.name: "holds no word twice" for column in fitted if not _is_useful(column)}
    useful = tuple(column for column in fitted if column.name not in useless)
    if not useful:
        raise DataError("no column is left to learn from: the words in them never come twice.")
    return Preprocessing(useful, target, (dropped or {}) | useless, embedded)


def _is_useful(column: Column) -> bool:
    if isinstance(column, CategoryColumn):
        return bool(column.categories) or column.marks_missing
    return True


def fit_target(frame: "DataFrame", name: str, task: Task) -> Target:
    """The encoding of the column to be learned."""
    return fit_classes(frame[name]) if task == "classification" else fit_quantity(frame[name])


def known_rows(frame: "DataFrame", target: str) -> "DataFrame":
    """The rows in which the column to be learned has a value (a finite one, if a number)."""
    column = frame[target]
    known = column.is_not_null()
    if column.dtype.is_float():
        known &= column.is_finite().fill_null(False)
    return frame.filter(known)


def _alike(name: str, present: list[str]) -> str | None:
    """The column that may be meant by a name: capitals and underscores do not count."""
    plain = {"".join(filter(str.isalnum, other.lower())): other for other in present}
    close = get_close_matches("".join(filter(str.isalnum, name.lower())), plain, n=1, cutoff=0.8)
    return plain[close[0]] if close else None


def _missing_columns(missing: list[str], present: list[str]) -> str:
    word = "column" if len(missing) == 1 else "columns"
    renamed = [(name, _alike(name, present)) for name in missing]
    pairs = [f"is {alike!r} what was {name!r}" for name, alike in renamed if alike]
    advice = f"; {', '.join(pairs[:3])}?" if pairs else "."
    listed = ", ".join(missing[:12]) + (f" and {len(missing) - 12} more" * (len(missing) > 12))
    return f"the table lacks the {word} {listed}, which the network was trained on{advice}"
