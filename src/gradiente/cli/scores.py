"""How good predictions are, in the units of the table, beside those made without learning."""

from typing import Any

import numpy as np

from gradiente.cli.screen import format_score
from gradiente.data.target import ClassTarget, NumberTarget, Target
from gradiente.metrics.accuracy import accuracy
from gradiente.metrics.per_class import f1_macro
from gradiente.metrics.ranking import auc
from gradiente.metrics.regression import mae, r2, rmse

SMALLEST = 1e-12  # a probability of zero for the right class would make the mean infinite


def class_outputs(target: Target, outputs: np.ndarray) -> np.ndarray:
    """Outputs (n, classes) also of a network whose single output is the logit of the second class.

    Those of a quantity stay as they are.
    """
    if isinstance(target, ClassTarget) and outputs.shape[1] == 1:
        return np.concatenate([np.zeros_like(outputs), outputs], axis=1)
    return outputs


def scores(target: Target, outputs: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """The measures of a task, the most important one first.

    outputs: raw outputs of the network (n, outputs); y: encoded targets.
    """
    if isinstance(target, NumberTarget):
        predicted = np.array(target.decode(outputs))
        actual = np.array(target.decode(y))
        measures = {"RMSE": rmse, "MAE": mae, "R²": r2}
        return {name: float(measure(predicted, actual)) for name, measure in measures.items()}
    outputs = class_outputs(target, outputs)
    right = target.probabilities(outputs)[np.arange(len(y)), y]
    found = {
        "accuracy": float(accuracy(outputs, y)),
        "F1 (macro)": float(f1_macro(outputs, y)),
        "log loss": float(-np.log(np.maximum(right, SMALLEST)).mean()),
    }
    return found | ({"AUC": float(auc(outputs, y))} if target.outputs == 2 else {})


def baseline_output(target: Target, y: np.ndarray) -> tuple[float, ...]:
    """The outputs, the same for every row, that fit the training targets `y` best.

    They predict the most frequent class, or the mean.
    """
    if isinstance(target, NumberTarget):
        return (0.0,)
    counts = np.bincount(y, minlength=target.outputs)
    return tuple(np.log(np.maximum(counts, 0.5) / len(y)).tolist())


def baseline_scores(target: Target, output: tuple[float, ...], y: np.ndarray) -> dict[str, float]:
    """The measures of predicting the same for every row."""
    return scores(target, np.tile(np.array(output), (len(y), 1)), y)


def baseline_words(target: Target, output: tuple[float, ...]) -> str:
    """What is predicted without learning, in words."""
    value: Any = target.decode(np.array([output]))[0]
    if isinstance(target, NumberTarget):
        return f"always the mean, {format_score(value)}"
    return f"always {value}"
