"""Images changed at random, so that an epoch never sees the same one twice.

Everything works on many images at once, (n, height, width, channels), and is a function of the
random generator.
"""

import numpy as np

from gradiente.data.generator import Random


def flipped(x: np.ndarray, random: Random) -> np.ndarray:
    """About half of the images with left and right exchanged."""
    chosen = random.random(len(x)) < 0.5
    return np.where(chosen[:, None, None, None], x[:, :, ::-1], x)


def cropped(x: np.ndarray, random: Random, pixels: int) -> np.ndarray:
    """Each image shifted by up to so many pixels each way; zeros where nothing was.

    That is: zeros set around it, and a piece of its size cut out at a random place.
    """
    _, height, width, _ = x.shape
    edge = ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0))
    pieces = np.lib.stride_tricks.sliding_window_view(np.pad(x, edge), (height, width), (1, 2))
    down, right = random.integers(0, 2 * pixels + 1, (2, len(x)))
    cut = pieces[np.arange(len(x)), down, right]  # (n, channels, height, width)
    return np.ascontiguousarray(np.moveaxis(cut, 1, -1))


def rotated(x: np.ndarray, random: Random, degrees: float) -> np.ndarray:
    """Each image turned around its middle by an angle between -degrees and degrees."""
    return turned(x, np.deg2rad(random.uniform(-degrees, degrees, len(x))))


def turned(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Each image turned by its angle (radians, counterclockwise), with bilinear interpolation.

    What lies outside of the image is zero.
    """
    _, height, width, _ = x.shape
    rows, columns = np.indices((height, width), np.float64)
    rows, columns = rows - (height - 1) / 2, columns - (width - 1) / 2
    cos, sin = (f(angles)[:, None, None] for f in (np.cos, np.sin))
    top = cos * rows + sin * columns + (height - 1) / 2
    left = -sin * rows + cos * columns + (width - 1) / 2
    turned = np.zeros(x.shape, np.float64)
    for down in (0, 1):
        for right in (0, 1):
            row, column = np.floor(top) + down, np.floor(left) + right
            share = (1 - np.abs(top - row)) * (1 - np.abs(left - column))
            turned += share[..., None] * _pixels(x, row.astype(int), column.astype(int))
    return turned.astype(x.dtype)


def _pixels(x: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The pixels at these places of each image; zero outside of it."""
    _, height, width, _ = x.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    image = np.arange(len(x))[:, None, None]
    found = x[image, np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
    return found * inside[..., None]


def mixed(
    x: np.ndarray, y: np.ndarray, random: Random, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """x ← λ x + (1 - λ) x′,   y ← λ y + (1 - λ) y′,   λ ~ Beta(α, α)

    x′, y′ are another sample each. y: numbers, such as classes one-hot.
    Zhang, Cissé, Dauphin & Lopez-Paz, "mixup: Beyond empirical risk minimization", ICLR 2018.
    """
    other = random.permutation(len(x))
    share = random.beta(alpha, alpha, len(x))
    return _between(x, x[other], share), _between(y, y[other], share)


def _between(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    share = share.reshape(-1, *[1] * (first.ndim - 1)).astype(first.dtype)
    return share * first + (1 - share) * second
