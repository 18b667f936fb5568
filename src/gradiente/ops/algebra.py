"""The words formulas are written with, as NumPy says them.

A formula is a function of an *algebra* `m` and its inputs. Besides the operators of Python
(`+ - * / // % **`, comparisons, `& | ^ ~ << >>`) it may use the words below and no others, so that
every backend can give each word its own meaning and run every formula. Bodies of composite
operations may also use the structural words.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np

from gradiente.ops.index import take_along_axis
from gradiente.ops.special import erf


def cast(x: Any, dtype: Any) -> np.ndarray:
    """The same values in another data type."""
    return np.asarray(x).astype(dtype)


WORDS: dict[str, Any] = {
    "where": np.where,
    "cast": cast,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "abs": np.abs,
    "sign": np.sign,
    "copysign": np.copysign,
    "signbit": np.signbit,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": np.round,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "log10": np.log10,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": erf,
    "hypot": np.hypot,
    "logaddexp": np.logaddexp,
    "nextafter": np.nextafter,
    "isfinite": np.isfinite,
    "isinf": np.isinf,
    "isnan": np.isnan,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "logical_not": np.logical_not,
}

STRUCTURAL_WORDS: dict[str, Any] = {
    "sum": np.sum,
    "max": np.max,
    "expand_dims": np.expand_dims,
    "squeeze": np.squeeze,
    "take_along_axis": take_along_axis.value,  # NumPy's, but for the range of the indices
}

NUMPY = SimpleNamespace(**WORDS, **STRUCTURAL_WORDS)
