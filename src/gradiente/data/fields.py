"""Reading plain data back from a file: every field is checked before it is used."""

import math
from collections.abc import Mapping
from typing import Any

from gradiente.base.errors import RunError


def read_object(data: Any) -> Mapping[str, Any]:
    """`data` as a mapping. Raises `RunError` when it is something else."""
    if not isinstance(data, dict):
        raise RunError(f"expected an object with named fields, found {_shown(data)}.")
    return data


def read_text(data: Any, name: str) -> str:
    """The field `name` as text."""
    return _checked(data, name, "text", lambda value: isinstance(value, str))


def read_flag(data: Any, name: str) -> bool:
    """The field `name` as a truth value."""
    return _checked(data, name, "true or false", lambda value: isinstance(value, bool))


def read_number(data: Any, name: str) -> float:
    """The field `name` as a finite number."""
    return float(_checked(data, name, "a finite number", _is_number))


def read_whole_number(data: Any, name: str) -> int:
    """The field `name` as a whole number."""
    return _checked(data, name, "a whole number", lambda value: type(value) is int)


def read_list(data: Any, name: str) -> list[Any]:
    """The field `name` as a list of anything."""
    return _checked(data, name, "a list", lambda value: isinstance(value, list))


def read_numbers(data: Any, name: str) -> tuple[float, ...]:
    """The field `name` as finite numbers."""
    values = read_list(data, name)
    if not all(map(_is_number, values)):
        raise RunError(f"the field {name!r} must hold finite numbers only.")
    return tuple(float(value) for value in values)


def read_texts(data: Any, name: str) -> tuple[str, ...]:
    """The field `name` as texts."""
    values = read_list(data, name)
    if not all(isinstance(value, str) for value in values):
        raise RunError(f"the field {name!r} must hold texts only.")
    return tuple(values)


def _checked(data: Any, name: str, expected: str, fits: Any) -> Any:
    mapping = read_object(data)
    if name not in mapping:
        raise RunError(f"the field {name!r} is missing.")
    if not fits(mapping[name]):
        raise RunError(f"the field {name!r} must be {expected}, not {_shown(mapping[name])}.")
    return mapping[name]


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
