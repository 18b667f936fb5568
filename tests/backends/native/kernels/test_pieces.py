"""Pieces cover a length once, differ by 1 at most, and can be put together."""

from hypothesis import given
from hypothesis import strategies as st

from gradiente.backends.native.kernels.pieces import Run, cut, grouped


@given(st.integers(-3, 300), st.integers(1, 40))
def test_pieces_cover_a_length_in_order(length, largest):
    runs = cut(length, largest)
    pieces = [
        (run.start + i * run.size, run.size, run.unit + i) for run in runs for i in range(run.count)
    ]
    assert [unit for *_, unit in pieces] == list(range(len(pieces)))
    ends = [0] + [start + size for start, size, _ in pieces]
    assert [start for start, *_ in pieces] == ends[:-1]
    assert ends[-1] == max(length, 0)
    sizes = {size for _, size, _ in pieces}
    assert len(pieces) == -(-max(length, 0) // largest)
    assert not sizes or (max(sizes) <= largest and max(sizes) - min(sizes) <= 1)


@given(st.integers(0, 50), st.integers(1, 9), st.integers(0, 30), st.integers(1, 7))
def test_groups_cover_a_run(start, size, count, pieces):
    groups = grouped(Run(start, size, count), pieces, unit=5)
    at, unit, seen = start, 5, 0
    for run, inside in groups:
        assert (run.start, run.unit) == (at, unit)
        assert run.size == inside * size
        assert inside <= pieces
        at, unit, seen = at + run.size * run.count, unit + run.count, seen + inside * run.count
    assert seen == count
