"""What is minimised."""

from gradiente.losses.classification import binary_cross_entropy, cross_entropy
from gradiente.losses.loss import LOSSES, Loss, Terms, loss, totals
from gradiente.losses.regression import huber, mae, mse, poisson, quantile

__all__ = [
    "LOSSES",
    "Loss",
    "Terms",
    "binary_cross_entropy",
    "cross_entropy",
    "huber",
    "loss",
    "mae",
    "mse",
    "poisson",
    "quantile",
    "totals",
]
