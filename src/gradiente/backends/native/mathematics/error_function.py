"""The error function.

float32: erf x = x + x P(x²) up to 1.0625, and 1 - 2^Q(|x|) beyond, both by Remez exchange.
float64: W. J. Cody's ratios, from "Rational Chebyshev approximation for the error function",
Mathematics of Computation 23 (1969).

Largest errors in ulp: 1.2 in float32, 2.3 in float64.
"""

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.mathematics.arithmetic import (
    SINGLE,
    absolute,
    at_most,
    fma,
    nearest_multiple,
    polynomial,
    power_of_two,
    single,
    where,
    with_sign_of,
)
from gradiente.backends.native.mathematics.exponential import exp

# fmt: off
# |x| < 1.0625: erf x = x + x P(x²)
SMALL_SINGLE = (0.12837916612625122, -0.37612617015838623, 0.11283449083566666,
                -0.026847289875149727, 0.005174892954528332, -0.0007885678787715733,
                7.427194941556081e-05)
# 1.0625 ≤ x ≤ 3.93: log2(erfc x)
LARGE_SINGLE = (-0.0007097801426425576, -1.625211238861084, -0.9219615459442139,
                -0.14767080545425415, 0.031015165150165558, -0.004136267583817244,
                0.00025763845769688487)
# 2ʳ for |r| ≤ ½
POWER_OF_TWO = (1.0, 0.6931472420692444, 0.24022655189037323, 0.055502716451883316,
                0.009617079980671406, 0.0013382486067712307, 0.00015105119382496923)
# |x| ≤ 0.46875: erf x = x · P(x²)/Q(x²), lowest coefficient first
SMALL_P = (3.20937758913846947e03, 3.77485237685302021e02, 1.13864154151050156e02,
           3.16112374387056560e00, 1.85777706184603153e-1)
SMALL_Q = (2.84423683343917062e03, 1.28261652607737228e03, 2.44024637934444173e02,
           2.36012909523441209e01, 1.0)
# beyond: erfc x = exp(-x²) · P(x)/Q(x), to 10⁻¹⁶ up to 4 and well enough for 1 - erfc x after it
LARGE_P = (1.23033935479799725e03, 2.05107837782607147e03, 1.71204761263407058e03,
           8.81952221241769090e02, 2.98635138197400131e02, 6.61191906371416295e01,
           8.88314979438837594e00, 5.64188496988670089e-1, 2.15311535474403846e-8)
LARGE_Q = (1.23033935480374942e03, 3.43936767414372164e03, 4.36261909014324716e03,
           3.29079923573345963e03, 1.62138957456669019e03, 5.37181101862009858e02,
           1.17693950891312499e02, 1.57449261107098347e01, 1.0)
# fmt: on
SMALL_REST = tuple(p - q for p, q in zip(SMALL_P, SMALL_Q, strict=True))  # of P/Q - 1
SMALL, SMALL_IN_SINGLE = 0.46875, 1.0625
ONE, ONE_SINGLE = 6.0, 3.93  # erf is 1 there


@single
def erf(x: Value) -> Value:
    """The error function 2/√π ∫₀ˣ exp(-t²) dt."""
    return _single(x) if x.dtype == SINGLE else _double(x)


def _single(x: Value) -> Value:
    size = at_most(absolute(x), ONE_SINGLE)
    z = size * size
    small = fma(size, polynomial(z, SMALL_SINGLE), size)
    exponent = polynomial(size, LARGE_SINGLE)
    whole, n = nearest_multiple(exponent, 1.0)
    complement = polynomial(exponent - whole, POWER_OF_TWO)
    large = fma(-complement, power_of_two(n), 1.0)
    return with_sign_of(where(size < SMALL_IN_SINGLE, small, large), x)


def _double(x: Value) -> Value:
    size = at_most(absolute(x), ONE)
    z = size * size
    small = fma(size, polynomial(z, SMALL_REST) / polynomial(z, SMALL_Q), size)
    complement = exp(-z) * (polynomial(size, LARGE_P) / polynomial(size, LARGE_Q))
    return with_sign_of(where(size <= SMALL, small, 1 - complement), x)
