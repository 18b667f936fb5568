"""Values and gradients against Optax, for what PyTorch does not have."""

import numpy as np
import pytest

from gradiente import losses
from gradiente.gradient.derivatives import value_and_grad

optax = pytest.importorskip("optax")
jax = pytest.importorskip("jax")

RANDOM = np.random.default_rng(4)
PREDICTION, NUMBERS = RANDOM.normal(size=(2, 20, 4))
SIGNS = np.sign(RANDOM.normal(size=(20, 4)))
YES_NO = (SIGNS > 0).astype(int)
LABELS = RANDOM.integers(0, 4, 20)
GROUPS = RANDOM.integers(0, 5, 20)
SHARES = RANDOM.dirichlet(np.ones(4), size=20)
REGIONS = RANDOM.normal(size=(6, 5, 4, 3))
TRUTH = np.eye(3)[RANDOM.integers(0, 3, (6, 5, 4))]


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def compare(name, theirs, prediction, target, **options):
    """Value and gradient with respect to the prediction agree in float64."""

    def mean(x):
        return jax.numpy.mean(theirs(x, target))

    expected, slope = jax.value_and_grad(mean)(prediction)
    value, gradient = value_and_grad(losses.LOSSES[name])(prediction, target, **options)
    np.testing.assert_allclose(value, expected, rtol=1e-10)
    np.testing.assert_allclose(gradient, slope, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "theirs", "target"),
    [
        ("half_mse", "l2_loss", NUMBERS),
        ("log_cosh", "log_cosh", NUMBERS),
        ("hinge", "hinge_loss", SIGNS),
        ("perceptron", "perceptron_loss", SIGNS),
        ("multiclass_hinge", "multiclass_hinge_loss", LABELS),
        ("multiclass_perceptron", "multiclass_perceptron_loss", LABELS),
        ("sparsemax", "sparsemax_loss", YES_NO),
        ("multiclass_sparsemax", "multiclass_sparsemax_loss", LABELS),
        ("kl_divergence", "kl_divergence", SHARES),
        ("generalized_kl_divergence", "generalized_kl_divergence", SHARES),
        ("cosine_distance", "cosine_distance", NUMBERS),
        ("ranking_softmax", "ranking_softmax_loss", SHARES),
        ("ntxent", "ntxent", GROUPS),
        ("dice", "dice_loss", TRUTH),
    ],
)
def test_losses_without_options(name, theirs, target):
    prediction = REGIONS if name == "dice" else PREDICTION
    compare(name, getattr(optax.losses, theirs), prediction, target)


def test_kl_divergence_with_log_targets():
    theirs = optax.losses.kl_divergence_with_log_targets
    compare("kl_divergence", theirs, PREDICTION, np.log(SHARES), log_target=True)


def test_binary_focal_cross_entropy():
    for alpha in (None, 0.3):

        def theirs(x, y, alpha=alpha):
            return optax.losses.sigmoid_focal_loss(x, y, alpha=alpha, gamma=1.5)

        compare("binary_focal_cross_entropy", theirs, PREDICTION, YES_NO, alpha=alpha, gamma=1.5)


def test_poly_cross_entropy():
    def theirs(x, y):
        return optax.losses.poly_loss_cross_entropy(x, y, epsilon=0.7)

    compare("poly_cross_entropy", theirs, PREDICTION, SHARES, epsilon=0.7)
    labelled = losses.poly_cross_entropy(PREDICTION, LABELS, epsilon=0.7)
    assert labelled == pytest.approx(float(np.mean(theirs(PREDICTION, np.eye(4)[LABELS]))))


def test_fenchel_young():
    theirs = optax.losses.make_fenchel_young_loss(jax.nn.logsumexp)
    compare("fenchel_young", theirs, PREDICTION, SHARES)

    def smoothed(s):
        return 0.5 * np.sum(s * s, axis=-1)

    theirs = optax.losses.make_fenchel_young_loss(lambda s: 0.5 * jax.numpy.sum(s * s))
    compare("fenchel_young", theirs, PREDICTION, SHARES, maximum=smoothed)


def test_tversky():
    def theirs(x, y):
        return optax.losses.dice_loss(x, y, alpha=0.3, beta=0.9, smooth=0.5)

    compare("tversky", theirs, REGIONS, TRUTH, alpha=0.3, beta=0.9, smooth=0.5)
    one = REGIONS[..., :1], TRUTH[..., :1]
    compare("tversky", theirs, *one, alpha=0.3, beta=0.9, smooth=0.5)


def test_dice_with_class_weights():
    weight = np.array([0.2, 1.3, 1.5])  # they sum to the number of classes: the means agree

    def theirs(x, y):
        return optax.losses.dice_loss(x, y, class_weights=weight)

    compare("dice", theirs, REGIONS, TRUTH, class_weight=weight)


def test_ranking_softmax_of_lists_of_several_lengths():
    mask = np.arange(4) < RANDOM.integers(1, 5, 20)[:, None]

    def theirs(x, y):
        return optax.losses.ranking_softmax_loss(x, y, where=mask)

    compare("ranking_softmax", theirs, PREDICTION, SHARES, mask=mask)


def test_ctc_is_that_of_optax_divided_by_the_length():
    logits, labels = RANDOM.normal(size=(4, 7, 4)), RANDOM.integers(1, 4, (4, 3))

    def theirs(x, y):
        frames, words = np.zeros((4, 7)), np.zeros((4, 3))
        return optax.losses.ctc_loss(x, frames, y, words) / 3

    compare("ctc", theirs, logits, labels)
