"""Schedules that fall as a power of time: inverse time, polynomial, Noam and their relatives."""

import math

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.schedules.schedule import Array, Schedule, declare
from gradiente.schedules.warm_up import risen


@declare
def inverse_time(
    learning_rate: float, decay: float, every: int = 1, staircase: bool = False
) -> Schedule:
    """A fall like one over time.          η(t) = η₀ / (1 + d t / n)

    d decay, n every; with staircase ⌊t / n⌋ stands for t / n. Keras's InverseTimeDecay. Raises
    `InvalidArgumentError` unless d ≥ 0 and n ≥ 1.

    Source: none.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)
    decay = check_number("decay", decay, at_least=0)
    every = check_count("every", every, at_least=1)

    def function(step: Array) -> Array:
        time = np.floor(step / every) if staircase else step / every
        return learning_rate / (1.0 + decay * time)

    options = {"decay": decay, "every": every, "staircase": bool(staircase)}
    return Schedule("inverse_time", function, {"learning_rate": learning_rate, **options})


@declare
def inv_scaling(learning_rate: float, power: float = 0.5) -> Schedule:
    """A fall like a power of the step.          η(t) = η₀ / (t + 1)ᵖ

    p power. scikit-learn's "invscaling", which counts samples once an epoch; here t counts updates.
    Raises `InvalidArgumentError` unless p ≥ 0.

    Source: none.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)
    power = check_number("power", power, at_least=0)

    def function(step: Array) -> Array:
        return learning_rate * (step + 1.0) ** -power

    return Schedule("inv_scaling", function, {"learning_rate": learning_rate, "power": power})


@declare
def power(learning_rate: float, exponent: float = 1.0, every: int = 1) -> Schedule:
    """A fall like a power of time that begins gently.          η(t) = η₀ (1 + t / n)⁻ᶜ

    c exponent, n every: after n steps the rate is 2⁻ᶜ of the first. With c = 1 inverse time, with
    n = 1 inverse scaling. Raises `InvalidArgumentError` unless c ≥ 0 and n ≥ 1.

    A. Senior et al., "An empirical study of learning rates in deep neural networks for speech
    recognition", ICASSP 2013.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)
    exponent = check_number("exponent", exponent, at_least=0)
    every = check_count("every", every, at_least=1)

    def function(step: Array) -> Array:
        return learning_rate * (1.0 + step / every) ** -exponent

    options = {"learning_rate": learning_rate, "exponent": exponent, "every": every}
    return Schedule("power", function, options)


@declare
def polynomial(
    learning_rate: float, steps: int, power: float = 1.0, final: float = 0.0, cycle: bool = False
) -> Schedule:
    """A fall along a power, then constant.       η(t) = η₁ + (η₀ − η₁) (1 − min(t / n, 1))ᵖ

    n steps, p power, η₁ final. With cycle n is the multiple of steps that t has not passed yet, so
    that the rate leaps up at each. PyTorch's PolynomialLR with η₁ = 0, Optax's polynomial_schedule,
    Keras's PolynomialDecay. Raises `InvalidArgumentError` unless n ≥ 1 and p > 0.

    Source: none.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)
    steps = check_count("steps", steps, at_least=1)
    power = check_number("power", power, above=0)
    final = check_number("final", final, at_least=0)

    def function(step: Array) -> Array:
        length = steps * np.maximum(np.ceil(step / steps), 1.0) if cycle else steps
        left = 1.0 - np.minimum(step / length, 1.0)
        return final + (learning_rate - final) * left**power

    options = {"steps": steps, "power": power, "final": final, "cycle": bool(cycle)}
    return Schedule("polynomial", function, {"learning_rate": learning_rate, **options})


@declare
def inverse_square_root(learning_rate: float, warmup_steps: int, start: float = 0.0) -> Schedule:
    """A linear rise, then a fall like one over the square root of time.

        η(t) = η_s + (η₀ − η_s) t / w          while t < w
        η(t) = η₀ √(w / t)                     after

    w warmup_steps, η_s start. Raises `InvalidArgumentError` unless w ≥ 1.

    A. Vaswani et al., "Attention is all you need", NeurIPS 2017, in the form of fairseq.
    """
    peak = check_number("learning_rate", learning_rate, at_least=0)
    warmup_steps = check_count("warmup_steps", warmup_steps, at_least=1)
    start = check_number("start", start, at_least=0)

    def fall(step: Array) -> Array:
        return peak * np.sqrt(warmup_steps / (step + warmup_steps))

    options = {"learning_rate": peak, "warmup_steps": warmup_steps, "start": start}
    return Schedule("inverse_square_root", risen(fall, peak, warmup_steps, start), options)


@declare
def noam(learning_rate: float = 1.0, model_size: int = 512, warmup_steps: int = 4000) -> Schedule:
    """The schedule of the first transformer.     η(t) = s d^(−1/2) min(n^(−1/2), n w^(−3/2))

    n = t + 1, s learning_rate, a factor; d model_size, w warmup_steps. The peak is s / √(d w).
    `inverse_square_root` is the same form with the peak as an argument. Raises
    `InvalidArgumentError` unless d ≥ 1 and w ≥ 1.

    A. Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)
    model_size = check_count("model_size", model_size, at_least=1)
    warmup_steps = check_count("warmup_steps", warmup_steps, at_least=1)
    scale = learning_rate / math.sqrt(model_size)

    def function(step: Array) -> Array:
        number = step + 1.0
        return scale * np.minimum(1.0 / np.sqrt(number), number * warmup_steps**-1.5)

    options = {"model_size": model_size, "warmup_steps": warmup_steps}
    return Schedule("noam", function, {"learning_rate": learning_rate, **options})
