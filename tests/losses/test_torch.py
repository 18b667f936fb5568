"""Values and gradients against PyTorch, for every loss and option that PyTorch has."""

import numpy as np
import pytest

from gradiente import losses
from gradiente.gradient.derivatives import value_and_grad

torch = pytest.importorskip("torch")

RANDOM = np.random.default_rng(6)
PREDICTION, TARGET = 2 * RANDOM.normal(size=(2, 20, 4))
COUNTS = RANDOM.poisson(3.0, size=(20, 4)).astype(float)
LABELS = RANDOM.integers(0, 4, 20)
PROBABILITIES = RANDOM.dirichlet(np.ones(4), size=20)
YES_NO = RANDOM.integers(0, 2, (20, 4)).astype(float)
CLASS_WEIGHT = np.array([0.2, 1.0, 3.0, 0.7])
SEQUENCE = RANDOM.normal(size=(6, 5, 4))
SEQUENCE_LABELS = np.where(RANDOM.random((6, 5)) < 0.3, -100, RANDOM.integers(0, 4, (6, 5)))


def compare(ours, theirs, prediction, target, **options):
    """Value and gradient with respect to the prediction agree in float64."""
    value, gradient = value_and_grad(ours)(prediction, target, **options)
    variable = torch.tensor(prediction, requires_grad=True)
    expected = theirs(variable, torch.tensor(target))
    expected.backward()
    np.testing.assert_allclose(value, expected.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, variable.grad.numpy(), rtol=1e-10, atol=1e-15)


def test_mse_and_mae():
    compare(losses.mse, torch.nn.MSELoss(), PREDICTION, TARGET)
    compare(losses.mae, torch.nn.L1Loss(), PREDICTION, TARGET)
    compare(losses.mae, torch.nn.L1Loss(), PREDICTION, np.where(TARGET > 0, TARGET, PREDICTION))


@pytest.mark.parametrize("delta", [0.1, 1.0, 2.5])
def test_huber(delta):
    compare(losses.huber, torch.nn.HuberLoss(delta=delta), PREDICTION, TARGET, delta=delta)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("log_input", [False, True])
def test_poisson(log_input, full):
    prediction = PREDICTION if log_input else np.abs(PREDICTION) * (COUNTS > 1)
    theirs = torch.nn.PoissonNLLLoss(log_input=log_input, full=full)
    compare(losses.poisson, theirs, prediction, COUNTS, log_input=log_input, full=full)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("class_weight", [None, CLASS_WEIGHT])
@pytest.mark.parametrize("target", [LABELS, PROBABILITIES], ids=["labels", "probabilities"])
def test_cross_entropy(target, class_weight, smoothing):
    weight = None if class_weight is None else torch.tensor(class_weight)
    theirs = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)
    options = {"class_weight": class_weight, "label_smoothing": smoothing}
    compare(losses.cross_entropy, theirs, PREDICTION, target, **options)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("class_weight", [None, CLASS_WEIGHT])
def test_cross_entropy_of_sequences_with_ignored_positions(class_weight, smoothing):
    weight = None if class_weight is None else torch.tensor(class_weight)
    module = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)

    def theirs(prediction, target):
        return module(prediction.transpose(1, 2), target)

    options = {"class_weight": class_weight, "label_smoothing": smoothing, "ignore_index": -100}
    compare(losses.cross_entropy, theirs, SEQUENCE, SEQUENCE_LABELS, **options)


@pytest.mark.parametrize("target", [YES_NO, PROBABILITIES], ids=["yes_no", "probabilities"])
@pytest.mark.parametrize("pos_weight", [None, 2.5, CLASS_WEIGHT])
def test_binary_cross_entropy(target, pos_weight):
    weight = None if pos_weight is None else torch.tensor(pos_weight)
    theirs = torch.nn.BCEWithLogitsLoss(pos_weight=weight)
    compare(losses.binary_cross_entropy, theirs, PREDICTION, target, pos_weight=pos_weight)


def test_per_sample_of_matrices_is_the_loss_without_reduction():
    theirs = torch.nn.CrossEntropyLoss(reduction="none", label_smoothing=0.2)
    expected = theirs(torch.tensor(PREDICTION), torch.tensor(LABELS)).numpy()
    ours = losses.cross_entropy.per_sample(PREDICTION, LABELS, label_smoothing=0.2)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
