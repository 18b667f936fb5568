"""Scores of predictions and of a prediction without learning."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, mean_absolute_error, r2_score, roc_auc_score

from gradiente.cli.scores import (
    baseline_output,
    baseline_scores,
    baseline_words,
    class_outputs,
    scores,
)
from gradiente.data.target import ClassTarget, NumberTarget

CLASSES = ClassTarget("species", ("a", "b"), "text")
PRICE = NumberTarget("price", 100.0, 50.0)


def test_scores_of_classes_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    outputs = random.normal(size=(200, 2)).astype(np.float32)
    y = random.integers(0, 2, 200)
    found = scores(CLASSES, outputs, y)
    probabilities = CLASSES.probabilities(outputs)
    assert list(found) == ["accuracy", "F1 (macro)", "log loss", "AUC"]
    assert found["accuracy"] == pytest.approx(np.mean(outputs.argmax(1) == y))
    assert found["F1 (macro)"] == pytest.approx(f1_score(y, outputs.argmax(1), average="macro"))
    assert found["log loss"] == pytest.approx(log_loss(y, probabilities))
    assert found["AUC"] == pytest.approx(roc_auc_score(y, probabilities[:, 1]))


def test_one_output_scores_like_the_two_it_stands_for():
    logits = np.array([[2.0], [-1.0], [0.5]], np.float32)
    y = np.array([1, 0, 0])
    assert class_outputs(CLASSES, logits).tolist() == [[0, 2.0], [0, -1.0], [0, 0.5]]
    assert scores(CLASSES, logits, y) == scores(CLASSES, class_outputs(CLASSES, logits), y)


def test_scores_of_a_quantity_are_in_its_unit():
    actual = np.array([50.0, 100.0, 200.0])
    predicted = np.array([60.0, 90.0, 180.0])
    found = scores(PRICE, (predicted[:, None] - 100) / 50, (actual[:, None] - 100) / 50)
    assert found["RMSE"] == pytest.approx(np.sqrt(np.mean((predicted - actual) ** 2)))
    assert found["MAE"] == pytest.approx(mean_absolute_error(actual, predicted))
    assert found["R²"] == pytest.approx(r2_score(actual, predicted))


def test_the_baseline_is_the_most_frequent_class_or_the_mean():
    y = np.array([0, 0, 0, 1])
    output = baseline_output(CLASSES, y)
    assert baseline_words(CLASSES, output) == "always a"
    assert baseline_scores(CLASSES, output, y)["accuracy"] == 0.75
    assert baseline_scores(CLASSES, output, y)["log loss"] == pytest.approx(
        -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    )
    assert baseline_words(PRICE, baseline_output(PRICE, y)) == "always the mean, 100.00"
    assert baseline_scores(PRICE, (0.0,), np.array([[1.0], [-1.0]]))["RMSE"] == 50.0
