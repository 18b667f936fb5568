"""Do the libraries compute the same? Their losses of the first epochs are compared."""

from collections.abc import Mapping, Sequence

import numpy as np

EPOCHS = 2

# Relative. Rounding errors, which grow from step to step, reach about 1e-4 in float32.
# scikit-learn adds the ε of Adam before the correction of the bias, the others after it: that alone
# makes 6e-3 on W3. With an ε of 1e-14 and float64 its losses on W2 agree to 3e-10.
TOLERANCE = 1e-2


def differences(losses: Mapping[str, Sequence[float]], reference: str) -> dict[str, float]:
    """How far each library's losses are from those of the reference: the largest |a - b| / |b|.

    All have started from the same weights, and seen the same batches in the same order.
    """
    expected = np.asarray(losses[reference])
    return {
        name: float(np.max(np.abs(np.asarray(found) - expected) / np.abs(expected)))
        for name, found in losses.items()
    }


def agrees(difference: float) -> bool:
    """True within the tolerance, false for a loss that is no number."""
    return difference <= TOLERANCE
