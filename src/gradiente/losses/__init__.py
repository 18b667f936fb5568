"""What is minimised."""

from gradiente.losses.classification import (
    binary_cross_entropy,
    cross_entropy,
    nll,
)
from gradiente.losses.contrastive import (
    circle,
    info_nce,
    ntxent,
)
from gradiente.losses.counts import (
    gamma,
    negative_binomial,
    poisson,
    tweedie,
    zero_inflated_poisson,
)
from gradiente.losses.densities import (
    ensemble_crps,
    gaussian_crps,
    gaussian_nll,
    mixture_density,
)
from gradiente.losses.divergence import (
    generalized_kl_divergence,
    kl_divergence,
)
from gradiente.losses.focus import (
    asymmetric,
    binary_focal_cross_entropy,
    categorical_focal_cross_entropy,
    generalized_cross_entropy,
    poly_cross_entropy,
)
from gradiente.losses.loss import (
    LOSSES,
    Loss,
    Terms,
    loss,
    totals,
)
from gradiente.losses.many_classes import (
    adaptive_softmax,
    linear_cross_entropy,
)
from gradiente.losses.margin import (
    hinge,
    hinge_embedding,
    multi_label_margin,
    multi_label_soft_margin,
    multi_margin,
    multiclass_hinge,
    multiclass_perceptron,
    perceptron,
    soft_margin,
    squared_hinge,
)
from gradiente.losses.ordinal import (
    coral,
    cumulative_logits,
)
from gradiente.losses.overlap import (
    dice,
    generalized_dice,
    tversky,
)
from gradiente.losses.quantiles import (
    expectile,
    quantile,
)
from gradiente.losses.regression import (
    half_mse,
    huber,
    linex,
    log_cosh,
    mae,
    mape,
    mse,
    msle,
    smooth_l1,
)
from gradiente.losses.sequence import ctc
from gradiente.losses.similarity import (
    cosine_distance,
    cosine_embedding,
    margin_ranking,
    ranking_softmax,
    triplet_margin,
    triplet_margin_with_distance,
)
from gradiente.losses.sparse import (
    fenchel_young,
    multiclass_sparsemax,
    sparsemax,
)
from gradiente.losses.survival import (
    cox,
    discrete_hazard,
)

__all__ = [
    "LOSSES",
    "Loss",
    "Terms",
    "adaptive_softmax",
    "asymmetric",
    "binary_cross_entropy",
    "binary_focal_cross_entropy",
    "categorical_focal_cross_entropy",
    "circle",
    "coral",
    "cosine_distance",
    "cosine_embedding",
    "cox",
    "cross_entropy",
    "ctc",
    "cumulative_logits",
    "dice",
    "discrete_hazard",
    "ensemble_crps",
    "expectile",
    "fenchel_young",
    "gamma",
    "gaussian_crps",
    "gaussian_nll",
    "generalized_cross_entropy",
    "generalized_dice",
    "generalized_kl_divergence",
    "half_mse",
    "hinge",
    "hinge_embedding",
    "huber",
    "info_nce",
    "kl_divergence",
    "linear_cross_entropy",
    "linex",
    "log_cosh",
    "loss",
    "mae",
    "mape",
    "margin_ranking",
    "mixture_density",
    "mse",
    "msle",
    "multi_label_margin",
    "multi_label_soft_margin",
    "multi_margin",
    "multiclass_hinge",
    "multiclass_perceptron",
    "multiclass_sparsemax",
    "negative_binomial",
    "nll",
    "ntxent",
    "perceptron",
    "poisson",
    "poly_cross_entropy",
    "quantile",
    "ranking_softmax",
    "smooth_l1",
    "soft_margin",
    "sparsemax",
    "squared_hinge",
    "totals",
    "triplet_margin",
    "triplet_margin_with_distance",
    "tversky",
    "tweedie",
    "zero_inflated_poisson",
]
