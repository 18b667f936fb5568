"""The words of formulas on LLVM values: first the ones the CPU knows."""

from typing import Any

import numpy as np

from gradiente.backends.native.emit import Code, Value


class Algebra:
    """The words formulas are written with, for scalar and vector values of one function."""

    def __init__(self, code: Code):
        self.code = code

    def where(self, condition: Value, a: Any, b: Any) -> Value:
        """a where the condition is true, b elsewhere."""
        kind = (a if isinstance(a, Value) else b).kind
        return self.code.select(condition, self.code.as_kind(a, kind), self.code.as_kind(b, kind))

    def cast(self, x: Value, dtype: Any) -> Value:
        """The same values in another data type."""
        return self.code.convert(x, np.dtype(dtype))

    def abs(self, x: Value) -> Value:
        """|x|."""
        return self.code.intrinsic("fabs", x)

    def maximum(self, a: Value, b: Any) -> Value:
        """The larger one; NaN if one of them is."""
        b = self.code.as_kind(b, a.kind)
        return self.code.select((a > b) | (a != a), a, b)

    def minimum(self, a: Value, b: Any) -> Value:
        """The smaller one; NaN if one of them is."""
        b = self.code.as_kind(b, a.kind)
        return self.code.select((a < b) | (a != a), a, b)
