"""Threads wait for each other where a new phase begins, and nowhere else."""

import re

import pytest

from gradiente.backends.native.driver import Call, program


def order(stages: list[str], phases: list[int]) -> str:
    """What a program calls, for kernels by stage: small letters alone, capitals divided."""
    calls = [
        Call(number, name, (), 8, name.isupper())
        for number, names in enumerate(stages)
        for name in names
    ]
    text = program(calls, dict(enumerate(phases)), [])
    words = re.findall(r"call void @(\w+)\(", text)
    return "".join("|" if word == "barrier" else word for word in words)


@pytest.mark.parametrize(
    ("stages", "phases", "expected"),
    [
        (["a", "b", "c"], [0, 0, 0], "abc"),
        (["A", "b"], [0, 1], "A|b"),
        (["A", "b"], [1, 1], "|Ab"),
        (["a", "BC", "d", "e"], [0, 1, 1, 2], "a|BCd|e"),
        (["ab", "C"], [0, 3], "ab|C"),
        (["a", "", "C"], [0, 1, 1], "a|C"),
    ],
)
def test_threads_wait_where_a_phase_begins(stages, phases, expected):
    assert order(stages, phases) == expected


def test_kernels_that_are_not_divided_run_on_one_thread_each():
    calls = [Call(0, name, (), 1, False) for name in "abc"]
    text = program(calls, {0: 0}, [])
    assert text.count("srem") + text.count("icmp eq") >= 3
    for name in "abc":
        assert len(re.findall(rf"call void @{name}\(", text)) == 1
