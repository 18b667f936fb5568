"""All functions together: importing this module fills the tables of the folder."""

from gradiente.trace import contract, elementwise, index, random, reduce, shape, softmax
from gradiente.trace.tensor import FUNCTIONS, NUMPY_FUNCTIONS, Tensor, bind, m

FAMILIES = (elementwise, reduce, shape, index, contract, softmax, random)

__all__ = ["FAMILIES", "FUNCTIONS", "NUMPY_FUNCTIONS", "Tensor", "bind", "m"]
