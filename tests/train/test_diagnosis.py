"""What is said when numbers are no longer finite."""

import numpy as np

from gradiente.train.diagnosis import non_finite_inputs, non_finite_weights, remedy
from gradiente.train.inputs import samples

X = np.zeros((5, 2, 2))


def test_arrays_and_the_first_sample_are_named():
    x = X.copy()
    x[3, 1, 0] = x[4, 0, 0] = np.nan
    y = np.array([0, 1, np.inf, 3, 4])
    data = samples({"a": x, "b": X, "n": np.arange(5)}, y)
    assert non_finite_inputs(data) == ["`x.a` (first in sample 3)", "`y` (first in sample 2)"]
    assert remedy(data, 0.1).startswith("The data contain NaN or infinity: `x.a` (first in sample")
    assert "The validation data contain" in remedy(data, 0.1, "validation data")


def test_clean_data_gets_advice():
    data = samples(X, np.zeros(5))
    assert non_finite_inputs(data) == []
    assert remedy(data, 0.5).startswith("Try a learning rate ten times smaller (now 0.5), clip")
    assert "smaller, clip_norm=1.0" in remedy(data, None)


def test_weights_are_named():
    good, bad = np.zeros(2), np.array([0, np.nan])
    weights = {
        "parameters": {"a": good, "b": bad},
        "fixed": {"c": bad},
        "buffers": {"d": np.array([np.inf]), "n": np.arange(3)},
    }
    assert non_finite_weights(weights) == ["b", "d"]
