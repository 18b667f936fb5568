"""How good the predictions are."""

from gradiente.metrics.accuracy import accuracy, binary_accuracy, top_k_accuracy
from gradiente.metrics.metric import METRICS, Metric
from gradiente.metrics.per_class import (
    averaged,
    confusion_matrix,
    f1,
    f1_macro,
    f1_micro,
    f1_weighted,
    precision,
    precision_macro,
    precision_micro,
    precision_weighted,
    recall,
    recall_macro,
    recall_micro,
    recall_weighted,
)
from gradiente.metrics.ranking import auc
from gradiente.metrics.regression import mae, mse, r2, rmse

__all__ = [
    "METRICS",
    "Metric",
    "accuracy",
    "auc",
    "averaged",
    "binary_accuracy",
    "confusion_matrix",
    "f1",
    "f1_macro",
    "f1_micro",
    "f1_weighted",
    "mae",
    "mse",
    "precision",
    "precision_macro",
    "precision_micro",
    "precision_weighted",
    "r2",
    "recall",
    "recall_macro",
    "recall_micro",
    "recall_weighted",
    "rmse",
    "top_k_accuracy",
]
