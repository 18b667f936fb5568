"""The table of arrays that a backend overwrites."""

import numpy as np

from gradiente.backends.owned import Owned


def test_the_version_changes_with_the_arrays_only():
    owned, arrays = Owned(), [np.zeros(2), np.zeros(2)]
    assert arrays[0] not in owned
    owned.replace(arrays)
    first = owned.version
    owned.replace(list(arrays))
    assert owned.version == first
    assert all(array in owned for array in arrays)
    owned.replace([arrays[0], np.zeros(2)])
    assert owned.version != first
    assert arrays[1] not in owned
    owned.replace(arrays[:1])
    assert owned.version != first + 1
