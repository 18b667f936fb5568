"""How one column of a table becomes features: fitted to training rows, and plain data from then on.

A feature is a column of float32 numbers around zero, of spread about one.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gradiente.base.errors import DataError, RunError
from gradiente.data.cells import DATE_PARTS, date_part, numbers_of, words_of
from gradiente.data.fields import (
    read_flag,
    read_list,
    read_number,
    read_numbers,
    read_text,
    read_texts,
)
from gradiente.data.kinds import is_text
from gradiente.data.markers import is_number

if TYPE_CHECKING:
    from polars import Series

CLIP = 10.0  # a value more standard deviations than this from the mean counts as this far


@dataclass(frozen=True)
class NumberColumn:
    """A number becomes (number - mean) / scale, or the height of a curve; a missing one becomes 0.

    plain: the number stays as it is, and a missing one becomes the mean.
    mean, scale: or another middle and another spread, as the median and the quartiles.

    knots, scores: the curve, empty for none. It takes the quantiles of the training values to
    those of the normal distribution, so that a few huge values do not press the others together.
    marks_missing: whether a second feature is 1 where the number is missing.
    """

    name: str
    mean: float
    scale: float
    knots: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()
    marks_missing: bool = False
    plain: bool = False

    @property
    def features(self) -> list[str]:
        """The names of the features."""
        return [self.name] + [f"{self.name} is missing"] * self.marks_missing

    def transform(self, column: "Series") -> np.ndarray:
        """float32 (n, features). Raises `DataError` for a value that is not a number."""
        return self.transform_numbers(numbers_of(column))

    def transform_numbers(self, numbers: np.ndarray) -> np.ndarray:
        """The same for float64 (n,), in which `nan` is missing."""
        missing = ~np.isfinite(numbers)
        known = np.where(missing, self.mean, numbers)
        if self.plain:
            features = [known] + [missing] * self.marks_missing
            return np.stack(features, axis=1).astype(np.float32)
        if self.knots:
            values = np.interp(known, self.knots, self.scores)
        else:
            values = np.clip((known - self.mean) / self.scale, -CLIP, CLIP)
        features = [np.where(missing, 0.0, values)] + [missing] * self.marks_missing
        return np.stack(features, axis=1).astype(np.float32)


@dataclass(frozen=True)
class CategoryColumn:
    """A word becomes one feature for each category, of which one is 1 and the others are 0.

    marks_missing, marks_rare: whether missing words, and those too rare for a feature of their
    own, have a feature. A word never seen counts as rare; without that feature all are 0.
    """

    name: str
    categories: tuple[str, ...]
    marks_missing: bool = False
    marks_rare: bool = False

    @property
    def features(self) -> list[str]:
        """The names of the features."""
        rare = [f"{self.name} is rare"] * self.marks_rare
        missing = [f"{self.name} is missing"] * self.marks_missing
        return [f"{self.name} is {category}" for category in self.categories] + rare + missing

    def transform(self, column: "Series") -> np.ndarray:
        """float32 (n, features). Raises `DataError` as `codes` does."""
        width = len(self.features)
        return np.eye(width + 1, width, dtype=np.float32)[self.codes(column)]

    def codes(self, column: "Series") -> np.ndarray:
        """int64 (n,): the feature of each row that is 1, or their number where none is.

        Raises `DataError` for numbers, dates and truth values of which none is a category.
        """
        import polars

        width = len(self.features)
        unknown = len(self.categories) if self.marks_rare else width
        numbers = {category: number for number, category in enumerate(self.categories)}
        words = words_of(column)
        codes = words.replace_strict(numbers, default=unknown, return_dtype=polars.Int64)
        self._refuse_others(column, codes)
        missing = words.is_null().to_numpy()
        return np.where(missing, width - 1 if self.marks_missing else unknown, codes.to_numpy())

    def unknown(self, column: "Series") -> "Series":
        """The words that are no category of their own: never seen in training, or rarely."""
        words = words_of(column).drop_nulls()
        return words.filter(~words.is_in(self.categories))

    def _refuse_others(self, column: "Series", codes: "Series") -> None:
        """1.0 is not the word "1": a column read as numbers would be unknown in every row."""
        known = column.drop_nulls()
        if not len(known) or is_text(column.dtype) or not self.categories:
            return
        written_alike = column.dtype.is_integer() and any(map(is_number, self.categories))
        if not written_alike and not bool((codes < len(self.categories)).any()):
            raise DataError(
                f"the column {self.name!r} holds {column.dtype} values such as {known[0]!r}, and "
                "none of the words it was fitted to, such as "
                f"{', '.join(self.categories[:5])}: read it as text, written in the same way."
            )


@dataclass(frozen=True)
class DateColumn:
    """A date becomes numbers: year, month, day, weekday, hour, as far as these differ."""

    name: str
    parts: tuple[NumberColumn, ...]

    @property
    def features(self) -> list[str]:
        """The names of the features."""
        return [f"{self.name} {feature}" for part in self.parts for feature in part.features]

    def transform(self, column: "Series") -> np.ndarray:
        """float32 (n, features). Raises `DataError` for values that are no dates."""
        numbers = {part.name: date_part(column, part.name) for part in self.parts}
        features = [part.transform_numbers(numbers[part.name]) for part in self.parts]
        return np.concatenate(features, axis=1)


Column = NumberColumn | CategoryColumn | DateColumn

KINDS: dict[str, type[Column]] = {
    "number": NumberColumn,
    "category": CategoryColumn,
    "date": DateColumn,
}


def column_to_dict(column: Column) -> dict[str, Any]:
    """The column as plain data for a JSON file."""
    kind = next(kind for kind, cls in KINDS.items() if cls is type(column))
    return {"kind": kind, **asdict(column)}


def column_from_dict(data: Any) -> Column:
    """The inverse of `column_to_dict`. Raises `RunError` when a field is missing or wrong."""
    kind = read_text(data, "kind")
    if kind == "number":
        return _number_from_dict(data)
    if kind == "category":
        return CategoryColumn(
            name=read_text(data, "name"),
            categories=read_texts(data, "categories"),
            marks_missing=read_flag(data, "marks_missing"),
            marks_rare=read_flag(data, "marks_rare"),
        )
    if kind == "date":
        parts = tuple(_number_from_dict(part) for part in read_list(data, "parts"))
        if not parts or not {part.name for part in parts} <= set(DATE_PARTS):
            raise RunError(f"the parts of a date are some of {', '.join(DATE_PARTS)}.")
        return DateColumn(read_text(data, "name"), parts)
    raise RunError(f"a column of kind {kind!r} is unknown.")


def _number_from_dict(data: Any) -> NumberColumn:
    column = NumberColumn(
        name=read_text(data, "name"),
        mean=read_number(data, "mean"),
        scale=read_number(data, "scale"),
        knots=read_numbers(data, "knots"),
        scores=read_numbers(data, "scores"),
        marks_missing=read_flag(data, "marks_missing"),
        plain=read_flag(data, "plain"),
    )
    rising = all(low < high for low, high in pairwise(column.knots))
    if column.scale <= 0 or len(column.knots) != len(column.scores) or not rising:
        raise RunError(f"the scaling of the column {column.name!r} makes no sense.")
    return column
