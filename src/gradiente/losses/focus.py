"""Cross entropies that look harder, or less hard, at samples that are classified badly.

All are computed from logits. Targets, class weights and ignored labels are those of `cross_entropy`
and `binary_cross_entropy`.
"""

from collections.abc import Sequence

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.batch import Array, matched, working_dtype
from gradiente.losses.classes import ClassWeight, check_classes, of_classes, of_two_classes
from gradiente.losses.loss import Terms, declare, loss
from gradiente.trace.functions import m


@declare
@loss
def binary_focal_cross_entropy(
    prediction: Array,
    target: Array,
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
    class_weight: Sequence[float] | None = None,
) -> Array | Terms:
    """Binary cross entropy in which what is right already counts little, with p = σ(z):

        l = -α y (1 - p)ᵞ log p - (1 - α) (1 - y) pᵞ log(1 - p)

    prediction: logits z; target: 0 and 1 of the same shape.
    gamma: γ, how little; 0 is the binary cross entropy. alpha: the share of class 1, with both
    factors 1 if it is None. Lin et al., ICCV 2017. `optax.losses.sigmoid_focal_loss`,
    `keras.losses.BinaryFocalCrossentropy` from logits.
    """
    gamma = check_number("gamma", gamma, at_least=0)
    logits, target = matched(prediction, target)
    # (1 - p)ᵞ = exp(-γ softplus(z)): no power of a difference that has rounded to 0.
    right, wrong = m.softplus(-logits), m.softplus(logits)
    positive = target * np.exp(-gamma * wrong) * right
    negative = (1.0 - target) * np.exp(-gamma * right) * wrong
    if alpha is not None:
        alpha = check_number("alpha", alpha, at_least=0, at_most=1)
        positive, negative = alpha * positive, (1.0 - alpha) * negative
    return of_two_classes(positive, negative, target, class_weight)


@declare
@loss
def asymmetric(
    prediction: Array,
    target: Array,
    *,
    gamma_positive: float = 1.0,
    gamma_negative: float = 4.0,
    margin: float = 0.05,
    class_weight: Sequence[float] | None = None,
) -> Array | Terms:
    """A focal loss for many labels of which few are present, with p = σ(z), q = max(p - margin, 0):

        l = -y (1 - p)ᵃ log p - (1 - y) qᵇ log(1 - q)

    prediction: logits z (n, labels); target: 0 and 1 of the same shape.
    gamma_positive, gamma_negative: the exponents a and b. margin: absent labels of a smaller
    probability count nothing at all. Ridnik et al., Asymmetric Loss for Multi-Label Classification,
    ICCV 2021, with the constants of its authors.
    """
    gamma_positive = check_number("gamma_positive", gamma_positive, at_least=0)
    gamma_negative = check_number("gamma_negative", gamma_negative, at_least=0)
    margin = check_number("margin", margin, at_least=0, below=1)
    logits, target = matched(prediction, target)
    positive = target * np.exp(-gamma_positive * m.softplus(logits)) * m.softplus(-logits)
    if margin == 0:
        focus, absent = np.exp(-gamma_negative * m.softplus(-logits)), m.softplus(logits)
    else:
        shifted = m.sigmoid(logits) - margin
        above = shifted > 0
        safe = np.where(above, shifted, 0.5)  # a power of 0 has no gradient for exponents below 1
        focus = np.where(above, safe**gamma_negative, 0.0) if gamma_negative else 1.0
        absent = -np.log1p(-np.where(above, shifted, 0.0))
    return of_two_classes(positive, (1.0 - target) * focus * absent, target, class_weight)


@declare
@loss
def categorical_focal_cross_entropy(
    prediction: Array,
    target: Array,
    *,
    gamma: float = 2.0,
    class_weight: ClassWeight = None,
    ignore_index: int | None = None,
) -> Array | Terms:
    """Cross entropy in which what is right already counts little: l = -(1 - p[y])ᵞ log p[y].

    prediction: logits (n, ..., classes), with p their softmax.
    gamma: γ, how little; 0 is the cross entropy. Lin et al., ICCV 2017. Keras multiplies by a
    factor `alpha` as well, 0.25 by default; here that is the class weight.
    """
    gamma = check_number("gamma", gamma, at_least=0)
    check_classes("categorical_focal_cross_entropy", prediction)
    log_p = m.log_softmax(prediction.astype(working_dtype(prediction, target)))
    p = np.exp(log_p)
    if gamma < 1:  # a power below 1 has no gradient at 0
        safe = np.where(p < 1, 1.0 - p, 1.0)
        focus = np.where(p < 1, safe**gamma, 0.0 if gamma else 1.0)
    else:
        focus = (1.0 - p) ** gamma
    return of_classes(
        "categorical_focal_cross_entropy", -focus * log_p, target, class_weight, ignore_index
    )


@declare
@loss
def generalized_cross_entropy(
    prediction: Array,
    target: Array,
    *,
    q: float = 0.5,
    class_weight: ClassWeight = None,
    ignore_index: int | None = None,
) -> Array | Terms:
    """Between cross entropy and absolute error, for labels that may be wrong: l = (1 - p[y]^q) / q.

    prediction: logits (n, ..., classes), with p their softmax.
    q: in (0, 1]; towards 0 it is the cross entropy, 1 is half the absolute error of the one-hot
    label. The default is that of Keras; the paper uses 0.7.
    Zhang and Sabuncu, NeurIPS 2018. `keras.losses.CategoricalGeneralizedCrossEntropy`.
    """
    q = check_number("q", q, above=0, at_most=1)
    check_classes("generalized_cross_entropy", prediction)
    log_p = m.log_softmax(prediction.astype(working_dtype(prediction, target)))
    return of_classes(
        "generalized_cross_entropy", -np.expm1(q * log_p) / q, target, class_weight, ignore_index
    )


@declare
@loss
def poly_cross_entropy(
    prediction: Array,
    target: Array,
    *,
    epsilon: float = 2.0,
    class_weight: ClassWeight = None,
    ignore_index: int | None = None,
) -> Array | Terms:
    """Cross entropy with another first coefficient of its series in 1 - p:

        l = -log p[y] + ε (1 - p[y])

    prediction: logits (n, ..., classes), with p their softmax.
    epsilon: ε at least -1; 0 is the cross entropy. Leng et al., PolyLoss, ICLR 2022.
    `optax.losses.poly_loss_cross_entropy`.
    """
    epsilon = check_number("epsilon", epsilon, at_least=-1)
    check_classes("poly_cross_entropy", prediction)
    log_p = m.log_softmax(prediction.astype(working_dtype(prediction, target)))
    values = -log_p - epsilon * np.expm1(log_p)
    return of_classes("poly_cross_entropy", values, target, class_weight, ignore_index)
