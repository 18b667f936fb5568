"""The data type in which a layer computes."""

from typing import Any

import numpy as np


def floating_dtype(x: Any) -> np.dtype:
    """float64 where the input is float64, float32 otherwise."""
    return np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
