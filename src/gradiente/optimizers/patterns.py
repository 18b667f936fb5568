"""Which parameters are meant: patterns and predicates over the paths of parameters."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers.optimizer import Array, Named

Selection = str | Sequence[str] | Callable[[str, Array], bool] | None
"""A pattern such as `"encoder.*"`, several of them, a predicate (path, parameter), or all."""


def matches(pattern: str, path: str) -> bool:
    """Whether a path fits a shell pattern: `*` stands for anything, dots included."""
    return fnmatchcase(path, pattern)


def selected(selection: Selection, parameters: Named) -> set[str]:
    """The paths of the parameters that are meant; `None` means all.

    Raises `InvalidArgumentError` for a pattern that no parameter matches: it is a spelling mistake
    more often than not.
    """
    if selection is None:
        return set(parameters)
    if callable(selection):
        return {path for path, parameter in parameters.items() if selection(path, parameter)}
    patterns = (selection,) if isinstance(selection, str) else tuple(selection)
    for pattern in patterns:
        check_used(pattern, parameters)
    return {path for path in parameters if any(matches(pattern, path) for pattern in patterns)}


def check_used(pattern: str, parameters: Named) -> None:
    """Raise `InvalidArgumentError` if no parameter matches the pattern."""
    if not any(matches(pattern, path) for path in parameters):
        raise InvalidArgumentError(
            f"no parameter matches the pattern {pattern!r}. "
            f"The parameters are: {_listed(parameters)}."
        )


def _listed(parameters: Named, most: int = 20) -> str:
    shown = ", ".join(list(parameters)[:most])
    surplus = len(parameters) - most
    return shown if surplus <= 0 else f"{shown} and {surplus} more"
