"""Random generators that are pure functions of a seed and of what they are used for."""

from typing import TypeAlias

import numpy as np

from gradiente.base.errors import InvalidArgumentError

# Quoted: NumPy loads its generators when they are first named, and an import has no use for them.
Random: TypeAlias = "np.random.Generator"

LARGEST = 2**64 - 1

# The uses of a seed. Epochs count up from zero, so everything else counts down from the top.
SPLIT_STREAM = LARGEST


def generator(seed: int, stream: int) -> Random:
    """A generator keyed by (seed, stream), both whole numbers from 0 to 2⁶⁴ - 1.

    Equal keys give equal numbers on every machine; different keys give independent ones.
    """
    for name, value in (("seed", seed), ("stream", stream)):
        if not 0 <= value <= LARGEST:
            raise InvalidArgumentError(f"a {name} lies between 0 and 2**64 - 1, not {value}.")
    return np.random.Generator(np.random.Philox(key=np.array([seed, stream], np.uint64)))
