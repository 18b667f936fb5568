"""Values and gradients against PyTorch: margins, distances, distributions, fused layers, CTC."""

import numpy as np
import pytest

from gradiente import losses
from gradiente.gradient.derivatives import grad, value_and_grad
from tests.losses.test_torch import CLASS_WEIGHT, LABELS, PREDICTION, YES_NO, compare

torch = pytest.importorskip("torch")

RANDOM = np.random.default_rng(8)
SIGNS = 2 * YES_NO - 1
SCORES = RANDOM.normal(size=(20, 4))
FIRST, SECOND, THIRD = RANDOM.normal(size=(3, 20, 5))
ONES = SIGNS[:, 0]
DISTRIBUTION = RANDOM.dirichlet(np.ones(4), size=20)
LOG_PROBABILITIES = np.log(RANDOM.dirichlet(np.ones(4), size=20))
SEVERAL = np.array([np.where(np.arange(4) < i % 5, RANDOM.permutation(4), -1) for i in range(20)])


def compare_parts(name, theirs, parts, target, **options):
    """Value and gradients with respect to every part, given as a tuple."""
    parts = tuple(parts)
    value, gradients = value_and_grad(losses.LOSSES[name])(parts, target, **options)
    variables = [torch.tensor(part, requires_grad=True) for part in parts]
    expected = theirs(*variables, *([] if target is None else [torch.tensor(target)]))
    expected.backward()
    np.testing.assert_allclose(value, expected.item(), rtol=1e-12)
    for ours, variable in zip(gradients, variables, strict=True):
        np.testing.assert_allclose(ours, variable.grad.numpy(), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_smooth_l1(beta):
    compare(losses.smooth_l1, torch.nn.SmoothL1Loss(beta=beta), PREDICTION, SCORES, beta=beta)


@pytest.mark.parametrize("class_weight", [None, CLASS_WEIGHT])
@pytest.mark.parametrize("ignored", [None, 2])
def test_nll(class_weight, ignored):
    weight = None if class_weight is None else torch.tensor(class_weight)
    theirs = torch.nn.NLLLoss(weight=weight, ignore_index=-100 if ignored is None else ignored)
    options = {"class_weight": class_weight, "ignore_index": ignored}
    compare(losses.nll, theirs, LOG_PROBABILITIES, LABELS, **options)


def test_binary_cross_entropy_of_probabilities():
    probabilities = RANDOM.uniform(0.01, 0.99, (20, 4))
    theirs = torch.nn.BCELoss()
    compare(losses.binary_cross_entropy, theirs, probabilities, YES_NO, from_logits=False)
    certain = np.array([0.0, 1.0, 0.0, 1.0])
    right = np.array([0.0, 0.0, 1.0, 1.0])
    expected = theirs(torch.tensor(certain), torch.tensor(right)).item()
    assert losses.binary_cross_entropy(certain, right, from_logits=False) == expected == 50.0


@pytest.mark.parametrize(
    ("name", "theirs", "target"),
    [
        ("soft_margin", torch.nn.SoftMarginLoss(), SIGNS),
        ("hinge_embedding", torch.nn.HingeEmbeddingLoss(), SIGNS),
        ("multi_label_margin", torch.nn.MultiLabelMarginLoss(), SEVERAL),
        ("multi_label_soft_margin", torch.nn.MultiLabelSoftMarginLoss(), YES_NO),
    ],
)
def test_margins(name, theirs, target):
    compare(losses.LOSSES[name], theirs, PREDICTION, target)


def test_margins_with_options():
    theirs = torch.nn.HingeEmbeddingLoss(margin=0.3)
    compare(losses.hinge_embedding, theirs, PREDICTION, SIGNS, margin=0.3)
    weighted = torch.nn.MultiLabelSoftMarginLoss(weight=torch.tensor(CLASS_WEIGHT))
    ours = losses.multi_label_soft_margin
    compare(ours, weighted, PREDICTION, YES_NO, class_weight=CLASS_WEIGHT)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("class_weight", [None, CLASS_WEIGHT])
def test_multi_margin(power, class_weight):
    weight = None if class_weight is None else torch.tensor(class_weight)
    theirs = torch.nn.MultiMarginLoss(p=power, margin=0.7, weight=weight)
    options = {"power": power, "margin": 0.7, "class_weight": class_weight}
    compare(losses.multi_margin, theirs, PREDICTION, LABELS, **options)


@pytest.mark.parametrize("log_target", [False, True])
def test_kl_divergence(log_target):
    theirs = torch.nn.KLDivLoss(reduction="batchmean", log_target=log_target)
    target = np.log(DISTRIBUTION) if log_target else np.where(SIGNS > 0, DISTRIBUTION, 0.0)
    compare(losses.kl_divergence, theirs, LOG_PROBABILITIES, target, log_target=log_target)


@pytest.mark.parametrize("full", [False, True])
def test_gaussian_nll(full):
    module = torch.nn.GaussianNLLLoss(full=full)

    def theirs(mean, variance, target):
        return module(mean, target, variance)

    variance = RANDOM.uniform(0.1, 2.0, (20, 5))
    variance[:3] = 0.0  # below eps, where the gradient passes all the same
    compare_parts("gaussian_nll", theirs, (FIRST, variance), SECOND, full=full)


@pytest.mark.parametrize("margin", [0.0, 0.3])
def test_cosine_embedding(margin):
    theirs = torch.nn.CosineEmbeddingLoss(margin=margin)
    compare_parts("cosine_embedding", theirs, (FIRST, SECOND), ONES, margin=margin)


def test_cosine_distance():
    def theirs(prediction, target):
        return torch.mean(1 - torch.nn.functional.cosine_similarity(prediction, target, dim=-1))

    compare(losses.cosine_distance, theirs, FIRST, SECOND)


def test_margin_ranking():
    theirs = torch.nn.MarginRankingLoss(margin=0.3)
    compare_parts("margin_ranking", theirs, (FIRST, SECOND), np.sign(THIRD), margin=0.3)


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("power", [1, 2, 3])
def test_triplet_margin(power, swap):
    theirs = torch.nn.TripletMarginLoss(margin=0.5, p=power, swap=swap)
    options = {"margin": 0.5, "power": power, "swap": swap}
    compare_parts("triplet_margin", theirs, (FIRST, SECOND, THIRD), None, **options)


@pytest.mark.parametrize("swap", [False, True])
def test_triplet_margin_with_distance(swap):
    plain = torch.nn.TripletMarginWithDistanceLoss(swap=swap)
    three = (FIRST, SECOND, THIRD)
    compare_parts("triplet_margin_with_distance", plain, three, None, swap=swap)
    theirs = torch.nn.TripletMarginWithDistanceLoss(
        distance_function=lambda a, b: torch.sum((a - b) ** 2, dim=-1), swap=swap
    )
    options = {"swap": swap, "distance": lambda a, b: np.sum((a - b) ** 2, axis=-1)}
    compare_parts("triplet_margin_with_distance", theirs, three, None, **options)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_linear_cross_entropy(bias, smoothing):
    theirs = torch.nn.LinearCrossEntropyLoss(
        5,
        4,
        bias=bias,
        weight=torch.tensor(CLASS_WEIGHT),
        label_smoothing=smoothing,
        dtype=torch.float64,
    )
    kernel = theirs.linear.weight.detach().numpy().T
    options = {"class_weight": CLASS_WEIGHT, "label_smoothing": smoothing, "kernel": kernel}
    if bias:
        options["bias"] = theirs.linear.bias.detach().numpy()
    compare(losses.linear_cross_entropy, theirs, FIRST, LABELS, **options)

    def of_kernel(kernel):
        return losses.linear_cross_entropy(FIRST, LABELS, **{**options, "kernel": kernel})

    expected = theirs.linear.weight.grad.numpy().T
    np.testing.assert_allclose(grad(of_kernel)(kernel), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("bias", [False, True])
def test_adaptive_softmax(bias):
    labels = RANDOM.integers(0, 12, 20)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(
        5, 12, [3, 7], div_value=2.0, head_bias=bias, dtype=torch.float64
    )
    tails = [tuple(layer.weight.detach().numpy().T for layer in tail) for tail in theirs.tail]
    options = {"head": theirs.head.weight.detach().numpy().T, "tails": tails, "cutoffs": [3, 7]}
    if bias:
        options["head_bias"] = theirs.head.bias.detach().numpy()
    compare(losses.adaptive_softmax, lambda x, y: theirs(x, y).loss, FIRST, labels, **options)


@pytest.mark.parametrize("blank", [0, 3])
def test_ctc(blank):
    logits = RANDOM.normal(size=(6, 9, 4))
    target = np.array(
        [[1, 2, 1], [1, 1, -1], [2, -1, -1], [-1, -1, -1], [2, 2, 2], [1, 2, 2]], np.int64
    )
    target = np.where(target < 0, -1, (target + blank) % 4)
    frames = np.array([9, 6, 9, 4, 9, 5])
    mask = np.arange(9) < frames[:, None]
    lengths = torch.tensor((target >= 0).sum(axis=1))
    module = torch.nn.CTCLoss(blank=blank)

    def theirs(prediction, target):
        log_p = torch.nn.functional.log_softmax(prediction, dim=-1).transpose(0, 1)
        return module(log_p, target.clamp(min=0), torch.tensor(frames), lengths)

    compare(losses.ctc, theirs, logits, target, blank=blank, mask=mask)


def test_ctc_of_a_target_that_is_too_long():
    logits, target = RANDOM.normal(size=(2, 2, 4)), np.array([[1, 1], [1, 2]])
    assert losses.ctc(logits, target) == np.inf
    value, gradient = value_and_grad(losses.ctc)(logits, target, zero_infinity=True)
    assert value == pytest.approx(losses.ctc(logits[1:], target[1:]) / 2, rel=1e-12)
    np.testing.assert_array_equal(gradient[0], 0)
