"""Threads wait for each other where one needs what another has done, and nowhere else."""

import re

import pytest

from gradiente.backends.native.driver import Call, program


def order(*stages: str) -> str:
    """What a program calls, for kernels by stage: small letters alone, capitals divided."""
    calls = [
        Call(number, name, (), 8, name.isupper())
        for number, names in enumerate(stages)
        for name in names
    ]
    words = re.findall(r"call void @(\w+)\(", program(calls, []))
    return "".join("|" if word == "barrier" else word for word in words)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (["a", "b", "c"], "abc"),  # all on the first thread
        (["a", "B"], "a|B"),
        (["A", "b"], "A|b"),
        (["a", "b", "C", "d", "e", "F"], "ab|C|de|F"),
        (["A", "B"], "A|B"),
        (["ab", "c"], "ab|c"),  # on two threads
        (["a", "bc"], "a|bc"),
        (["Ab", "C", "d"], "Ab|C|d"),
    ],
)
def test_threads_wait_between_stages_that_several_take_part_in(stages, expected):
    assert order(*stages) == expected
