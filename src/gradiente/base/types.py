"""The type of an array: its shape and its data type, without its values."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.base.errors import TypeMismatchError

Shape = tuple[int, ...]

SUPPORTED_KINDS = "biuf"  # boolean, signed, unsigned, floating: what has an ordering


@dataclass(frozen=True)
class ArrayType:
    """Shape and data type of an array."""

    shape: Shape
    dtype: np.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    @property
    def is_floating(self) -> bool:
        """True where gradients are defined."""
        return self.dtype.kind == "f"

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


def type_of(value: Any) -> ArrayType:
    """The type of a NumPy array or scalar, in the byte order of this machine.

    Raises `TypeMismatchError` for arrays of objects, strings, dates or complex numbers.
    """
    array = np.asarray(value)
    if array.dtype.kind not in SUPPORTED_KINDS:
        raise TypeMismatchError(
            f"an array of {array.dtype} cannot be computed with; "
            "convert it to numbers first (for example with `.astype(np.float32)`)."
        )
    return ArrayType(array.shape, array.dtype.newbyteorder("="))


def is_array(value: Any) -> bool:
    """True for NumPy arrays and scalars and for Python numbers that stand for them."""
    return isinstance(value, np.ndarray | np.generic | bool | int | float)


def is_weak(value: Any) -> bool:
    """True for Python numbers, whose type gives way to that of the arrays they meet."""
    return isinstance(value, bool | int | float) and not isinstance(value, np.generic)
