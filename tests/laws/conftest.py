"""Central differences, written apart from the library so that its own check is checked too."""

import numpy as np
import pytest


def slope(function, arrays, place, direction):
    """d/dh function(…, arrays[place] + h · direction, …) at 0, for a function of one number.

    Ridders: central differences at two steps, combined so that their h² errors cancel.
    """

    def along(h):
        moved = list(arrays)
        moved[place] = arrays[place] + h * direction
        return float(function(*moved))

    step = 2e-3
    wide = (along(step) - along(-step)) / (2 * step)
    narrow = (along(step / 2) - along(-step / 2)) / step
    finest = (along(step / 4) - along(-step / 4)) / (step / 2)
    first, second = (4 * narrow - wide) / 3, (4 * finest - narrow) / 3
    return (16 * second - first) / 15


@pytest.fixture
def check_gradients():
    """Compare gradients of a function of one number with central differences."""

    def check(function, arrays, gradients, places, tolerance=1e-8, seed=0):
        random = np.random.default_rng(seed)
        for place, gradient in zip(places, gradients, strict=True):
            assert gradient.shape == arrays[place].shape
            assert gradient.dtype == arrays[place].dtype
            direction = np.asarray(random.normal(size=arrays[place].shape))
            expected = slope(function, arrays, place, direction)
            got = float(np.sum(gradient * direction))
            assert abs(got - expected) <= tolerance * max(1.0, abs(expected)), (
                f"argument {place}: backpropagation {got}, differences {expected}"
            )

    return check
