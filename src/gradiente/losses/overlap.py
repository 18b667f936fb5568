"""Losses of regions: how little the predicted one overlaps the true one.

prediction: logits (n, positions ..., classes), of which softmax is taken, or sigmoid if there is
one class; target: class indices (n, positions ...), or a share for each class in the shape of the
prediction. The sums go over the positions of a sample, one result for each class; the mean is taken
over classes, relative to `class_weight`, and over samples.
mask: with the shape of the positions, false where the truth is unknown.
"""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.batch import Array, is_exact, working_dtype
from gradiente.base.errors import ShapeError
from gradiente.losses.classes import ClassWeight, as_class_weight
from gradiente.losses.loss import Terms, declare, loss
from gradiente.trace.functions import m


@declare
@loss
def dice(
    prediction: Array,
    target: Array,
    *,
    class_weight: ClassWeight = None,
    smooth: float = 1.0,
    from_logits: bool = True,
    mask: Array | None = None,
) -> Array | Terms:
    """One minus the Dice coefficient of predicted shares p and true ones t:

        l = 1 - (2 Σ p t + 2 s) / (Σ p + Σ t + 2 s)

    smooth: s, which makes a class that is nowhere, and predicted nowhere, right.
    from_logits: false if prediction holds the shares p already.
    Milletari, Navab and Ahmadi, V-Net, 2016. `optax.losses.dice_loss`; `keras.losses.Dice` sums
    over the batch as well.
    """
    shares, truth = _regions("dice", prediction, target, mask, from_logits)
    return _tversky(shares, truth, 0.5, 0.5, smooth, class_weight)


@declare
@loss
def tversky(
    prediction: Array,
    target: Array,
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    class_weight: ClassWeight = None,
    smooth: float = 1.0,
    from_logits: bool = True,
    mask: Array | None = None,
) -> Array | Terms:
    """`dice` with a price for each kind of error:

        l = 1 - (Σ p t + s) / (Σ p t + α Σ p (1 - t) + β Σ (1 - p) t + s)

    alpha: α, for what is predicted wrongly. beta: β, for what is missed; above α it favours
    finding everything. Salehi, Erdogmus and Gholipour, MLMI 2017. `keras.losses.Tversky`.
    """
    alpha = check_number("alpha", alpha, at_least=0)
    beta = check_number("beta", beta, at_least=0)
    shares, truth = _regions("tversky", prediction, target, mask, from_logits)
    return _tversky(shares, truth, alpha, beta, smooth, class_weight)


@declare
@loss
def generalized_dice(
    prediction: Array,
    target: Array,
    *,
    class_weight: ClassWeight = None,
    smooth: float = 1.0,
    from_logits: bool = True,
    mask: Array | None = None,
) -> Array:
    """Dice over all classes at once, in which small classes count as much as large ones:

        l = 1 - (2 Σ_c w_c Σ p t + s) / (Σ_c w_c (Σ p + Σ t) + s),    w_c = 1 / max(Σ t, 1)²

    class_weight: a further factor on w. smooth, from_logits: as in `dice`.
    Sudre et al., DLMIA 2017, for each sample; a class that is absent has there an infinite weight.
    """
    smooth = check_number("smooth", smooth, at_least=0)
    shares, truth = _regions("generalized_dice", prediction, target, mask, from_logits)
    size = np.maximum(np.sum(truth, axis=1), 1.0)
    weight = 1.0 / (size * size)
    extra = as_class_weight(class_weight, shares)
    if extra is not None:
        weight = weight * extra
    both = np.sum(weight * np.sum(shares * truth, axis=1), axis=-1)
    each = np.sum(weight * (np.sum(shares, axis=1) + np.sum(truth, axis=1)), axis=-1)
    return 1.0 - (2.0 * both + smooth) / (each + smooth)


def _tversky(
    shares: Array, truth: Array, alpha: float, beta: float, smooth: float, class_weight: ClassWeight
) -> Array | Terms:
    smooth = check_number("smooth", smooth, at_least=0)
    both = np.sum(shares * truth, axis=1)
    wrong, missed = np.sum(shares, axis=1) - both, np.sum(truth, axis=1) - both
    values = 1.0 - (both + smooth) / (both + alpha * wrong + beta * missed + smooth)
    weight = as_class_weight(class_weight, shares)
    if weight is None:
        return values
    return Terms(weight * values, weight + np.zeros_like(values))


def _regions(
    name: str, prediction: Array, target: Array, mask: Array | None, from_logits: bool
) -> tuple[Array, Array]:
    """Predicted and true shares, both (n, positions, classes), 0 where they are masked."""
    if prediction.ndim < 3:
        raise ShapeError(
            f"{name} needs a prediction (n, positions, classes), with one class for yes or no, but "
            f"it has shape {prediction.shape}."
        )
    dtype, classes = working_dtype(prediction, target), prediction.shape[-1]
    prediction = prediction.astype(dtype)
    positions = prediction.shape[:-1]
    if target.shape == prediction.shape:
        truth = target.astype(dtype)
    elif target.shape == positions and classes == 1:
        truth = target.astype(dtype)[..., None]
    elif target.shape in (positions, (*positions, 1)) and is_exact(target.dtype):
        truth = m.one_hot(target.reshape(positions), classes, dtype=dtype)
    else:
        raise ShapeError(
            f"{name} of a prediction {prediction.shape} needs class indices of shape {positions}, "
            f"or shares of its own shape, but target is {target.dtype} of shape {target.shape}."
        )
    if from_logits:
        prediction = m.sigmoid(prediction) if classes == 1 else m.softmax(prediction)
    if mask is not None:
        if mask.shape != positions:
            raise ShapeError(f"the mask has shape {mask.shape}, but positions {positions}.")
        seen = mask[..., None]
        prediction, truth = np.where(seen, prediction, 0.0), np.where(seen, truth, 0.0)
    flat = (prediction.shape[0], -1, classes)
    return prediction.reshape(flat), truth.reshape(flat)
