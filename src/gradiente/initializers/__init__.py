"""Where the parameters start."""

from gradiente.initializers.constants import constant, ones, zeros
from gradiente.initializers.distributions import normal, truncated_normal, uniform
from gradiente.initializers.initializer import (
    INITIALIZERS,
    Initializer,
    declare,
    find_initializer,
)
from gradiente.initializers.orthogonality import orthogonal
from gradiente.initializers.scaling import (
    fans,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
)

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "constant",
    "declare",
    "fans",
    "find_initializer",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "truncated_normal",
    "uniform",
    "zeros",
]
