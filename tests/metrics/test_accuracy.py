"""Accuracy against scikit-learn, and the reading of classes from raw outputs."""

import numpy as np
import pytest
import sklearn.metrics as oracle

from gradiente import metrics
from gradiente.base.errors import DataError, InvalidArgumentError, ShapeError, TypeMismatchError

RANDOM = np.random.default_rng(3)
LOGITS = RANDOM.normal(size=(80, 5))
TARGET = RANDOM.integers(0, 5, 80)
WEIGHT = RANDOM.uniform(0, 2, 80)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_accuracy_of_several_classes(weight):
    expected = oracle.accuracy_score(TARGET, LOGITS.argmax(1), sample_weight=weight)
    assert metrics.accuracy(LOGITS, TARGET, weight) == pytest.approx(expected, rel=1e-12)
    probabilities = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    assert metrics.accuracy(probabilities, TARGET, weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("shape", [(80,), (80, 1)])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool, np.float32])
def test_accuracy_of_one_logit(weight, shape, dtype):
    logit, target = LOGITS[:, 0], (TARGET > 2).astype(dtype)
    expected = oracle.accuracy_score(target > 0, logit > 0, sample_weight=weight)
    result = metrics.accuracy(logit.reshape(shape), target, weight)
    assert result == pytest.approx(expected, rel=1e-12)
    assert metrics.accuracy(logit.reshape(shape), target.reshape(80, 1), weight) == result
    assert metrics.binary_accuracy(logit.reshape(shape), target, weight) == result


def test_a_logit_of_zero_is_class_zero():
    assert metrics.accuracy(np.zeros(4), np.array([0, 0, 0, 1])) == 0.75


def test_the_first_of_equal_outputs_is_predicted():
    assert metrics.accuracy(np.zeros((2, 3)), np.array([0, 2])) == 0.5


def test_targets_in_a_column_and_as_probabilities():
    expected = metrics.accuracy(LOGITS, TARGET)
    assert metrics.accuracy(LOGITS, TARGET.reshape(80, 1)) == expected
    assert metrics.accuracy(LOGITS, 0.1 + np.eye(5)[TARGET]) == expected


def test_positions_of_a_sequence_count_one_by_one():
    logits, target = LOGITS.reshape(8, 10, 5), TARGET.reshape(8, 10)
    assert metrics.accuracy(logits, target) == metrics.accuracy(LOGITS, TARGET)
    by_sample, by_position = WEIGHT[:8], WEIGHT.reshape(8, 10)
    assert metrics.accuracy(logits, target, by_position) == metrics.accuracy(LOGITS, TARGET, WEIGHT)
    assert metrics.accuracy(logits, target, by_sample) == pytest.approx(
        metrics.accuracy(LOGITS, TARGET, np.repeat(by_sample, 10)), rel=1e-12
    )


def test_independent_labels():
    target = (LOGITS + RANDOM.normal(size=LOGITS.shape) > 0).astype(int)
    expected = np.average((LOGITS > 0) == target, axis=0, weights=WEIGHT).mean()
    assert metrics.binary_accuracy(LOGITS, target, WEIGHT) == pytest.approx(expected, rel=1e-12)


def test_binary_probabilities_as_targets_count_above_one_half():
    logits, target = np.array([1.0, 1.0, 1.0, -1.0]), np.array([0.9, 0.1, 0.1, 0.1])
    assert metrics.accuracy(logits, target) == 0.5


@pytest.mark.parametrize(
    ("prediction", "target", "error", "text"),
    [
        (LOGITS, np.eye(5, dtype=int)[TARGET], ShapeError, r"binary_accuracy"),
        (LOGITS, TARGET.astype(float), TypeMismatchError, r"target.astype\(int\)"),
        (LOGITS, TARGET[:, None, None], ShapeError, r"class indices of shape \(80,\)"),
        (LOGITS, TARGET + 1, DataError, "outside the classes"),
        (LOGITS, TARGET - 100, DataError, "80 targets are outside"),
        (LOGITS[:, 0], np.where(TARGET > 2, 1, -1), DataError, "single output has 0 and 1"),
        (LOGITS[:, 0], np.where(TARGET > 2, 1.0, -1.0), DataError, "single output has 0 and 1"),
        (LOGITS[:, 0], np.full(80, np.nan), DataError, "80 targets"),
    ],
)
def test_targets_that_are_no_classes_are_refused(prediction, target, error, text):
    with pytest.raises(error, match=text):
        metrics.accuracy(prediction, target)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_top_k_accuracy(k, weight):
    order = np.argsort(-LOGITS, axis=1, kind="stable")[:, :k]
    expected = np.average((order == TARGET[:, None]).any(axis=1), weights=weight)
    assert metrics.top_k_accuracy(k)(LOGITS, TARGET, weight) == pytest.approx(expected, rel=1e-12)
    if k < 5:
        theirs = oracle.top_k_accuracy_score(TARGET, LOGITS, k=k, sample_weight=weight)
        assert expected == pytest.approx(theirs, rel=1e-12)


def test_top_k_accuracy_breaks_ties_by_the_first_class():
    equal = np.zeros((4, 4))
    target = np.arange(4)
    assert [metrics.top_k_accuracy(k)(equal, target) for k in (1, 2, 3)] == [0.25, 0.5, 0.75]
    rounded = np.round(LOGITS)
    assert metrics.top_k_accuracy(1)(rounded, TARGET) == metrics.accuracy(rounded, TARGET)


def test_an_output_that_is_no_number_never_helps_top_k():
    assert metrics.top_k_accuracy(2)(np.full((3, 4), np.nan), np.array([1, 2, 3])) == 0.0
    assert metrics.top_k_accuracy(1)(np.array([[1.0, np.nan, 0.0]]), np.array([0])) == 0.0


def test_top_k_accuracy_with_infinite_outputs():
    masked = np.where(np.arange(4) == 0, -np.inf, np.zeros((2, 4)))
    assert metrics.top_k_accuracy(3)(masked, np.array([0, 3])) == 0.5


def test_top_k_accuracy_refuses_what_makes_no_sense():
    with pytest.raises(InvalidArgumentError, match=r"`k` is 0.*1 or more"):
        metrics.top_k_accuracy(0)
    with pytest.raises(DataError, match="outside the classes"):
        metrics.top_k_accuracy(2)(LOGITS, TARGET + 3)
