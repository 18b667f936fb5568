"""Losses against their definitions written out, masks inside samples, and refusals."""

import numpy as np
import pytest
from scipy import special

from gradiente import losses
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.gradient.derivatives import grad, value_and_grad

RANDOM = np.random.default_rng(12)
LOGITS = RANDOM.normal(size=(20, 4))
LABELS = RANDOM.integers(0, 4, 20)
YES_NO = RANDOM.integers(0, 2, (20, 4))
SHARES = special.softmax(LOGITS, axis=-1)
RIGHT = SHARES[np.arange(20), LABELS]


def same(ours, expected):
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_categorical_focal_cross_entropy(gamma):
    each = losses.categorical_focal_cross_entropy.per_sample(LOGITS, LABELS, gamma=gamma)
    same(each, -((1 - RIGHT) ** gamma) * np.log(RIGHT))
    dense = losses.categorical_focal_cross_entropy(LOGITS, np.eye(4)[LABELS], gamma=gamma)
    same(dense, np.mean(each))


@pytest.mark.parametrize("q", [0.3, 0.7, 1.0])
def test_generalized_cross_entropy(q):
    each = losses.generalized_cross_entropy.per_sample(LOGITS, LABELS, q=q)
    same(each, (1 - RIGHT**q) / q)


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.4])
def test_asymmetric(margin):
    p = special.expit(LOGITS)
    low = np.maximum(p - margin, 0)
    positive = (1 - p) ** 1.5 * np.log(p)
    negative = low**3 * np.log(1 - low)
    options = {"gamma_positive": 1.5, "gamma_negative": 3.0, "margin": margin}
    ours = losses.asymmetric(LOGITS, YES_NO, **options)
    same(ours, -np.mean(np.where(YES_NO == 1, positive, negative)))


def test_squared_hinge_takes_zeros_and_ones_or_signs():
    expected = np.mean(np.maximum(0, 1 - (2 * YES_NO - 1) * LOGITS) ** 2)
    same(losses.squared_hinge(LOGITS, YES_NO), expected)
    same(losses.squared_hinge(LOGITS, 2 * YES_NO - 1), expected)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_info_nce():
    query, key, queue = RANDOM.normal(size=(3, 6, 5))
    logits = unit(query) @ unit(key).T / 0.2
    expected = np.mean(special.logsumexp(logits, axis=1) - np.diag(logits))
    same(losses.info_nce((query, key), temperature=0.2), expected)
    more = np.concatenate([logits, unit(query) @ unit(queue).T / 0.2], axis=1)
    expected = np.mean(special.logsumexp(more, axis=1) - np.diag(logits))
    same(losses.info_nce((query, key), temperature=0.2, queue=queue), expected)
    with pytest.raises(ShapeError, match="queue has shape"):
        losses.info_nce((query, key), queue=queue[:, :2])


def test_circle_and_its_gradient():
    torch = pytest.importorskip("torch")
    x, labels = RANDOM.normal(size=(8, 3)), np.array([0, 0, 1, 1, 1, 2, 2, 3])
    scale, margin = 5.0, 0.3
    variable = torch.tensor(x, requires_grad=True)
    normal = torch.nn.functional.normalize(variable)
    similarity = normal @ normal.T
    terms = []
    for i in range(7):  # the last has no partner
        positive = [j for j in range(8) if j != i and labels[j] == labels[i]]
        negative = [j for j in range(8) if labels[j] != labels[i]]
        near, far = similarity[i, positive], similarity[i, negative]
        pull = torch.relu(1 + margin - near).detach() * (near - 1 + margin)
        push = torch.relu(far + margin).detach() * (far - margin)
        product = torch.exp(-scale * pull).sum() * torch.exp(scale * push).sum()
        terms.append(torch.log1p(product))
    expected = torch.stack(terms).mean()
    expected.backward()
    value, gradient = value_and_grad(losses.circle)(x, labels, scale=scale, margin=margin)
    same(value, expected.item())
    same(gradient, variable.grad.numpy())


def test_generalized_dice():
    logits, truth = RANDOM.normal(size=(4, 9, 3)), np.eye(3)[RANDOM.integers(0, 2, (4, 9))]
    p, size = special.softmax(logits, axis=-1), truth.sum(axis=1)
    weight = 1 / np.maximum(size, 1) ** 2
    both = (weight * (p * truth).sum(axis=1)).sum(axis=-1)
    each = (weight * (p.sum(axis=1) + size)).sum(axis=-1)
    ours = losses.generalized_dice.per_sample(logits, truth, smooth=0.3)
    same(ours, 1 - (2 * both + 0.3) / (each + 0.3))
    same(losses.generalized_dice(logits, truth.argmax(axis=-1), smooth=0.3), np.mean(ours))


@pytest.mark.parametrize("name", ["dice", "tversky", "generalized_dice"])
def test_masked_positions_of_a_region_are_not_there(name):
    logits, truth = RANDOM.normal(size=(4, 9, 3)), RANDOM.integers(0, 3, (4, 9))
    mask = np.broadcast_to(np.arange(9) % 3 > 0, (4, 9))
    kept = logits[:, mask[0]], truth[:, mask[0]]
    hidden = np.where(mask, truth, 77)
    same(losses.LOSSES[name](logits, hidden, mask=mask), losses.LOSSES[name](*kept))
    gradient = grad(losses.LOSSES[name])(logits, hidden, mask=mask)
    np.testing.assert_array_equal(gradient[~mask], 0)
    none = mask & (np.arange(4) < 2)[:, None]  # two samples of which nothing is known
    same(
        losses.LOSSES[name](logits, hidden, mask=none),
        losses.LOSSES[name](kept[0][:2], kept[1][:2]),
    )


def test_masked_positions_of_sequences_and_outputs():
    logits, labels = RANDOM.normal(size=(4, 6, 3)), RANDOM.integers(0, 3, (4, 6))
    mask = RANDOM.random((4, 6)) < 0.6
    weight = RANDOM.uniform(0, 2, 4)
    flat = logits[mask], labels[mask], np.broadcast_to(weight[:, None], (4, 6))[mask]
    hidden = np.where(mask, labels, -5)
    same(losses.cross_entropy(logits, hidden, mask=mask), losses.cross_entropy(*flat[:2]))
    same(losses.cross_entropy(logits, hidden, weight, mask=mask), losses.cross_entropy(*flat))
    numbers = RANDOM.normal(size=(4, 6))
    prediction = logits[..., 0]
    expected = np.mean((prediction - numbers)[mask] ** 2)
    same(losses.mse(prediction, np.where(mask, numbers, np.nan), mask=mask), expected)


@pytest.mark.parametrize(
    ("name", "prediction", "target", "options", "error", "text"),
    [
        ("nll", LOGITS[:, 0], LABELS, {}, ShapeError, "at least two classes"),
        ("multi_margin", LOGITS, LABELS, {"power": 3}, InvalidArgumentError, "`power` is '3'"),
        ("multi_label_margin", LOGITS, LABELS, {}, ShapeError, "filled up with -1"),
        ("multi_label_margin", LOGITS, LOGITS, {}, TypeMismatchError, "must be integers"),
        ("kl_divergence", LOGITS, LABELS, {}, ShapeError, "distributions"),
        ("cosine_embedding", LOGITS, LABELS, {}, ShapeError, "2 parts: first, second"),
        ("triplet_margin", LOGITS, None, {}, ShapeError, r"\(n, 3, features\)"),
        ("gaussian_nll", LOGITS[:, :3], LABELS, {}, ShapeError, "2 parts: mean, variance"),
        ("gaussian_nll", (LOGITS, LOGITS[:, :1]), LOGITS, {}, ShapeError, "prediction has shape"),
        ("ntxent", LOGITS, LOGITS[:, 0], {}, TypeMismatchError, r"target.astype\(int\)"),
        ("circle", LOGITS, YES_NO, {}, ShapeError, "a label for each"),
        ("dice", LOGITS, LABELS, {}, ShapeError, "positions, classes"),
        ("coral", LOGITS, LOGITS[:, 0], {}, TypeMismatchError, r"target.astype\(int\)"),
        ("coral", LOGITS, LABELS, {"importance": [1.0]}, ShapeError, "importance has shape"),
        ("cumulative_logits", LOGITS, YES_NO, {}, ShapeError, "each step between classes"),
        ("cox", LOGITS, YES_NO[:, :2], {}, ShapeError, r"\(n,\) or \(n, 1\)"),
        ("cox", LOGITS[:, 0], YES_NO[:, :2], {"ties": "exact"}, InvalidArgumentError, "'efron'"),
        ("ctc", LOGITS, YES_NO, {}, ShapeError, r"logits \(n, time, classes\)"),
        ("ctc", LOGITS[:, None], YES_NO, {"blank": 4}, InvalidArgumentError, "4 classes"),
        ("fenchel_young", LOGITS, SHARES, {"maximum": np.max}, ShapeError, "`maximum` of scores"),
        ("ensemble_crps", LOGITS, LOGITS, {}, ShapeError, r"\(n, members\)"),
        (
            "linear_cross_entropy",
            LOGITS,
            LABELS,
            {"kernel": SHARES},
            ShapeError,
            "kernel has shape",
        ),
    ],
)
def test_what_does_not_fit_is_refused(name, prediction, target, options, error, text):
    with pytest.raises(error, match=text):
        losses.LOSSES[name](prediction, target, **options)


def test_adaptive_softmax_refuses_cutoffs_that_do_not_fit():
    tail = (np.ones((4, 2)), np.ones((2, 3)))
    for cutoffs in ([], [0], [2, 1], [2, 4]):
        with pytest.raises(InvalidArgumentError, match="`cutoffs` is"):
            losses.adaptive_softmax(
                LOGITS, LABELS, head=np.ones((4, 3)), tails=[tail], cutoffs=cutoffs
            )
    with pytest.raises(ShapeError, match="1 frequent classes"):
        losses.adaptive_softmax(LOGITS, LABELS, head=np.ones((4, 3)), tails=[tail], cutoffs=[1])


def test_multi_label_margin_weighs_each_class_that_applies():
    scores = np.array([[0.3, -1.0, 0.5], [2.0, 0.4, -0.2]])
    listed = np.array([[0, 2, -1], [1, -1, -1]])
    weight = [1.0, 2.0, 0.5]
    expected = 0.0
    for row, those in zip(scores, ([0, 2], [1]), strict=True):
        others = [i for i in range(3) if i not in those]
        excess = [weight[j] * max(0.0, 1.0 - row[j] + row[i]) for j in those for i in others]
        expected += sum(excess) / 3 / 2
    found = losses.multi_label_margin(scores, listed, class_weight=weight)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
