"""Scores are scikit-learn's, and their intervals cover what they say."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from gradiente.report.scores import measured
from gradiente.report.unseen import Classes, Numbers, unseen

RANDOM = np.random.default_rng(8)


def by_name(scores):
    return {each.name: each for each in scores}


def test_scores_of_classes_are_those_of_scikit_learn():
    logits, y = RANDOM.normal(size=(200, 4)), RANDOM.integers(0, 4, 200)
    logits[np.arange(200), y] += 1
    found = unseen(logits, y)
    scores = by_name(measured(found))
    assert list(scores) == ["accuracy", "F1 (macro)", "log loss"]
    predicted = logits.argmax(axis=1)
    assert scores["accuracy"].value == theirs.accuracy_score(y, predicted)
    assert scores["F1 (macro)"].value == pytest.approx(
        theirs.f1_score(y, predicted, average="macro")
    )
    assert scores["log loss"].value == pytest.approx(theirs.log_loss(y, found.probabilities))
    assert scores["accuracy"].baseline == np.bincount(y).max() / 200


def test_area_under_the_curve_with_ties():
    probability = np.round(RANDOM.uniform(size=300), 1)
    y = (RANDOM.uniform(size=300) < probability).astype(int)
    found = Classes(np.stack([1 - probability, probability], 1), y, ("no", "yes"), np.ones(2) / 2)
    score = by_name(measured(found))["AUC"]
    assert score.value == pytest.approx(theirs.roc_auc_score(y, probability))
    assert score.baseline == 0.5 and score.better == 1


def test_scores_of_numbers_are_those_of_scikit_learn():
    y = RANDOM.normal(size=150)
    found = Numbers(y + RANDOM.normal(size=150) / 2, y, 0.3)
    scores = by_name(measured(found))
    assert scores["RMSE"].value == pytest.approx(theirs.root_mean_squared_error(y, found.predicted))
    assert scores["MAE"].value == pytest.approx(theirs.mean_absolute_error(y, found.predicted))
    assert scores["R²"].value == pytest.approx(theirs.r2_score(y, found.predicted))
    assert scores["RMSE"].baseline == pytest.approx(np.sqrt(np.mean((y - 0.3) ** 2)))
    assert all(each.better == 1 for each in scores.values())


def test_intervals_cover_the_truth_nineteen_times_in_twenty():
    covered = 0
    for seed in range(24):
        random = np.random.default_rng(seed)
        right = random.uniform(size=80) < 0.7
        y = np.zeros(80, int)
        shares = np.where(right[:, None], [0.9, 0.1], [0.1, 0.9])
        accuracy = measured(Classes(shares, y, ("a", "b"), np.array([1.0, 0.0])))[0]
        covered += accuracy.interval[0] <= 0.7 <= accuracy.interval[1]
    assert 20 <= covered <= 24


def test_no_better_and_worse_than_the_baseline():
    y = RANDOM.normal(size=400)
    assert measured(Numbers(np.full(400, 0.001), y, 0.0))[0].better == 0
    assert measured(Numbers(-3 * y, y, 0.0))[0].better == -1


def test_the_same_seed_gives_the_same_intervals():
    found = Numbers(np.arange(50.0), np.arange(50.0) + RANDOM.normal(size=50), 25.0)
    assert measured(found) == measured(found) != measured(found, seed=1)
