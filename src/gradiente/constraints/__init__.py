"""Where parameters have to stay: they are put back there after every update."""

from gradiente.constraints.constraint import CONSTRAINTS, Constraint, find_constraint
from gradiente.constraints.norms import MaxNorm, MinMaxNorm, UnitNorm
from gradiente.constraints.signs import Monotone, NonNegative

__all__ = [
    "CONSTRAINTS",
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "Monotone",
    "NonNegative",
    "UnitNorm",
    "find_constraint",
]
