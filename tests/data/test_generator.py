"""Random generators keyed by seed and stream."""

import pytest

from gradiente.base.errors import InvalidArgumentError
from gradiente.data.generator import LARGEST, generator


def test_equal_keys_give_equal_numbers_and_others_do_not():
    first = generator(3, 4).random(8).tolist()
    assert generator(3, 4).random(8).tolist() == first
    assert generator(4, 3).random(8).tolist() != first
    assert generator(LARGEST, LARGEST).random() != generator(0, 0).random()


@pytest.mark.parametrize(("seed", "stream"), [(-1, 0), (0, -1), (2**64, 0)])
def test_keys_have_a_range(seed, stream):
    with pytest.raises(InvalidArgumentError, match="lies between 0 and"):
        generator(seed, stream)
