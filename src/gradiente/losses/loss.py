"""What a loss is: a value for each element, made into the weighted mean over a batch."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, overload, runtime_checkable

import numpy as np

from gradiente.base.batch import Array, expand_weight, is_exact, repetitions
from gradiente.base.errors import TypeMismatchError
from gradiente.base.registry import enter, find


class Terms(NamedTuple):
    """The elements of a loss, Σ values / Σ weights; both of one shape, beginning with the samples.

    `values` contain their weights already. Without `weights` every element counts as one.
    """

    values: Array
    weights: Array | None = None


@runtime_checkable
class Loss(Protocol):
    """A function of prediction and target that says, as one number, how wrong the prediction is.

    Calling it gives the weighted mean over the batch, Σ w l / Σ w, where w is `sample_weight`, one
    number per sample or per position, and 0 wherever `mask` is false: whatever the target holds
    there does not count. A mean over no weight at all is zero, so that a batch in which everything
    is ignored moves nothing.

    `per_sample(prediction, target, mask=None)` gives the loss of each sample alone, shape (n,).
    `totals(prediction, target, sample_weight=None, mask=None)` gives Σ w l and Σ w apart: added up
    over batches of any size, their quotient is the loss of all the data.
    `inputs` names the parts of a prediction that consists of several; it is empty for one array.
    `joint` says that samples of a batch are compared with each other, so that the loss of all the
    data is not that of its batches.
    """

    __name__: str
    inputs: tuple[str, ...]
    joint: bool
    per_sample: Callable[..., Array]
    totals: Callable[..., tuple[Array, Array | float]]

    def __call__(
        self, prediction: Array, target: Array, sample_weight: Array | None = None, **options: Any
    ) -> Array:
        """The weighted mean over the batch."""


LOSSES: dict[str, Loss] = {}
"""Every loss by name."""


def declare(loss: Loss) -> Loss:
    """Enter a loss into `LOSSES` under its name."""
    enter(LOSSES, "a loss", loss.__name__, loss)
    return loss


def find_loss(name: str) -> Loss:
    """The loss called `name`, in any case; raises `UnknownNameError` listing all."""
    return find(LOSSES, "a loss", name)


@overload
def loss(per_element: Callable[..., Array | Terms]) -> Loss: ...


@overload
def loss(*, inputs: Sequence[str] = ()) -> Callable[[Callable[..., Array | Terms]], Loss]: ...


def loss(per_element: Callable[..., Any] | None = None, *, inputs: Sequence[str] = ()) -> Any:
    """Make a loss of a function that gives one value per element, for the library and for users.

        @losses.loss
        def log_cosh(prediction, target):
            error = prediction - target
            return np.logaddexp(error, -error) - math.log(2.0)

    The function takes prediction, target and keyword options, and returns an array whose first
    axis counts the samples, or `Terms` where elements have weights of their own.

    inputs: the names of the parts, where a prediction consists of several (see `parts.py`).
    A function in which samples are compared with each other takes `sample_weight`, one number per
    sample or `None`, after the target, and returns `Terms` that contain it. One that sums over
    positions inside a sample takes the option `mask`, of the shape of the positions.
    """
    if per_element is None:
        return functools.partial(loss, inputs=inputs)
    function = per_element
    signature = inspect.signature(function)
    evaluated = functools.partial(_evaluated, function, frozenset(signature.parameters))

    @functools.wraps(function)
    def public(
        prediction: Array,
        target: Array = None,
        sample_weight: Array | None = None,
        *,
        mask: Array | None = None,
        **options: Any,
    ) -> Array:
        terms, weight = evaluated(prediction, target, sample_weight, mask, options)
        if terms.weights is None and weight is None:
            return np.mean(terms.values)
        return _mean(*_totals(terms, weight))

    def per_sample(
        prediction: Array, target: Array = None, *, mask: Array | None = None, **options: Any
    ) -> Array:
        terms, weight = evaluated(prediction, target, None, mask, options)
        return _per_sample(terms, weight)

    def totals(
        prediction: Array,
        target: Array = None,
        sample_weight: Array | None = None,
        *,
        mask: Array | None = None,
        **options: Any,
    ) -> tuple[Array, Array | float]:
        return _totals(*evaluated(prediction, target, sample_weight, mask, options))

    made: Any = public
    made.per_sample, made.totals, made.inputs = per_sample, totals, tuple(inputs)
    made.joint = "sample_weight" in signature.parameters
    made.__signature__ = _complete(signature)
    return made


def _complete(signature: inspect.Signature) -> inspect.Signature:
    """The signature of a loss made of a function with this one: with weight and mask."""
    own = [p for p in signature.parameters.values() if p.name not in ("sample_weight", "mask")]
    prediction, target, *options = own
    kinds = {
        "sample_weight": inspect.Parameter.POSITIONAL_OR_KEYWORD,
        "mask": inspect.Parameter.KEYWORD_ONLY,
    }
    weight, mask = (
        inspect.Parameter(name, kind, default=None, annotation=Array | None)
        for name, kind in kinds.items()
    )
    return signature.replace(parameters=[prediction, target, weight, mask, *options])


def _evaluated(
    function: Callable[..., Any],
    own: frozenset[str],
    prediction: Array,
    target: Array,
    weight: Array | None,
    mask: Array | None,
    options: dict[str, Any],
) -> tuple[Terms, Array | None]:
    """The terms of a loss, and the weight that they still lack."""
    if mask is not None:
        mask = mask.astype(bool)
        target = _filled(target, mask)
        if "mask" in own and mask.ndim > 1:
            options = {**options, "mask": mask}
            mask = np.any(mask, axis=tuple(range(1, mask.ndim)))
        weight = mask if weight is None else _masked(weight, mask)
    if "sample_weight" in own:
        return _terms(function(prediction, target, weight, **options)), None
    values, weights = _terms(function(prediction, target, **options))
    if mask is not None:  # 0 times an infinite value would not be 0
        values = np.where(expand_weight(mask, values.shape), values, 0.0)
    return Terms(values, weights), weight


def _filled(target: Array, mask: Array) -> Array:
    """The target with something harmless where it is masked: 0 for classes, 1 for numbers.

    The gradient of a masked element would otherwise be 0 times what is there, which may be NaN.
    """
    if target is None or tuple(target.shape[: mask.ndim]) != tuple(mask.shape):
        return target
    fill = np.zeros((), target.dtype) if is_exact(target.dtype) else np.ones((), target.dtype)
    return np.where(expand_weight(mask, target.shape), target, fill)


def _masked(weight: Array, mask: Array) -> Array:
    """The weight, 0 where the mask is false; one may have more axes than the other."""
    axes = max(weight.ndim, mask.ndim)
    weight, mask = (x.reshape((*x.shape, *(1,) * (axes - x.ndim))) for x in (weight, mask))
    return np.where(mask, weight, np.zeros((), weight.dtype))


def _per_sample(terms: Terms, weight: Array | None) -> Array:
    values, weights = terms
    positions = tuple(range(1, values.ndim))
    if weight is not None:
        weight = expand_weight(weight, values.shape).astype(values.dtype)
        weights = np.ones(values.shape, values.dtype) if weights is None else weights
        values, weights = weight * values, weight * weights
    if weights is None:
        return np.mean(values, axis=positions) if positions else values
    return _mean(np.sum(values, axis=positions), np.sum(weights, axis=positions))


def _terms(result: Array | Terms) -> Terms:
    return result if isinstance(result, Terms) else Terms(result)


def _totals(terms: Terms, sample_weight: Array | None) -> tuple[Array, Array | float]:
    values, weights = terms
    if sample_weight is None:
        return np.sum(values), float(values.size) if weights is None else np.sum(weights)
    sample_weight = expand_weight(sample_weight, values.shape).astype(values.dtype)
    if weights is None:
        total_weight = np.sum(sample_weight) * repetitions(sample_weight, values.shape)
    else:
        total_weight = np.sum(sample_weight * weights)
    return np.sum(sample_weight * values), total_weight


def _mean(total: Array, weight: Array | float) -> Array:
    empty = weight == 0
    return np.where(empty, 0.0, total / np.where(empty, 1.0, weight))


def totals(
    loss: Callable[..., Array], prediction: Array, target: Array, sample_weight: Array | None = None
) -> tuple[Array, Array | float]:
    """`loss.totals` for anything that can be a loss: one of ours, a partial of it, any function.

    Of a function of prediction and target only the mean is known, so it cannot be weighted:
    `TypeMismatchError` where there are weights.
    """
    options: dict[str, Any] = {}
    if isinstance(loss, functools.partial) and not loss.args:
        options, loss = loss.keywords, loss.func
    if isinstance(loss, Loss):
        return loss.totals(prediction, target, sample_weight, **options)
    if sample_weight is not None:
        raise TypeMismatchError(
            f"the loss `{getattr(loss, '__name__', loss)}` cannot be weighted. Let it return one "
            "value per sample and decorate it with `losses.loss`, which makes the weighted mean."
        )
    number = float(prediction.shape[0])
    return loss(prediction, target, **options) * number, number
