"""Permutation importance: what matters is found, what does not is zero."""

import numpy as np
from sklearn.inspection import permutation_importance as theirs
from sklearn.linear_model import LinearRegression

from gradiente.report.importance import permutation_importance

RANDOM = np.random.default_rng(4)


def test_it_agrees_with_scikit_learn():
    x = RANDOM.normal(size=(2000, 3))
    y = 3 * x[:, 0] + x[:, 2]
    model = LinearRegression().fit(x, y)
    columns = {"a": [0], "b": [1], "c": [2]}
    found = permutation_importance(lambda x: np.mean((model.predict(x) - y) ** 2), x, columns)
    assert [each.name for each in found] == ["a", "c", "b"]
    expected = theirs(model, x, y, scoring="neg_mean_squared_error", random_state=0)
    for each, place in zip(found, [0, 2, 1], strict=True):
        np.testing.assert_allclose(each.mean, expected.importances_mean[place], rtol=0.1, atol=1e-9)


def test_columns_that_belong_together_are_shuffled_together():
    x = np.stack([np.arange(50.0), np.arange(50.0)], axis=1)
    seen = []

    def loss(x):
        seen.append(x)
        return float(np.abs(x[:, 0] - x[:, 1]).sum())

    (only,) = permutation_importance(loss, x, {"both": [0, 1]})
    assert only.mean == 0 and only.deviation == 0
    assert all(not np.array_equal(each, x) for each in seen[1:])
