"""How the column to be learned becomes numbers, and outputs become predictions again."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gradiente.base.errors import DataError, RunError
from gradiente.data.cells import numbers_of, words_of
from gradiente.data.fields import read_number, read_text, read_texts
from gradiente.data.markers import is_number

if TYPE_CHECKING:
    from polars import Series

ValueKind = Literal["text", "number", "truth value"]
VALUE_KINDS: tuple[ValueKind, ...] = ("text", "number", "truth value")
LISTED = 10  # classes named in a message


@dataclass(frozen=True)
class ClassTarget:
    """Classes, numbered in order; `values` says what they were in the table."""

    name: str
    classes: tuple[str, ...]
    values: ValueKind

    @property
    def outputs(self) -> int:
        """The number of outputs of the network: one logit for each class."""
        return len(self.classes)

    def encode(self, column: "Series") -> np.ndarray:
        """int64 (n,): the number of each row's class. Raises `DataError` for an unknown class."""
        import polars

        words = _class_words(column, self.values)
        numbers = {label: number for number, label in enumerate(self.classes)}
        # The test file of the Adult data set writes its classes with a full stop at the end.
        numbers = {f"{label}.": number for label, number in numbers.items()} | numbers
        codes = words.replace_strict(numbers, default=None, return_dtype=polars.Int64)
        unknown = words.filter(codes.is_null()).drop_nulls()
        if len(unknown):
            raise DataError(
                f"the column {self.name!r} holds {unknown[0]!r}, which is none of the classes that "
                f"were learned: {', '.join(self.classes[:LISTED])}."
            )
        if codes.null_count():
            raise DataError(f"the column {self.name!r} has missing values.")
        return codes.to_numpy().astype(np.int64)

    def decode(self, outputs: np.ndarray) -> list[Any]:
        """The predicted class of each row, as in the table, from outputs (n, classes)."""
        return [self._value(self.classes[number]) for number in outputs.argmax(axis=1)]

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """float64 (n, classes): the softmax of the outputs."""
        shifted = outputs.astype(np.float64) - outputs.max(axis=1, keepdims=True)
        exponentials = np.exp(shifted)
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def _value(self, label: str) -> Any:
        if self.values == "number":
            return int(label) if label.lstrip("-").isdecimal() else float(label)
        return label == "true" if self.values == "truth value" else label


@dataclass(frozen=True)
class NumberTarget:
    """A quantity, learned as (value - mean) / scale."""

    name: str
    mean: float
    scale: float

    @property
    def outputs(self) -> int:
        """The number of outputs of the network."""
        return 1

    def encode(self, column: "Series") -> np.ndarray:
        """float32 (n, 1), standardised. Raises `DataError` when a value is missing."""
        numbers = numbers_of(column)
        if not np.isfinite(numbers).all():
            raise DataError(f"the column {self.name!r} has missing values.")
        return ((numbers - self.mean) / self.scale).astype(np.float32).reshape(-1, 1)

    def decode(self, outputs: np.ndarray) -> list[Any]:
        """The predicted quantities in their own unit, from outputs (n, 1)."""
        return (outputs.astype(np.float64).reshape(-1) * self.scale + self.mean).tolist()


Target = ClassTarget | NumberTarget


def fit_classes(column: "Series") -> ClassTarget:
    """The classes of a column: words in alphabetical order, numbers by size."""
    import polars

    values: ValueKind = "text"
    if column.dtype == polars.Boolean:
        values = "truth value"
    elif column.dtype.is_numeric():
        values = "number"
    labels = _class_words(column, values).drop_nulls().unique().to_list()
    labels.sort(key=float if values == "number" else None)
    return ClassTarget(column.name, tuple(labels), values)


def fit_quantity(column: "Series") -> NumberTarget:
    """Mean and standard deviation of the known values."""
    numbers = numbers_of(column)
    known = numbers[np.isfinite(numbers)]
    return NumberTarget(column.name, float(known.mean()), float(known.std()) or 1.0)


def target_to_dict(target: Target) -> dict[str, Any]:
    """The target as plain data for a JSON file."""
    task = "classification" if isinstance(target, ClassTarget) else "regression"
    return {"task": task, **asdict(target)}


def target_from_dict(data: Any) -> Target:
    """The inverse of `target_to_dict`. Raises `RunError` when a field is missing or wrong."""
    task = read_text(data, "task")
    if task == "regression":
        target = NumberTarget(
            read_text(data, "name"), read_number(data, "mean"), read_number(data, "scale")
        )
        if target.scale <= 0:
            raise RunError("the scale of the target must be above zero.")
        return target
    if task == "classification":
        return _classes_from_dict(data)
    raise RunError(f"a task is classification or regression, not {task!r}.")


def _classes_from_dict(data: Any) -> ClassTarget:
    classes = read_texts(data, "classes")
    named = read_text(data, "values")
    values = next((kind for kind in VALUE_KINDS if kind == named), None)
    if values is None:
        raise RunError(f"classes cannot be of kind {named!r}.")
    if len(set(classes)) != len(classes) or len(classes) < 2:
        raise RunError("there must be two or more classes, all different.")
    if values == "number" and not all(map(is_number, classes)):
        raise RunError("the classes must be numbers.")
    return ClassTarget(read_text(data, "name"), classes, values)


def _class_words(column: "Series", values: ValueKind) -> "Series":
    """The labels as text; whole numbers are written alike whether stored as 1 or as 1.0."""
    words = words_of(column)
    return words.str.strip_suffix(".0") if values == "number" else words
