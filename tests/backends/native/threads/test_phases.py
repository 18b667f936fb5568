"""Phases end where what a thread has touched could be touched by another."""

import numpy as np
import pytest

from gradiente.backends.native.threads.phases import FIRST_THREAD, OWN_ROWS, Access, phases
from gradiente.base.types import ArrayType
from gradiente.graph.node import Node

X, Y = (Node(None, (), {}, ArrayType((8,), np.dtype(np.float32))) for _ in range(2))
ROWS = (OWN_ROWS, 64)


def read(buffer, owner=None):
    return Access(buffer, owner, writes=False)


def written(buffer, owner=None):
    return Access(buffer, owner, writes=True)


@pytest.mark.parametrize(
    ("before", "stages", "expected"),
    [
        ([], [[written(X)], [read(X)]], [0, 1]),
        ([], [[read(X)], [written(X)]], [0, 1]),  # overwritten while another may read
        ([], [[written(X)], [written(X)]], [0, 1]),
        ([], [[read(X)], [read(X)]], [0, 0]),
        ([], [[written(X)], [read(Y)]], [0, 0]),
        ([written(X)], [[read(X)]], [1]),
        ([written(X, ROWS)], [[read(X, ROWS)]], [0]),
        ([], [[written(X, ROWS)], [read(X, ROWS)], [read(X)]], [0, 0, 1]),
        ([], [[written(X, ROWS)], [read(X, (OWN_ROWS, 32))]], [0, 1]),  # other rows
        ([], [[written(X, ROWS)], [read(X, FIRST_THREAD)]], [0, 1]),
        ([], [[written(X, FIRST_THREAD)], [written(X, FIRST_THREAD)]], [0, 0]),
        # whoever waited once need not wait again for what lies before
        ([], [[written(X), written(Y)], [read(X)], [read(Y)]], [0, 1, 1]),
        ([], [[written(X)], [read(X), written(Y)], [read(Y)]], [0, 1, 2]),
        # every access of a phase counts, not the last alone
        ([], [[written(X, ROWS)], [read(X, ROWS)], [written(X, ROWS), read(Y)]], [0, 0, 0]),
        ([], [[read(X, FIRST_THREAD)], [read(X, ROWS)], [written(X, ROWS)]], [0, 0, 1]),
    ],
)
def test_a_phase_ends_where_two_threads_could_meet(before, stages, expected):
    numbered = {3 * place: accesses for place, accesses in enumerate(stages)}
    assert list(phases(before, numbered).values()) == expected
    assert list(phases(before, numbered)) == list(numbered)
