"""scikit-learn's own checks of estimators: all of them, none expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import gradiente as gd


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([gd.NetworkClassifier(), gd.NetworkRegressor()])
def test_scikit_learn_finds_no_fault(estimator, check):
    check(estimator)
