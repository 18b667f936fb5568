"""What happened during training, one row per epoch, as plain data."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from gradiente.backends.compilations import Compilations
from gradiente.backends.profile import Profile
from gradiente.base.errors import InvalidArgumentError, TypeMismatchError, UnknownNameError
from gradiente.metrics.metric import METRICS, Metric
from gradiente.train.flow_plot import plot_flow
from gradiente.train.history_file import FLOW, read_rows, write_rows
from gradiente.train.history_flow import FlowRow, checked_flow
from gradiente.train.history_plot import plot_rows
from gradiente.train.history_table import html_table, text_table

Row = dict[str, Any]

VALIDATION = "validation_"


class History(Sequence[Row]):
    """One dict per epoch: epoch, seconds, learning_rate, loss, metrics, and those on validation.

    `history[-1]` is the last row, `history["loss"]` a column, `history.rows` the list itself, of
    which `pandas.DataFrame(history.rows)` makes a table. A column of measures on the validation
    data carries the prefix `validation_`. Values are Python numbers, nested lists of them for
    metrics such as a confusion matrix, or `None` where nothing was measured.
    `flow` is a list of dicts, one per epoch and layer: what the gradient did there, as
    `gradiente.train.flow` says, on the batches of the epoch that were looked at.
    `stopped` says in words why training ended, and is `None` while it runs. `compilations` counts
    what was compiled for it in this process; `profile` says where the time of the last fit went, if
    that was asked for. These two are not part of files.
    """

    def __init__(
        self, rows: Iterable[Row] = (), stopped: str | None = None, flow: Iterable[FlowRow] = ()
    ) -> None:
        if stopped is not None and not isinstance(stopped, str):
            raise TypeMismatchError(f"`stopped` is a text or None, not {stopped!r}.")
        self.rows: list[Row] = []
        self.flow = checked_flow(flow)
        self.stopped = stopped
        self.compilations = Compilations()
        self.profile: Profile | None = None
        for row in rows:
            self.append(row)

    def append(self, row: Row) -> None:
        """Add the row of one more epoch; arrays and NumPy numbers become plain Python ones."""
        epoch = row.get("epoch") if isinstance(row, dict) else None
        if not isinstance(epoch, int | np.integer) or isinstance(epoch, bool) or epoch < 0:
            raise InvalidArgumentError(
                f'a row needs "epoch", an integer of 0 or more, not {epoch!r}.'
            )
        if self.rows and epoch <= self.rows[-1]["epoch"]:
            raise InvalidArgumentError(
                f"epoch {epoch} cannot follow epoch {self.rows[-1]['epoch']}: rows are in order."
            )
        if "stopped" in row:
            raise InvalidArgumentError("set `history.stopped`; it is no column of a row.")
        if FLOW in row:
            raise InvalidArgumentError(f"`{FLOW}` is no column of a row: see `history.flow`.")
        self.rows.append({str(name): _plain(name, value) for name, value in row.items()})

    @property
    def columns(self) -> list[str]:
        """The names of all columns, in the order in which they first appear."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice | str) -> list[Any]: ...
    def __getitem__(self, key: int | slice | str) -> Any:
        if not isinstance(key, str):
            return self.rows[key]
        if key not in self.columns:
            raise UnknownNameError(
                f"the history has no column `{key}`; it has {', '.join(self.columns) or 'no rows'}."
            )
        return [row.get(key) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        mine, others = (self.rows, self.stopped, self.flow), (other.rows, other.stopped, other.flow)
        return mine == others

    __hash__ = None  # type: ignore[assignment]  # it is mutable, as a list is

    def best(self, column: str | None = None, *, greater_is_better: bool | None = None) -> Row:
        """The row with the best value of `column`, the first of equal ones.

        column: by default `validation_loss`, or `loss` where nothing was validated.
        greater_is_better: for a loss it is `False`, for a metric of `METRICS` that metric's own;
        for any other column it must be given.
        Values that are missing or not finite never win. Raises `InvalidArgumentError` when no row
        has a value to compare.
        """
        column = column or self._monitored()
        values = self[column]
        sign = -1.0 if grows_better(column, greater_is_better) else 1.0
        finite = [
            (sign * value, position)
            for position, value in enumerate(values)
            if isinstance(value, int | float) and math.isfinite(value)
        ]
        if not finite:
            raise InvalidArgumentError(f"no epoch has a finite number as its `{column}`.")
        return self.rows[min(finite)[1]]

    def _monitored(self) -> str:
        return "validation_loss" if "validation_loss" in self.columns else "loss"

    def _best_epoch(self) -> int | None:
        """The epoch to mark in tables and plots, where there is one."""
        try:
            return int(self.best()["epoch"])
        except (InvalidArgumentError, UnknownNameError):
            return None

    def to_jsonl(self, path: str | Path) -> None:
        """Write one line of strict JSON per epoch; the file is replaced as a whole or not at all.

        A line also carries the flow of its epoch, the last one `stopped`. Numbers that JSON does
        not have are written as the strings "NaN", "Infinity" and "-Infinity". Raises `RunError`
        where it cannot be written.
        """
        write_rows(Path(path), self.rows, self.stopped, self.flow)

    @classmethod
    def from_jsonl(cls, path: str | Path) -> "History":
        """Read what `to_jsonl` wrote; `RunError` names the line where the file is damaged."""
        rows, stopped, flow = read_rows(Path(path))
        return cls(rows, stopped, flow)

    def plot(self, columns: Sequence[str] | None = None) -> Any:
        """A plotly figure: a panel for the loss and for each metric, with the best epoch marked.

        columns: the measures to show, named without `validation_`; all that are numbers by default.
        """
        return plot_rows(self.rows, columns, self._best_epoch(), self._monitored())

    def plot_flow(self, statistic: str = "gradient") -> Any:
        """A plotly heat map of the flow: output layer on top, input layer below, over the epochs.

        statistic: "gradient", "error", "activation", "update", "dead" or "saturated".
        """
        return plot_flow(self.flow, statistic)

    def __repr__(self) -> str:
        table = text_table(self.rows, self.columns, self._best_epoch(), self._caption())
        return "\n".join([table, *self._footer()])

    def _repr_html_(self) -> str:
        table = html_table(self.rows, self.columns, self._best_epoch(), self._caption())
        return "".join([table, *self._footer()])

    def _footer(self) -> list[str]:
        return [f"Compilations: {self.compilations}"] if self.compilations.variants else []

    def _caption(self) -> str:
        number = len(self.rows)
        caption = f"History of {number} epoch{'' if number == 1 else 's'}"
        if self.stopped is not None:
            caption += f"; stopped: {self.stopped}"
        if self._best_epoch() is not None:
            caption += f" (* best {self._monitored()})"
        return caption


def grows_better(column: str, given: bool | None = None) -> bool:
    """Whether a greater value of a column is better; `given` decides where it is not known."""
    if given is not None:
        return given
    name = column.removeprefix(VALIDATION)
    if name == "loss":
        return False
    metric = METRICS.get(name)
    if isinstance(metric, Metric) and metric.greater_is_better is not None:
        return metric.greater_is_better
    raise InvalidArgumentError(
        f"it is not known whether a greater `{column}` is better: "
        "give greater_is_better=True or False."
    )


def _plain(name: str, value: Any) -> Any:
    """The value as Python numbers and lists, which JSON, tables and plots all understand."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(name, each) for each in value]
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise TypeMismatchError(
        f"`{name}` in a row of the history must be a number, an array of numbers or None, "
        f"not {value!r}."
    )
