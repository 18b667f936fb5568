"""What a value in a register is: a data type, and how many elements side by side."""

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

NAMES = {
    "bool": "i1",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "i8",
    "uint16": "i16",
    "uint32": "i32",
    "uint64": "i64",
    "float16": "half",
    "float32": "float",
    "float64": "double",
}


SCALARS = {np.dtype(name): text for name, text in NAMES.items()}

_kinds: dict[tuple[np.dtype, int], "Kind"] = {}


@dataclass(frozen=True)
class Kind:
    """The type of a value: a NumPy data type, and how many of it side by side (1: a scalar).

    Equal ones are one object, so that what it knows of itself is found once.
    """

    dtype: np.dtype
    lanes: int = 1

    def __new__(cls, dtype: np.dtype, lanes: int = 1) -> "Kind":
        return _kinds.setdefault((dtype, lanes), object.__new__(cls))

    @cached_property
    def scalar(self) -> str:
        """LLVM's name of one element in a register; booleans are single bits there."""
        return SCALARS[self.dtype]

    @cached_property
    def text(self) -> str:
        """LLVM's name of the type in a register."""
        return self.scalar if self.lanes == 1 else f"<{self.lanes} x {self.scalar}>"

    @cached_property
    def stored(self) -> str:
        """LLVM's name of the type in memory, where booleans are bytes."""
        scalar = "i8" if self.dtype == bool else self.scalar
        return scalar if self.lanes == 1 else f"<{self.lanes} x {scalar}>"

    @cached_property
    def is_float(self) -> bool:
        """True for floating-point numbers."""
        return self.dtype.kind == "f"

    @cached_property
    def is_boolean(self) -> bool:
        """True for booleans."""
        return bool(self.dtype == BOOL)

    @cached_property
    def is_index(self) -> bool:
        """True for the kind that counts elements."""
        return self == INDEX

    @property
    def is_signed(self) -> bool:
        """True for signed integers."""
        return self.dtype.kind == "i"

    @property
    def bits(self) -> int:
        """The width of one element."""
        return 8 * self.dtype.itemsize

    def with_lanes(self, lanes: int) -> "Kind":
        """So many of the same."""
        return Kind(self.dtype, lanes)

    def with_dtype(self, dtype: np.dtype) -> "Kind":
        """As many of another data type."""
        return Kind(dtype, self.lanes)


INDEX = Kind(np.dtype(np.int64))
BOOL = np.dtype(bool)


def literal(number: Any, kind: Kind) -> str:
    """A constant of this kind as LLVM writes it: floating-point numbers by their bits."""
    if kind.is_boolean:
        one = "true" if number else "false"
    elif kind.is_float:
        one = f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
        if kind.dtype == np.float16:
            one = f"0xH{np.float16(number).view(np.uint16):04X}"
    else:
        one = str(int(number))
    return one if kind.lanes == 1 else f"splat ({kind.scalar} {one})"


def mangled(kind: Kind) -> str:
    """The type as it stands in the names of intrinsics."""
    short = {"half": "f16", "float": "f32", "double": "f64"}.get(kind.scalar, kind.scalar)
    return short if kind.lanes == 1 else f"v{kind.lanes}{short}"
