"""The area under the ROC curve against scikit-learn, with ties, weights and missing classes."""

import numpy as np
import pytest
import sklearn.metrics as oracle
from scipy.special import softmax

from gradiente import metrics
from gradiente.base.errors import DataError

RANDOM = np.random.default_rng(8)
TARGET = RANDOM.integers(0, 2, 200)
WEIGHT = RANDOM.uniform(0, 2, 200)
CLASSES = RANDOM.integers(0, 4, 200)
LOGITS = RANDOM.normal(size=(200, 4)) + np.eye(4)[CLASSES]


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_binary_with_ties(weight, decimals):
    score = np.round(RANDOM.normal(size=200) + TARGET, decimals)
    expected = oracle.roc_auc_score(TARGET, score, sample_weight=weight)
    assert metrics.auc(score, TARGET, weight) == pytest.approx(expected, rel=1e-12)
    assert metrics.auc(score[:, None], TARGET, weight) == pytest.approx(expected, rel=1e-12)
    two = np.stack([-score, score], axis=1) / 2
    assert metrics.auc(two, TARGET, weight) == pytest.approx(expected, rel=1e-12)


def test_a_constant_score_is_one_half():
    assert metrics.auc(np.ones(200), TARGET) == 0.5


def test_many_samples_of_float32():
    score = (RANDOM.normal(size=50_000)).astype(np.float32)
    target = (score + RANDOM.normal(size=50_000) > 0).astype(int)
    expected = oracle.roc_auc_score(target, score)
    assert metrics.auc(score, target) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_several_classes_one_against_the_rest(weight):
    probabilities = softmax(LOGITS, axis=1)
    expected = oracle.roc_auc_score(
        CLASSES, probabilities, multi_class="ovr", average="macro", sample_weight=weight
    )
    assert metrics.auc(LOGITS, CLASSES, weight) == pytest.approx(expected, rel=1e-9)
    assert metrics.auc(probabilities, CLASSES, weight) == pytest.approx(expected, rel=1e-9)


def test_a_missing_class_is_left_out_of_the_mean():
    keep = CLASSES < 3
    logits, target = LOGITS[keep], CLASSES[keep]
    probabilities = softmax(logits, axis=1)
    single = [oracle.roc_auc_score(target == each, probabilities[:, each]) for each in range(3)]
    assert metrics.auc(logits, target) == pytest.approx(np.mean(single), rel=1e-9)


def test_without_both_classes_there_is_no_value():
    assert np.isnan(metrics.auc(np.arange(4.0), np.ones(4, int)))
    assert np.isnan(metrics.auc(LOGITS, np.ones(200, int)))
    assert np.isnan(metrics.auc(np.where(np.arange(200) == 5, np.nan, 1.0), TARGET))


def test_large_logits_do_not_overflow():
    assert metrics.auc(LOGITS * 1e4, CLASSES) > 0.5


def test_targets_that_are_no_classes_are_refused():
    with pytest.raises(DataError, match=r"none of the classes 0 ... 1"):
        metrics.auc(LOGITS[:, 0], np.where(TARGET, 1, -1))
    with pytest.raises(DataError, match=r"none of the classes 0 ... 3"):
        metrics.auc(LOGITS, CLASSES + 1)
