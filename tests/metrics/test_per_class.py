"""Precision, recall, F1 and the confusion matrix against scikit-learn."""

import numpy as np
import pytest
import sklearn.metrics as oracle

from gradiente import metrics
from gradiente.base.errors import DataError, InvalidArgumentError, ShapeError

RANDOM = np.random.default_rng(5)
LOGITS = RANDOM.normal(size=(90, 4))
TARGET = RANDOM.integers(0, 4, 90)
WEIGHT = RANDOM.uniform(0, 2, 90)
THEIRS = {
    "precision": oracle.precision_score,
    "recall": oracle.recall_score,
    "f1": oracle.f1_score,
}


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("name", THEIRS)
def test_averages_over_classes(name, average, weight):
    expected = THEIRS[name](TARGET, LOGITS.argmax(1), average=average, sample_weight=weight)
    metric = metrics.METRICS[f"{name}_{average}"]
    assert metric(LOGITS, TARGET, weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("name", THEIRS)
def test_scores_of_class_one(name, weight):
    logit, target = LOGITS[:, :1], (TARGET > 1).astype(int)
    expected = THEIRS[name](target, logit > 0, sample_weight=weight)
    metric = metrics.METRICS[name]
    assert metric(logit, target, weight) == pytest.approx(expected, rel=1e-12)
    two = np.concatenate([np.zeros_like(logit), logit], axis=1)
    assert metric(two, target, weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("zero_division", [0.0, 1.0])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("name", THEIRS)
def test_a_class_never_predicted_or_never_seen(name, average, zero_division):
    target = np.array([0, 0, 1, 1, 3])
    predicted = np.array([0, 1, 1, 4, 0])
    logits = np.eye(6)[predicted]
    expected = THEIRS[name](target, predicted, average=average, zero_division=zero_division)
    metric = metrics.averaged(metrics.METRICS[name], average, zero_division=zero_division)
    assert metric(logits, target) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", THEIRS)
def test_zero_over_zero_is_zero(name):
    nothing_predicted, all_negative = -np.ones(5), np.zeros(5, int)
    assert metrics.METRICS[name](nothing_predicted, all_negative) == 0.0


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_confusion_matrix(weight):
    expected = oracle.confusion_matrix(TARGET, LOGITS.argmax(1), sample_weight=weight)
    result = metrics.confusion_matrix(4)(LOGITS, TARGET, weight)
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_confusion_matrix_of_one_logit_and_of_sequences():
    logit, target = LOGITS[:, 0], (TARGET > 1).astype(int)
    expected = oracle.confusion_matrix(target, logit > 0)
    np.testing.assert_array_equal(metrics.confusion_matrix(2)(logit, target), expected)
    sequences = metrics.confusion_matrix(4)(LOGITS.reshape(9, 10, 4), TARGET.reshape(9, 10))
    np.testing.assert_array_equal(sequences, metrics.confusion_matrix(4)(LOGITS, TARGET))


def test_refusals_in_words():
    with pytest.raises(ShapeError, match=r"has 4 classes.*metrics.f1_macro"):
        metrics.f1(LOGITS, TARGET)
    with pytest.raises(ShapeError, match=r"confusion_matrix\(3\) was asked for"):
        metrics.confusion_matrix(3)(LOGITS, TARGET)
    with pytest.raises(InvalidArgumentError, match=r"`classes` is 1.*2 or more"):
        metrics.confusion_matrix(1)
    with pytest.raises(InvalidArgumentError, match="takes precision, recall or f1"):
        metrics.averaged(metrics.accuracy, "macro")
    with pytest.raises(InvalidArgumentError, match="`average` is 'mean'"):
        metrics.averaged(metrics.f1, "mean")
    for metric in (metrics.f1_macro, metrics.confusion_matrix(4)):
        with pytest.raises(DataError, match="outside the classes"):
            metric(LOGITS, TARGET + 1)
