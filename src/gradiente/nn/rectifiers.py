"""Activations made of straight pieces, or of a straight piece and an exponential.

At kinks the gradient is PyTorch's: that of the left piece at 0, and 0 at the ends of a slope.
"""

from typing import Any

from gradiente.base.arguments import check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.gradient.control import custom_gradient
from gradiente.nn.activations import declare
from gradiente.trace.functions import m

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


@declare
def linear(x: Any) -> Any:
    """y = x. Source: none."""
    return x


@declare
def relu(x: Any) -> Any:
    """y = max(x, 0); the gradient at 0 is 0. Nair & Hinton, ICML 2010."""
    return m.relu(x)


@declare
def relu6(x: Any) -> Any:
    """y = min(max(x, 0), 6); the gradient at 0 and 6 is 0.

    Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.
    """
    return hard_tanh(x, 0.0, 6.0)


@declare
def relu2(x: Any) -> Any:
    """y = max(x, 0)². So et al., "Primer", NeurIPS 2021."""
    return m.square(m.relu(x))


@declare
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """y = x where x > 0, slope · x elsewhere; the gradient at 0 is the slope.

    Maas, Hannun & Ng, ICML 2013.
    """
    return m.where(x > 0, x, slope * x)


def _expm1_below_zero(x: Any) -> Any:
    """eˣ - 1 where x <= 0, 0 elsewhere."""
    # The exponential of a large x, though not chosen, would make the gradient inf · 0.
    return m.expm1(m.where(x > 0, 0.0, x))


@declare
def elu(x: Any, alpha: float = 1.0) -> Any:
    """y = x where x > 0, α (eˣ - 1) elsewhere; the gradient at 0 is α.

    Clevert, Unterthiner & Hochreiter, ICLR 2016.
    """
    return m.where(x > 0, x, alpha * _expm1_below_zero(x))


@declare
def celu(x: Any, alpha: float = 1.0) -> Any:
    """y = x where x > 0, α (eˣᐟᵅ - 1) elsewhere, smooth for every α. Barron, 2017.

    Raises `InvalidArgumentError` unless alpha > 0.
    """
    alpha = check_number("alpha", alpha, above=0)
    return m.where(x > 0, x, alpha * _expm1_below_zero(x / alpha))


@declare
def selu(x: Any) -> Any:
    """y = λ x where x > 0, λ α (eˣ - 1) elsewhere, λ = 1.0507…, α = 1.6733….

    Brings activations towards mean 0 and variance 1, with LeCun normal weights.
    Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.
    """
    return SELU_SCALE * m.where(x > 0, x, SELU_ALPHA * _expm1_below_zero(x))


@declare
def hard_tanh(x: Any, minimum: float = -1.0, maximum: float = 1.0) -> Any:
    """y = min(max(x, minimum), maximum); the gradient at both is 0.

    Collobert et al., "Natural language processing (almost) from scratch", JMLR 12 (2011).

    Raises `InvalidArgumentError` unless minimum < maximum.
    """
    if not minimum < maximum:
        raise InvalidArgumentError(
            f"hard_tanh needs minimum < maximum, but they are {minimum} and {maximum}."
        )
    return m.where(x <= minimum, minimum, m.where(x >= maximum, maximum, x))


@declare
def hard_sigmoid(x: Any) -> Any:
    """y = min(max(x + 3, 0), 6) / 6; the gradient at ±3 is 0. PyTorch's slope of 1/6.

    Howard et al., "Searching for MobileNetV3", ICCV 2019.
    """
    return m.where(x <= -3, 0.0, m.where(x >= 3, 1.0, x / 6.0 + 0.5))


@declare
def sparse_sigmoid(x: Any) -> Any:
    """y = min(max(x + 1, 0), 2) / 2; the gradient at ±1 is 0. The derivative of `sparse_plus`.

    Blondel, Martins & Niculae, "Learning with Fenchel-Young losses", JMLR 21 (2020).
    """
    return m.where(x <= -1, 0.0, m.where(x >= 1, 1.0, 0.5 * x + 0.5))


@declare
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """y = x where |x| > threshold, 0 elsewhere.

    Donoho & Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81 (1994).
    """
    return m.where((x <= threshold) & (x >= -threshold), 0.0, x)


@declare
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """y = sign(x) · max(|x| - threshold, 0): the proximal step of the absolute value.

    Donoho & Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81 (1994).

    Raises `InvalidArgumentError` unless threshold >= 0.
    """
    threshold = check_number("threshold", threshold, at_least=0)
    return x - m.clip(x, -threshold, threshold)


@declare
def threshold(x: Any, threshold: float = 0.0, value: float = 0.0) -> Any:
    """y = x where x > threshold, the value elsewhere, with gradient 0 there. Source: none."""
    return m.where(x <= threshold, value, x)


@declare
def step(x: Any) -> Any:
    """y = 1 where x > 0, 0 elsewhere; the gradient passes as if y = x (straight through).

    The true gradient is 0 and teaches nothing. Bengio, Léonard & Courville, 2013.
    """
    return _straight_through_step(x)


@custom_gradient
def _straight_through_step(x: Any) -> Any:
    return m.cast(x > 0, x.dtype), lambda g: g
