"""Every error the library raises on purpose: one class per kind of mistake.

A message says what was asked, what was expected and what came, and what to write instead. Errors
that concern a traced function end with the user's file and line. All are `GradienteError`.
"""


class GradienteError(Exception):
    """The base of every error the library raises on purpose."""


class ShapeError(GradienteError, ValueError):
    """Shapes of the inputs of an operation do not fit together."""


class TypeMismatchError(GradienteError, TypeError):
    """An input has a data type, or a kind, that an operation does not take."""


class IndexRangeError(GradienteError, IndexError):
    """An index lies outside the axis it indexes."""


class ConcreteValueError(GradienteError, TypeError):
    """Python needs a number where a traced function has only a symbol."""


class ImmutableTensorError(GradienteError, TypeError):
    """A traced value was assigned to in place."""


class UnsupportedFunctionError(GradienteError, TypeError):
    """A NumPy function that cannot be traced was called on a traced value."""


class NotDifferentiableError(GradienteError, TypeError):
    """A gradient was asked of, or with respect to, something that has none."""


class TreeError(GradienteError, ValueError):
    """Two nested structures that must match do not."""


class InvalidGraphError(GradienteError, RuntimeError):
    """A graph breaks its own rules: a defect of the library, never of the user's program."""


class UnknownNameError(GradienteError, LookupError):
    """A name is in none of the registries it was looked up in."""


class InvalidArgumentError(GradienteError, ValueError):
    """An argument has a value that makes no sense; the message lists what does."""


class NonFiniteError(GradienteError, ArithmeticError):
    """The loss, or a gradient, became infinite or not a number."""


class DataError(GradienteError, ValueError):
    """The data given cannot be learned from; the message says why and what to change."""


class RunError(GradienteError, ValueError):
    """A saved run is missing, incomplete or damaged."""


class BackendError(GradienteError, RuntimeError):
    """A backend that was asked for cannot be used on this machine."""


class DamagedCheckpointWarning(UserWarning):
    """The newest checkpoint of a folder is damaged: an older one is used."""
