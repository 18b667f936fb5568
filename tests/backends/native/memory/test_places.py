"""Values that live at the same time never overlap in the arena."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradiente.backends.native.memory.places import ALIGNMENT, Lifetime, place

lifetimes = st.lists(
    st.builds(
        lambda size, first, length: Lifetime(size, first, first + length),
        st.integers(0, 5000),
        st.integers(0, 30),
        st.integers(0, 10),
    ),
    max_size=40,
)


@given(lifetimes)
def test_values_alive_together_do_not_overlap(lives):
    offsets, total = place(lives)
    spans = list(zip(offsets, lives, strict=True))
    for i, (start, life) in enumerate(spans):
        assert start % ALIGNMENT == 0
        assert start + life.size <= total
        for other_start, other in spans[:i]:
            together = life.first <= other.last and other.first <= life.last
            apart = start + life.size <= other_start or other_start + other.size <= start
            assert apart or not together or life.size == 0 or other.size == 0


@pytest.mark.usefixtures("every_improvement")
def test_memory_is_used_again():
    chain = [Lifetime(1024, step, step + 1) for step in range(100)]
    assert place(chain)[1] == 2 * 1024
