"""What a layer may know while it runs: training or not, its path, its key for random numbers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from gradiente.base.errors import GradienteError, ShapeError
from gradiente.base.source import current_source
from gradiente.trace.random import fold_in


@dataclass(frozen=True)
class Activated:
    """One call of an activation function: its name, what it computes, and what it was given.

    within: the path of the innermost module at work; calls: how many had been called before.
    """

    name: str
    function: Callable[[Any], Any]
    x: Any
    within: str
    calls: int


@dataclass
class Context:
    """The conditions under which networks run, and what is known of the run in progress.

    training: dropout drops, batch normalisation uses and records the statistics of the batch.
    key: what random layers draw from; they number their draws in order of their calls.
    seed: what parameters created on first use are drawn from.
    calls: if a list is given, (path, module, output) of every module called is added to it, in
        order of completion.
    activations: if a list is given, every activation function of the library that was called is
        added to it, those that another one is made of excepted.

    root: the outermost module at work; paths: those of the modules below it, by identity.
    created: (module, name, array) of every parameter and buffer created on first use.
    penalties: numbers that layers have added to the loss of a training step.
    replaced: what a wrapper makes of a parameter of another module, by its identity and the name.
    """

    training: bool = False
    key: Any = None
    seed: int = 0
    calls: list[tuple[str, Any, Any]] | None = None
    activations: list["Activated"] | None = None
    draws: int = 0
    root: Any = None
    paths: dict[int, str] = field(default_factory=dict)
    created: list[tuple[Any, str, Any]] = field(default_factory=list)
    penalties: list[Any] = field(default_factory=list)
    replaced: dict[tuple[int, str], Callable[[Any], Any]] = field(default_factory=dict)

    def path_of(self, module: Any) -> str | None:
        """The path of a module below the outermost one; `None` if it is not part of that."""
        if id(module) not in self.paths and self.root is not None:
            self.paths = self.root.module_paths()  # anew: it may have been made during the run
        return self.paths.get(id(module))


_current: ContextVar[Context | None] = ContextVar("context", default=None)


def current() -> Context | None:
    """The run in progress, if there is one."""
    return _current.get()


@contextmanager
def running(context: Context) -> Iterator[Context]:
    """Run networks inside under the given conditions."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


@contextmanager
def replacing(module: Any, name: str, transform: Callable[[Any], Any]) -> Iterator[None]:
    """Inside, a module that asks for this parameter of its own gets the transform of it.

    For wrappers of layers, in their `__call__`.
    """
    context = current()
    assert context is not None, "a layer runs in a context"
    before = context.replaced
    context.replaced = {**before, (id(module), name): transform}
    try:
        yield
    finally:
        context.replaced = before


def add_loss(value: Any) -> None:
    """Add a number to the loss of the training step in progress; for layers, in `__call__`.

    The network is trained to make it small as well; the history shows it as "penalty", not in the
    loss. Outside training it is ignored. A function given to `gradiente.scan` cannot call it: there
    the number must be one of the results. Raises `ShapeError` unless it is one floating-point
    number.
    """
    context = current()
    if context is None or not context.training:
        return
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape != () or dtype is None or dtype.kind != "f":
        what = f"an array of shape {shape}" if shape else f"{value!r}"
        raise ShapeError(
            f"add_loss takes one floating-point number computed from arrays, such as a mean, not "
            f"{what}." + current_source().explain()
        )
    context.penalties.append(value)


def is_training() -> bool:
    """True inside a training step; networks called by themselves are not training."""
    context = current()
    return context is not None and context.training


def next_key() -> Any:
    """A fresh key for a random layer, a function of (seed, step, number of the draw)."""
    context = current()
    if context is None or context.key is None:
        raise GradienteError(
            "a random layer in training mode needs a key; train with `gd.Trainer`, or run the "
            "network inside `nn.running(nn.Context(training=True, key=gd.random.key(seed)))`."
        )
    context.draws += 1
    return fold_in(context.key, context.draws - 1)
