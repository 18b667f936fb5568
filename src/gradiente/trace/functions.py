"""All functions together: importing this module fills the tables of the folder."""

from gradiente.trace import (
    attention,
    contract,
    convolution,
    elementwise,
    index,
    random,
    reduce,
    shape,
    softmax,
)
from gradiente.trace.tensor import FUNCTIONS, NUMPY_FUNCTIONS, Tensor, bind, m

FAMILIES = (
    elementwise,
    reduce,
    shape,
    index,
    contract,
    convolution,
    softmax,
    attention,
    random,
)

# Names of the Array API standard for functions that NumPy's older name declares.
ALIASES = {"concat": "concatenate", "permute_dims": "transpose", "cumulative_sum": "cumsum"}
FUNCTIONS.update({alias: FUNCTIONS[name] for alias, name in ALIASES.items()})

__all__ = ["FAMILIES", "FUNCTIONS", "NUMPY_FUNCTIONS", "Tensor", "bind", "m"]
