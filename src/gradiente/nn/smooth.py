"""Smooth activations: sigmoids, and smooth relatives of the rectifier.

All are written so that neither value nor gradient overflows for any finite input.
"""

import math
from typing import Any

from gradiente.base.arguments import check_number
from gradiente.nn.activations import also_called, declare
from gradiente.nn.rectifiers import hard_sigmoid
from gradiente.trace.functions import m

SQRT_TWO_OVER_PI = math.sqrt(2.0 / math.pi)


@declare
def sigmoid(x: Any) -> Any:
    """y = 1 / (1 + e⁻ˣ). Source: none."""
    return m.sigmoid(x)


@declare
def log_sigmoid(x: Any) -> Any:
    """y = log(1 / (1 + e⁻ˣ)), without under- or overflow. Source: none."""
    return -m.softplus(-x)


@declare
def tanh(x: Any) -> Any:
    """The hyperbolic tangent, y = (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ). Source: none."""
    return m.tanh(x)


@declare
def tanh_shrink(x: Any) -> Any:
    """y = x - tanh x. Source: none."""
    return x - m.tanh(x)


@declare
def softsign(x: Any) -> Any:
    """y = x / (1 + |x|).

    Bergstra et al., "Quadratic polynomials learn better image features", 2009.
    """
    return x / (1.0 + m.abs(x))


@declare
def exponential(x: Any) -> Any:
    """y = eˣ, for outputs that are positive. Source: none."""
    return m.exp(x)


@declare
def sin(x: Any, frequency: float = 1.0) -> Any:
    """y = sin(ω x); ω = 30 in the first layer of a SIREN. Sitzmann et al., NeurIPS 2020."""
    return m.sin(x if frequency == 1.0 else frequency * x)


@declare
def snake(x: Any, frequency: float = 1.0) -> Any:
    """y = x + sin²(a x) / a, for what is periodic. Ziyin, Hartwig & Ueda, NeurIPS 2020.

    `nn.Snake` learns a. Raises `InvalidArgumentError` unless frequency > 0.
    """
    frequency = check_number("frequency", frequency, above=0)
    return x + m.square(m.sin(frequency * x)) / frequency


@declare
def softplus(x: Any, beta: float = 1.0) -> Any:
    """y = log(1 + eᵝˣ) / β, without overflow. PyTorch's, but exact for large x as well.

    Dugas et al., "Incorporating second-order functional knowledge for better option pricing",
    NeurIPS 2000.

    Raises `InvalidArgumentError` unless beta > 0.
    """
    beta = check_number("beta", beta, above=0)
    return m.softplus(x) if beta == 1.0 else m.softplus(beta * x) / beta


@declare
def squareplus(x: Any, b: float = 4.0) -> Any:
    """y = (x + √(x² + b)) / 2, a softplus without exponentials. Barron, 2021.

    Raises `InvalidArgumentError` unless b > 0.
    """
    b = check_number("b", b, above=0)
    root = m.hypot(x, math.sqrt(b))
    # For negative x the sum is a difference of nearly equal numbers: b / (root - x) is the same.
    far = m.where(x > 0, x, -x) + root
    return m.where(x > 0, 0.5 * far, 0.5 * b / far)


@declare
def sparse_plus(x: Any) -> Any:
    """y = 0 where x <= -1, x where x >= 1, (x + 1)² / 4 between.

    Blondel, Martins & Niculae, "Learning with Fenchel-Young losses", JMLR 21 (2020).
    """
    return m.where(x <= -1, 0.0, m.where(x >= 1, x, 0.25 * m.square(x + 1.0)))


@declare
def silu(x: Any) -> Any:
    """y = x / (1 + e⁻ˣ), also called swish. Elfwing, Uchibe & Doya, 2018."""
    return m.silu(x)


@declare
def hard_silu(x: Any) -> Any:
    """y = x · min(max(x + 3, 0), 6) / 6, also called hard_swish. Howard et al., ICCV 2019."""
    return x * hard_sigmoid(x)


@declare
def gelu(x: Any) -> Any:
    """y = x Φ(x) with the normal distribution Φ, exact by erf. Hendrycks & Gimpel, 2016."""
    return m.gelu(x)


@declare
def gelu_tanh(x: Any) -> Any:
    """y = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), GELU as GPT-2 and BERT compute it.

    Hendrycks & Gimpel, "Gaussian error linear units (GELUs)", 2016.
    """
    # ½ (1 + tanh u) is σ(2u); beyond ±30 it is exactly 0 or 1, and x³ could overflow.
    inner = m.clip(x, -30.0, 30.0)
    return x * m.sigmoid(2.0 * SQRT_TWO_OVER_PI * (inner + 0.044715 * inner * inner * inner))


@declare
def quick_gelu(x: Any) -> Any:
    """y = x σ(1.702 x), a fast approximation of GELU. Hendrycks & Gimpel, 2016."""
    return x * m.sigmoid(1.702 * x)


@declare
def mish(x: Any) -> Any:
    """y = x tanh(log(1 + eˣ)). Misra, BMVC 2020."""
    return x * m.tanh(m.softplus(x))


swish = also_called("swish", silu)
"""Another name of `silu`."""

hard_swish = also_called("hard_swish", hard_silu)
"""Another name of `hard_silu`."""
