"""What every loss of the registry is tried on: the one table that a new loss needs a row in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradiente import losses

Random = np.random.Generator


@dataclass(frozen=True)
class Example:
    """The shape of one sample's prediction, targets that suit it, and options to try besides none.

    `suits` turns any number into a prediction that makes sense. `elementwise` marks losses of two
    arrays of one shape. `default` are options without which the loss cannot be called.
    """

    shape: tuple[int, ...]
    target: Callable[[Random, int], Any]
    options: tuple[dict[str, Any], ...] = ()
    suits: Callable[[Any], Any] = field(default=lambda x: x)
    elementwise: bool = False
    default: dict[str, Any] = field(default_factory=dict)


def numbers(random: Random, n: int) -> Any:
    return random.normal(size=(n, 2))


def amounts(random: Random, n: int) -> Any:
    return random.gamma(2.0, 1.0, size=(n, 2)) + 0.05


def counts(random: Random, n: int) -> Any:
    return random.poisson(1.5, size=(n, 2))


def yes_no(random: Random, n: int) -> Any:
    return random.integers(0, 2, (n, 2))


def signs(random: Random, n: int) -> Any:
    return 2 * random.integers(0, 2, (n, 2)) - 1


def labels(classes: int) -> Callable[[Random, int], Any]:
    return lambda random, n: random.integers(0, classes, n)


def several_labels(random: Random, n: int) -> Any:
    drawn = [random.permutation(3) for _ in range(n)]
    return np.array([np.where(np.arange(3) < 1 + i % 3, row, -1) for i, row in enumerate(drawn)])


def shares(*shape: int) -> Callable[[Random, int], Any]:
    return lambda random, n: random.dirichlet(np.ones(shape[-1]), size=(n, *shape[:-1]))


def survival(random: Random, n: int) -> Any:
    """Times with ties, most with their event, the first for certain."""
    seen = random.random(n) < 0.7
    return np.stack([random.integers(1, 6, n), seen | (np.arange(n) % 3 == 0)], axis=1).astype(
        float
    )


def hazard(random: Random, n: int) -> Any:
    return np.stack([random.integers(0, 4, n), random.integers(0, 2, n)], axis=1).astype(float)


def words(random: Random, n: int) -> Any:
    drawn = random.integers(1, 4, (n, 3))
    return np.where(np.arange(3) < 1 + np.arange(n)[:, None] % 3, drawn, -1)


def nothing(random: Random, n: int) -> Any:
    return None


def plain(target: Callable[[Random, int], Any], *options: dict[str, Any], **more: Any) -> Example:
    """A loss of two arrays of one shape."""
    return Example((2,), target, options, elementwise=True, **more)


def classes(*options: dict[str, Any], **more: Any) -> Example:
    """A loss of three classes."""
    return Example((3,), labels(3), options, **more)


def positive(x: Any) -> Any:
    return np.abs(x) + 0.2


WEIGHTS = {"class_weight": [1.0, 2.0, 0.5]}
PAIR = {"class_weight": (0.3, 2.0)}
TABLE = np.random.default_rng(5)
TAILS = [(TABLE.normal(size=(4, 2)), TABLE.normal(size=(2, 2))) for _ in range(2)]

EXAMPLES = {
    # numbers
    "mse": plain(numbers),
    "half_mse": plain(numbers),
    "mae": plain(numbers),
    "mape": plain(numbers, {"eps": 0.5}),
    "msle": plain(amounts),
    "huber": plain(numbers, {"delta": 0.3}),
    "smooth_l1": plain(numbers, {"beta": 0.3}, {"beta": 0}),
    "log_cosh": plain(numbers),
    "linex": plain(numbers, {"asymmetry": -0.7}),
    "quantile": plain(numbers, {"levels": 0.9}),
    "expectile": plain(numbers, {"levels": 0.9}),
    # counts and amounts
    "poisson": plain(counts, {"full": True}, {"log_input": False}, suits=positive),
    "gamma": plain(amounts, {"full": True}, {"log_input": False}, suits=positive),
    "tweedie": plain(
        amounts, {"power": 1}, {"power": 2.5, "full": True}, {"log_input": False}, suits=positive
    ),
    "negative_binomial": Example((4,), counts, ({"full": True},)),
    "zero_inflated_poisson": Example((4,), counts, ({"full": True},)),
    # distributions
    "gaussian_nll": Example((4,), numbers, ({"full": True}, {"log_variance": True}), positive),
    "mixture_density": Example((15,), numbers),
    "gaussian_crps": Example((4,), numbers, ({"log_scale": True},), positive),
    "ensemble_crps": Example((5,), lambda r, n: r.normal(size=n), ({"fair": True},)),
    # classes
    "cross_entropy": classes(
        WEIGHTS,
        {"label_smoothing": 0.1},
        {"ignore_index": 1},
        {**WEIGHTS, "label_smoothing": 0.1, "ignore_index": 2},
    ),
    "binary_cross_entropy": plain(yes_no, {"pos_weight": 3.0}, PAIR, {"label_smoothing": 0.1}),
    "nll": classes(WEIGHTS, {"ignore_index": 1}, {"log_input": False}, suits=positive),
    "binary_focal_cross_entropy": plain(yes_no, {"alpha": 0.25, "gamma": 0.5}, PAIR),
    "asymmetric": plain(yes_no, {"margin": 0.0, "gamma_positive": 0.5}, PAIR),
    "categorical_focal_cross_entropy": classes(WEIGHTS, {"gamma": 0.5}, {"ignore_index": 1}),
    "generalized_cross_entropy": classes(WEIGHTS, {"q": 1.0}, {"ignore_index": 1}),
    "poly_cross_entropy": classes(WEIGHTS, {"epsilon": -1.0}, {"ignore_index": 1}),
    "linear_cross_entropy": Example(
        (4,),
        labels(3),
        (WEIGHTS, {"bias": np.arange(3.0)}, {"ignore_index": 1}),
        default={"kernel": TABLE.normal(size=(4, 3))},
    ),
    "adaptive_softmax": Example(
        (4,),
        labels(6),
        (
            {"ignore_index": 1},
            {"head_bias": np.arange(4.0)},
            {"class_weight": [1.0, 2.0, 0.5, 1.5, 1.0, 3.0]},
        ),
        default={"head": TABLE.normal(size=(4, 4)), "tails": TAILS, "cutoffs": [2, 4]},
    ),
    # margins
    "hinge": plain(signs, PAIR),
    "squared_hinge": plain(signs, PAIR),
    "perceptron": plain(signs, PAIR),
    "soft_margin": plain(signs, PAIR),
    "hinge_embedding": plain(signs, {"margin": 0.4}, PAIR),
    "multiclass_hinge": classes(WEIGHTS, {"ignore_index": 1}),
    "multiclass_perceptron": classes(WEIGHTS, {"ignore_index": 1}),
    "multi_margin": classes(WEIGHTS, {"power": 2, "margin": 0.5}),
    "multi_label_margin": Example((3,), several_labels, (WEIGHTS,)),
    "multi_label_soft_margin": plain(yes_no, {"class_weight": [0.5, 2.0]}),
    # order and survival
    "coral": Example((3,), labels(4), ({"importance": [1.0, 2.0, 0.5]},)),
    "cumulative_logits": Example((3,), labels(4), ({"class_weight": [1.0, 2.0, 0.5, 1.5]},)),
    "cox": Example((1,), survival, ({"ties": "breslow"},)),
    "discrete_hazard": Example((4,), hazard),
    # distributions that are compared, and what is sparse
    "kl_divergence": Example((3,), shares(3), ({"log_target": True},)),
    "generalized_kl_divergence": Example((3,), shares(3)),
    "sparsemax": plain(yes_no, PAIR),
    "multiclass_sparsemax": classes(WEIGHTS, {"ignore_index": 1}),
    "fenchel_young": Example((3,), shares(3), ({"maximum": lambda s: np.max(s, axis=-1)},)),
    # vectors, lists, regions, sequences
    "cosine_distance": Example((3,), lambda r, n: r.normal(size=(n, 3))),
    "cosine_embedding": Example((2, 3), lambda r, n: signs(r, n)[:, 0], ({"margin": 0.2},)),
    "margin_ranking": Example((4,), signs, ({"margin": 0.3},)),
    "triplet_margin": Example((3, 4), nothing, ({"power": 1, "swap": True}, {"power": 3})),
    "triplet_margin_with_distance": Example((3, 4), nothing, ({"margin": 3.0, "swap": True},)),
    "ranking_softmax": Example((4,), shares(4)),
    "ntxent": Example((4,), labels(4), ({"temperature": 0.5},)),
    "circle": Example((4,), labels(3), ({"scale": 4.0},)),
    "info_nce": Example((2, 4), nothing, ({"queue": TABLE.normal(size=(5, 4))},)),
    "dice": Example((5, 3), lambda r, n: r.integers(0, 3, (n, 5)), (WEIGHTS, {"smooth": 0.1})),
    "tversky": Example((5, 1), lambda r, n: r.integers(0, 2, (n, 5)), ({"beta": 0.8},)),
    "generalized_dice": Example((5, 3), shares(5, 3), (WEIGHTS,)),
    "ctc": Example((6, 4), words, ({"blank": 3},)),
}

CASES = [
    (name, {**row.default, **options})
    for name, row in EXAMPLES.items()
    for options in ({}, *row.options)
]
JOINT = {name for name, loss in losses.LOSSES.items() if loss.joint}


def example(name: str, samples: int = 12, dtype: Any = np.float32, seed: int = 0) -> Any:
    """A prediction and a target for the loss; floating targets have the type of the prediction."""
    random = np.random.default_rng(seed)
    row = EXAMPLES[name]
    prediction = row.suits(random.normal(size=(samples, *row.shape))).astype(dtype)
    target = row.target(random, samples)
    floating = target is not None and target.dtype.kind == "f"
    return prediction, target.astype(dtype) if floating else target
