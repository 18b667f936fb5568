"""What may look on, and take part, while a network trains.

A callback is an instance of a subclass of `Callback`, or any function of (trainer, row), which is
called at the end of each epoch.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.train.history import Row
from gradiente.train.monitor import improves, monitored


class Callback:
    """Methods that are called while a network trains; each does nothing by default.

    `trainer.stop(reason)` ends the training after the current epoch, from any of them. What a
    callback does to `trainer.network` at the beginning or end of an epoch (other weights, layers
    frozen or released) holds from the next epoch on.

    A checkpoint that is written during a fit has what callbacks remember: those that decide
    something by what they have seen implement `save_state` and `load_state`.

    touches_network: `False` for a callback that leaves `trainer.network` alone, and looks at
    `trainer.weights()` if at all: the network then need not be brought up to date each epoch.

    comes_last: `True` for a callback that saves the trainer, which is told of every event after the
    others, so that it saves what they remember of it.
    """

    touches_network = True
    comes_last = False

    def on_fit_begin(self, trainer: Any) -> None:
        """Before the first epoch of a fit."""

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        """Before an epoch, counted from 1.

        Also before the rest of one that was interrupted, of which `trainer.position` then tells.
        """

    def on_batch_end(self, trainer: Any, batch: int) -> None:
        """After a training batch, counted from 1 within the epoch."""

    def on_pause(self, trainer: Any, batch: int) -> None:
        """Whenever training comes back to Python within an epoch; batch: the last one done.

        That is after every batch, or after as many as run in some hundredths of a second.
        """

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        """After an epoch and its validation; row: its line of the history."""

    def on_fit_end(self, trainer: Any) -> None:
        """After the last epoch of a fit, however it ended."""

    def save_state(self) -> Mapping[str, Any]:
        """What it remembers, by name: numbers, texts, arrays, and lists and dicts of these."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on with what `save_state` gave before an interruption; called after `on_fit_begin`."""


class LambdaCallback(Callback):
    """Functions for any of the events, called with what the methods of a `Callback` are given.

        LambdaCallback(on_epoch_begin=lambda trainer, epoch: print(epoch))

    Raises `InvalidArgumentError` for events that do not exist and what cannot be called.
    """

    def __init__(self, **functions: Callable[..., Any]):
        events = [name for name in vars(Callback) if name.startswith("on_")]
        for event, function in functions.items():
            if event not in events or not callable(function):
                raise InvalidArgumentError(
                    f"LambdaCallback takes functions for {', '.join(events)}, not "
                    f"{event}={function!r}."
                )
            setattr(self, event, function)
        self.functions = functions

    def __repr__(self) -> str:
        return f"LambdaCallback({', '.join(self.functions)})"


class LearningRateSchedule(Callback):
    """Set the learning rate at the beginning of each epoch: rate = function(epoch).

    function: of the number of the epoch, counted from 1. Schedules that change with every update,
    which `gradiente.schedules` has, are given to the optimizer instead.
    """

    def __init__(self, function: Callable[[int], float]):
        self.function = function

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        if trainer.position is None:  # else it was set when the epoch began
            trainer.learning_rate = self.function(epoch)

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", repr(self.function))
        return f"LearningRateSchedule({name})"


class EpochFunction(Callback):
    """An ordinary function called at the end of each epoch."""

    def __init__(self, function: Callable[[Any, Row], Any]):
        self.function = function

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        self.function(trainer, row)

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


def as_callbacks(given: Any) -> list[Callback]:
    """Callback objects from what the user gave.

    Raises `InvalidArgumentError` for what is neither a callback nor a function.
    """
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise InvalidArgumentError(f"callbacks is a list of callbacks, not {given!r}.")
    return [_as_callback(item) for item in given]


def _as_callback(item: Any) -> Callback:
    if isinstance(item, Callback):
        return item
    if callable(item) and not isinstance(item, type):
        return EpochFunction(item)
    hint = f" (write {item.__name__}(...))" if isinstance(item, type) else ""
    raise InvalidArgumentError(
        f"a callback is a gradiente Callback or a function of (trainer, row), not {item!r}{hint}."
    )


def as_early_stopping(given: Any) -> list[Callback]:
    """What `early_stopping=` means: nothing, a patience, or an `EarlyStopping`."""
    if given is None:
        return []
    return [given if isinstance(given, EarlyStopping) else EarlyStopping(given)]


def in_order(callbacks: Sequence[Callback]) -> list[Callback]:
    """The callbacks in the order in which they are told: first those that do not come last."""
    return sorted(callbacks, key=lambda callback: callback.comes_last)


def tell(callbacks: Sequence[Callback], event: str, *args: Any) -> None:
    """Call one method of every callback, also after one that fails.

    The first error is raised in the end, with a note that names its callback: a logger after a
    callback that fails has its line all the same.
    """
    failed: Exception | SystemExit | None = None
    for callback in callbacks:
        try:
            getattr(callback, event)(*args)
        except (Exception, SystemExit) as error:
            note = f"raised in {event} of the callback {callback!r}"
            if failed is None:
                failed = error
                error.add_note(note)
            elif failed is not error:
                failed.add_note(f"afterwards {type(error).__name__}: {error} was {note}")
    if failed is not None:
        raise failed


def listens(callbacks: Sequence[Callback], event: str) -> bool:
    """True if one of the callbacks does something at this event."""
    silent = getattr(Callback, event)
    methods = [getattr(callback, event) for callback in callbacks]
    return any(getattr(method, "__func__", method) is not silent for method in methods)


def _measured(trainer: Any, column: str) -> Any:
    """The weights a column of the history tells of: validation uses averages, if there are any."""
    if trainer.optimizer.average is None or not column.startswith("validation"):
        return trainer.weights()
    with trainer.averaged():
        return trainer.weights()


class EarlyStopping(Callback):
    """Stop when a column of the history has not improved for a number of epochs.

    patience: how many epochs without improvement are tolerated.
    monitor: the column; by default `validation_loss`, or `loss` without validation.
    minimum_change: an improvement smaller than this does not count.
    greater_is_better: needed only for columns of unknown direction.
    restore_best: put the weights of the best epoch back at the end.
    """

    REMEMBERED = ("best", "best_epoch", "best_weights")

    def __init__(
        self,
        patience: int = 10,
        monitor: str | None = None,
        minimum_change: float = 0.0,
        greater_is_better: bool | None = None,
        restore_best: bool = True,
    ):
        self.patience = check_count("patience", patience, at_least=1)
        self.monitor = monitor
        self.minimum_change = check_number("minimum_change", minimum_change, at_least=0)
        self.greater_is_better = greater_is_better
        self.restore_best = restore_best
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_fit_begin(self, trainer: Any) -> None:
        self.best, self.best_weights = None, None
        self.best_epoch = trainer.history[-1]["epoch"] if len(trainer.history) else 0

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        column, value = monitored("EarlyStopping", row, self.monitor)
        if improves(value, self.best, column, self.greater_is_better, self.minimum_change):
            self.best, self.best_epoch = value, row["epoch"]
            self.best_weights = _measured(trainer, column) if self.restore_best else None
        elif row["epoch"] - self.best_epoch >= self.patience:
            epochs = f"{self.patience} epoch{'' if self.patience == 1 else 's'}"
            if self.best is None:
                trainer.stop(f"{column} was not a finite number for {epochs}")
            else:
                trainer.stop(
                    f"{column} has not improved for {epochs}; "
                    f"best was {self.best:.4g} in epoch {self.best_epoch}"
                )

    def on_fit_end(self, trainer: Any) -> None:
        if self.best_weights is not None:
            trainer.set_weights(self.best_weights)

    def save_state(self) -> Mapping[str, Any]:
        return {name: getattr(self, name) for name in self.REMEMBERED}

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.best, self.best_epoch, self.best_weights = (state[name] for name in self.REMEMBERED)

    def __repr__(self) -> str:
        monitor = "" if self.monitor is None else f", monitor={self.monitor!r}"
        return f"EarlyStopping({self.patience}{monitor})"
