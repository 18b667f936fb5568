"""What is added to the loss so that weights, or activations, stay small or apart."""

from gradiente.regularizers.orthogonality import Orthogonal
from gradiente.regularizers.regularizer import REGULARIZERS, Regularizer, find_regularizer
from gradiente.regularizers.size import L1, L2, ElasticNet

__all__ = [
    "L1",
    "L2",
    "REGULARIZERS",
    "ElasticNet",
    "Orthogonal",
    "Regularizer",
    "find_regularizer",
]
