"""Classification losses where numbers are extreme, and what they refuse."""

import numpy as np
import pytest

from gradiente import losses
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.gradient.derivatives import grad, value_and_grad

RANDOM = np.random.default_rng(2)
LOGITS = RANDOM.normal(size=(30, 3))
LABELS = RANDOM.integers(0, 3, 30)
YES_NO = (LABELS > 0).astype(int)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_of_huge_logits(dtype):
    logits = np.array([[1e4, 0.0, -1e4], [-1e4, 1e4, 0.0]], dtype)
    value, gradient = value_and_grad(losses.cross_entropy)(logits, np.array([0, 2]))
    assert value == 5e3
    np.testing.assert_array_equal(gradient, np.array([[0, 0, 0], [0, 0.5, -0.5]]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_of_huge_logits(dtype):
    logits = np.array([1e4, -1e4, 1e4, -1e4], dtype)
    value, gradient = value_and_grad(losses.binary_cross_entropy)(logits, np.array([1, 0, 0, 1]))
    assert value == 5e3
    np.testing.assert_array_equal(gradient, np.array([0, 0, 0.25, -0.25]))


def test_binary_cross_entropy_keeps_small_losses():
    logits = np.array([20.0, -20.0], np.float32)
    each = losses.binary_cross_entropy.per_sample(logits, np.array([1, 0]))
    np.testing.assert_allclose(each, np.log1p(np.exp(-20.0)), rtol=1e-6)


def test_the_gradient_at_a_logit_of_zero():
    gradient = grad(losses.binary_cross_entropy)(np.zeros(2), np.array([0.0, 1.0]))
    np.testing.assert_allclose(gradient, [0.25, -0.25], rtol=1e-15)


@pytest.mark.parametrize("class_weight", [None, (0.3, 2.0)])
def test_one_logit_is_two_logits_with_the_first_at_zero(class_weight):
    two = np.stack([np.zeros(30), LOGITS[:, 0]], axis=1)
    expected = losses.cross_entropy(two, YES_NO, class_weight=class_weight)
    for prediction in (LOGITS[:, 0], LOGITS[:, :1]):
        ours = losses.binary_cross_entropy(prediction, YES_NO, class_weight=class_weight)
        assert ours == pytest.approx(expected, rel=1e-12)


def test_labels_in_a_column_and_of_any_integer_type():
    expected = losses.cross_entropy(LOGITS, LABELS)
    for labels in (LABELS[:, None], LABELS.astype(np.uint8), LABELS.astype(np.int8)):
        assert losses.cross_entropy(LOGITS, labels) == expected
    assert losses.cross_entropy(LOGITS, np.eye(3)[LABELS]) == pytest.approx(expected, rel=1e-12)
    yes_no = losses.cross_entropy(LOGITS[:, :2], YES_NO.astype(bool))
    assert yes_no == losses.cross_entropy(LOGITS[:, :2], YES_NO)


def test_a_batch_in_which_all_is_ignored_moves_nothing():
    labels = np.full(30, -100)
    value, gradient = value_and_grad(losses.cross_entropy)(LOGITS, labels, ignore_index=-100)
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)
    each = losses.cross_entropy.per_sample(LOGITS, labels, ignore_index=-100)
    np.testing.assert_array_equal(each, np.zeros(30))


def test_ignored_positions_do_not_count():
    labels = np.where(np.arange(30) < 10, LABELS, 7)
    ours = losses.cross_entropy(LOGITS, labels, ignore_index=7)
    assert ours == pytest.approx(losses.cross_entropy(LOGITS[:10], LABELS[:10]), rel=1e-12)
    weight = RANDOM.uniform(0, 2, 30)
    ours = losses.cross_entropy(LOGITS, labels, weight, ignore_index=7)
    expected = losses.cross_entropy(LOGITS[:10], LABELS[:10], weight[:10])
    assert ours == pytest.approx(expected, rel=1e-12)


def test_a_gradient_may_be_taken_to_the_class_weights():
    weight = np.array([1.0, 2.0, 0.5])

    def of(class_weight):
        return losses.cross_entropy(LOGITS, LABELS, class_weight=class_weight)

    step = np.array([1e-6, 0, 0])
    difference = (of(weight + step) - of(weight - step)) / 2e-6
    assert grad(of)(weight)[0] == pytest.approx(difference, rel=1e-6)


@pytest.mark.parametrize(
    ("prediction", "target", "options", "error", "text"),
    [
        (LOGITS[:, 0], LABELS, {}, ShapeError, "use binary_cross_entropy"),
        (LOGITS[:, :1], LABELS, {}, ShapeError, "use binary_cross_entropy"),
        (LOGITS, LABELS[:29], {}, ShapeError, r"class indices of shape \(30,\)"),
        (LOGITS, LABELS.astype(float), {}, TypeMismatchError, r"target.astype\(int\)"),
        (LOGITS, np.eye(3, dtype=int)[LABELS], {}, ShapeError, r"target.argmax\(axis=-1\)"),
        (LOGITS, LABELS, {"class_weight": [1, 2]}, ShapeError, "there are 3 classes"),
        (
            LOGITS,
            LABELS,
            {"label_smoothing": 1.5},
            InvalidArgumentError,
            "`label_smoothing` is 1.5",
        ),
        (LOGITS, np.eye(3)[LABELS], {"ignore_index": 0}, InvalidArgumentError, "class indices"),
    ],
)
def test_cross_entropy_refuses_what_does_not_fit(prediction, target, options, error, text):
    with pytest.raises(error, match=text):
        losses.cross_entropy(prediction, target, **options)


@pytest.mark.parametrize(
    ("prediction", "target", "options", "text"),
    [
        (LOGITS, YES_NO, {}, "prediction has shape"),
        (LOGITS, np.ones((30, 3)), {"pos_weight": [1.0, 2.0]}, "one number, or one per label"),
        (LOGITS[:, 0], YES_NO, {"pos_weight": np.ones(30)}, "one number, or one per label"),
        (LOGITS[:, 0], YES_NO, {"class_weight": [1.0, 2.0, 3.0]}, "pair for class 0 and 1"),
    ],
)
def test_binary_cross_entropy_refuses_what_does_not_fit(prediction, target, options, text):
    with pytest.raises(ShapeError, match=text):
        losses.binary_cross_entropy(prediction, target, **options)
