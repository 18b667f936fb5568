"""How a layer is written: its class and the arguments that made it."""

from typing import Any

from gradiente.nn.module import Module


def written(layer: Module, *values: Any, **settings: tuple[Any, Any]) -> str:
    """`Dense(3, use_bias=False)`: the values, and the settings that are not the default.

    settings: by name, what was chosen and the default.
    """
    changed = [
        f"{name}={shown(chosen)}"
        for name, (chosen, default) in settings.items()
        if not _same(chosen, default)
    ]
    return f"{type(layer).__name__}({', '.join([*map(shown, values), *changed])})"


def shown(value: Any) -> str:
    """One argument as it is written: a number in short, a function by its name."""
    if isinstance(value, float):
        return f"{value:g}"
    if callable(value) and not isinstance(value, Module) and hasattr(value, "__name__"):
        return str(value.__name__)
    return repr(value)


def _same(chosen: Any, default: Any) -> bool:
    return chosen is default or (type(chosen) is type(default) and chosen == default)
