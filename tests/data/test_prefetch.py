"""The next item is made while the current one is used, and nothing is left behind."""

import threading

import pytest

from gradiente.data.prefetch import prefetched


def test_the_same_items_in_the_same_order():
    assert list(prefetched(range(100))) == list(range(100))
    assert list(prefetched([])) == []
    assert list(prefetched([None, None])) == [None, None]


def test_one_item_is_made_in_advance_and_no_more():
    made, second = [], threading.Event()

    def items():
        for number in range(4):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    iteration = prefetched(items())
    assert next(iteration) == 0
    assert second.wait(10)  # made while nobody asked for it
    assert made == [0, 1]
    assert next(iteration) == 1
    iteration.close()
    assert made in ([0, 1], [0, 1, 2])


def test_an_error_is_raised_where_the_item_would_come():
    def items():
        yield 1
        raise OSError("the disk is gone")

    iteration = prefetched(items())
    assert next(iteration) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(iteration)


def test_an_early_end_closes_what_is_behind():
    closed = []

    def items():
        try:
            yield from range(10)
        finally:
            closed.append(True)

    before = threading.active_count()
    iteration = prefetched(items())
    next(iteration)
    iteration.close()
    assert closed == [True]
    assert threading.active_count() == before
