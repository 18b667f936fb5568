"""What kind of task it is, and what was predicted."""

import numpy as np
import pytest

from gradiente.base.errors import DataError
from gradiente.data.target import ClassTarget, NumberTarget
from gradiente.report.unseen import Classes, Numbers, of_target, unseen

LOGITS = np.array([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def test_classes():
    found = unseen(LOGITS, np.array([0, 2]), names=["a", "b", "c"])
    assert isinstance(found, Classes) and found.names == ("a", "b", "c")
    exponentials = np.exp(LOGITS)
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, expected)
    np.testing.assert_array_equal(found.predicted, [0, 1])
    np.testing.assert_array_equal(found.baseline, [0.5, 0, 0.5])
    assert found.baseline_words == "always a"


def test_a_single_logit():
    logit, y = np.array([[0.0], [3.0]]), np.array([[0.0], [1.0]])
    found = unseen(logit, y, "binary_cross_entropy")
    np.testing.assert_allclose(found.probabilities[:, 1], 1 / (1 + np.exp(-logit[:, 0])))
    assert isinstance(unseen(logit, y, "mse"), Numbers)


def test_numbers():
    found = unseen(np.array([[1.0], [2.0]], np.float32), np.array([[1.5], [2.5]]))
    assert isinstance(found, Numbers) and found.baseline == 2.0
    np.testing.assert_array_equal(found.predicted, [1, 2])


@pytest.mark.parametrize(
    ("outputs", "y"),
    [
        ((LOGITS, LOGITS), np.array([0, 1])),
        (np.zeros((2, 5, 3)), np.zeros((2, 5), int)),
        (LOGITS, np.array([0.5, 1.5])),
    ],
)
def test_other_tasks(outputs, y):
    assert unseen(outputs, y) is None


def test_what_does_not_fit():
    with pytest.raises(DataError, match="2 predictions for 3"):
        unseen(LOGITS, np.array([0, 1, 2]))
    with pytest.raises(DataError, match="3 outputs, but there are 2"):
        unseen(LOGITS, np.array([0, 1]), names=["a", "b"])


def test_targets_of_tables():
    target = ClassTarget("kind", ("x", "y", "z"), "text")
    found = of_target(target, LOGITS, np.array([0, 1]), (0.0, 1.0, 0.0))
    assert found.names == ("x", "y", "z") and found.baseline_words == "always y"
    two = of_target(ClassTarget("kind", ("x", "y"), "text"), np.array([[-5.0]]), np.array([0]))
    assert two.probabilities[0, 0] > 0.99
    price = NumberTarget("price", mean=100.0, scale=10.0)
    found = of_target(price, np.array([[1.0], [-1.0]]), np.array([[0.5], [0.0]]), (0.2,))
    np.testing.assert_allclose(found.predicted, [110, 90])
    np.testing.assert_allclose(found.y, [105, 100])
    assert found.baseline == 102
