"""On ten tables the defaults learn as well as those of scikit-learn's networks."""

import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

import gradiente as gd
from benchmarks.estimators import CLASSES, NUMBERS

CHANCE = 0.01  # how far two seeds of one network are apart on tables of this size


def mean_score(estimator, x, y):
    """The mean of five folds."""
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return cross_val_score(estimator, x, y, cv=5).mean()


@pytest.mark.parametrize("table", [*CLASSES, *NUMBERS])
def test_the_defaults_are_as_good_as_those_of_the_peer(table):
    ours, theirs = (
        (gd.NetworkClassifier, MLPClassifier)
        if table in CLASSES
        else (gd.NetworkRegressor, MLPRegressor)
    )
    x, y = {**CLASSES, **NUMBERS}[table]()
    own, expected = (mean_score(kind(random_state=0), x, y) for kind in (ours, theirs))
    assert own >= expected - CHANCE


def test_inputs_of_about_one_size_stay_as_they_are():
    x, y = CLASSES["iris"]()
    plain, automatic, scaled = (
        gd.NetworkClassifier(max_iter=20, random_state=0, standardize=choice).set_params(tol=0.0)
        for choice in (False, "auto", True)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert automatic.fit(x, y).loss_ == plain.fit(x, y).loss_ != scaled.fit(x, y).loss_
        assert automatic.fit(100 * x, y).loss_ == pytest.approx(scaled.loss_, rel=1e-6)
