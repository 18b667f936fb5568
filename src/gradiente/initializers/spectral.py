"""Weights that compute a spectrum: the short-time Fourier transform as a layer."""

import math
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError
from gradiente.initializers.initializer import Array, Shape, declare
from gradiente.initializers.scaling import fans

PARTS = {"real": np.cos, "imaginary": np.sin}
SCALES = {"density": lambda w: math.sqrt(np.sum(w * w)), "spectrum": lambda w: np.sum(np.abs(w))}


@declare
def short_time_fourier(
    key: Any,
    shape: Shape,
    dtype: Any,
    *,
    part: str = "real",
    window: str | None = "hann",
    scaling: str | None = "density",
    periodic: bool = False,
) -> Array:
    """W[t, …, k] = window[t] / scale · cos(-2π t k / n),   n = 2 (frequencies - 1)

    For a convolution over time whose outputs are the frequencies of a frame: (frame length, inputs,
    frequencies). part: "real" for the cosine, "imaginary" for the sine. window: a name SciPy's
    `get_window` knows, or `None`. scaling: "density" divides by √Σ window², "spectrum" by
    Σ |window|, `None` by nothing. periodic: the window for spectra, not the symmetric one. The
    STFT initializer of Keras. Raises `InvalidArgumentError` for other words or fewer than two axes.

    J. B. Allen, L. R. Rabiner, "A unified approach to short-time Fourier analysis and synthesis",
    Proceedings of the IEEE 65 (1977).
    """
    for name, value, known in (("part", part, PARTS), ("scaling", scaling, [*SCALES, None])):
        if value not in known:
            words = ", ".join(map(repr, known))
            raise InvalidArgumentError(f"`{name}` is {value!r}; it can be {words}.")
    fans(shape)  # refuses fewer than two axes
    length, frequencies = shape[0], shape[-1]
    shaped = _window(window, length, periodic)
    scale = SCALES[scaling](shaped) if scaling and window and length else 1.0
    turns = np.outer(np.arange(length), np.arange(frequencies)) / max(2 * (frequencies - 1), 1)
    waves = PARTS[part](-2.0 * np.pi * turns) * shaped[:, None] / (scale or 1.0)
    middle = (1,) * (len(shape) - 2)
    return np.broadcast_to(waves.reshape(length, *middle, frequencies), shape).astype(dtype)


def _window(name: str | None, length: int, periodic: bool) -> Array:
    if name is None or length == 0:
        return np.ones(length)
    from scipy.signal import get_window

    try:
        return np.asarray(get_window(name, length, fftbins=periodic))
    except ValueError as error:
        raise InvalidArgumentError(f"`window` is {name!r}: {error}") from None
