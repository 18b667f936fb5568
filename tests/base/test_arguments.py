"""Numbers are taken within their bounds and refused outside them, in a sentence."""

import numpy as np
import pytest

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.base.errors import InvalidArgumentError


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int64(1), np.array(1.0)])
def test_a_number_becomes_a_float(value):
    number = check_number("x", value, at_least=1, at_most=1, above=0, below=2)
    assert type(number) is float
    assert number == 1.0


@pytest.mark.parametrize(
    ("value", "bounds", "words"),
    [
        (-1, {"at_least": 0}, "a finite number at least 0"),
        (0, {"above": 0}, "a finite number above 0"),
        (2, {"at_most": 1.5}, "a finite number at most 1.5"),
        (1, {"below": 1}, "a finite number below 1"),
        (1, {"at_least": 0, "below": 1}, "a finite number at least 0 and below 1"),
        (float("nan"), {}, "a finite number"),
        (float("-inf"), {}, "a finite number"),
        (True, {}, "a finite number"),
        ("1", {}, "a finite number"),
        (None, {}, "a finite number"),
        ([1.0], {}, "a finite number"),
        (1j, {}, "a finite number"),
        (np.ones(2), {}, "a finite number"),
    ],
)
def test_what_is_no_such_number(value, bounds, words):
    with pytest.raises(InvalidArgumentError) as caught:
        check_number("rate", value, **bounds)
    assert str(caught.value) == f"`rate` is {value!r}: it must be {words}."


@pytest.mark.parametrize("value", [3, 3.0, np.int32(3)])
def test_a_count_becomes_an_int(value):
    count = check_count("n", value, at_least=3)
    assert type(count) is int
    assert count == 3


@pytest.mark.parametrize("value", [2, 2.5, -1, float("inf"), float("nan"), "3", True, None])
def test_what_is_no_such_count(value):
    with pytest.raises(
        InvalidArgumentError, match=r"`n` is .*: it must be a whole number, 3 or more"
    ):
        check_count("n", value, at_least=3)


def test_a_choice():
    assert check_choice("mode", "b", ("a", "b")) == "b"
    with pytest.raises(InvalidArgumentError, match="`mode` is 'c': it must be one of 'a', 'b'"):
        check_choice("mode", "c", ("a", "b"))
    with pytest.raises(InvalidArgumentError, match="`mode` is 1"):
        check_choice("mode", 1, ("a", "b"))
