"""Where the parameters start."""

from gradiente.initializers.constants import constant, ones, zeros
from gradiente.initializers.distributions import normal, truncated_normal, uniform
from gradiente.initializers.initializer import (
    INITIALIZERS,
    Initializer,
    declare,
    find_initializer,
)
from gradiente.initializers.orthogonality import delta_orthogonal, orthogonal
from gradiente.initializers.passing import dirac, identity
from gradiente.initializers.scaling import (
    fans,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    lecun_uniform,
    variance_scaling,
    xavier_normal,
    xavier_uniform,
)
from gradiente.initializers.sparsity import sparse
from gradiente.initializers.spectral import short_time_fourier

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "constant",
    "declare",
    "delta_orthogonal",
    "dirac",
    "fans",
    "find_initializer",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "short_time_fourier",
    "sparse",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
