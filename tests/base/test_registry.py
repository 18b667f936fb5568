"""Registries take a name once, and find it whatever its case."""

import pytest

from gradiente.base.errors import InvalidArgumentError, UnknownNameError
from gradiente.base.registry import enter, find


def test_enter_and_find():
    registry = {}
    enter(registry, "a colour", "dark_red", 1)
    assert find(registry, "a colour", " Dark-Red ") == 1
    with pytest.raises(InvalidArgumentError, match="a colour named `dark_red` is declared already"):
        enter(registry, "a colour", "dark_red", 2)
    assert registry == {"dark_red": 1}


def test_an_unknown_name():
    registry = {"green": 1, "blue": 2}
    with pytest.raises(UnknownNameError) as caught:
        find(registry, "a colour", "gren")
    assert str(caught.value) == (
        "a colour named `gren` does not exist. Did you mean `green`? There are: blue, green."
    )
    with pytest.raises(UnknownNameError) as caught:
        find(registry, "a colour", "xyz")
    assert str(caught.value) == "a colour named `xyz` does not exist. There are: blue, green."
