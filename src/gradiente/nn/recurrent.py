"""Recurrent layers: a cell over all steps of a sequence, in one or both directions, stacked."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import ShapeError
from gradiente.base.source import current_source
from gradiente.gradient.scan import scan
from gradiente.nn.context import is_training
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Module
from gradiente.nn.recurrent_cells import (
    GRUCell,
    LSTMCell,
    RecurrentCell,
    RNNCell,
    State,
    as_states,
)
from gradiente.nn.regularization import dropped
from gradiente.nn.representation import written
from gradiente.trace.functions import m


class Recurrent(Module):
    """A cell over all steps of a sequence: hₜ = cell(xₜ, hₜ₋₁); y is the output of each step.

    make_cell: a function that makes a `RecurrentCell` of its own for each layer and direction.
    layers: how many, each on the outputs of the one below. bidirectional: each layer also runs
    backwards, with another cell; the outputs of both stand side by side in the last axis.
    dropout: the rate between layers, in training. return_sequences: all outputs, as PyTorch; if
    false the last one of each sequence, as Keras by default.

    x: (batch, time, inputs) -> y: (batch, time, units), or (batch, units) without sequences; twice
    as wide if bidirectional.
    state: where to begin, one array or, for an LSTM, (h, c), of shape (layers · directions, batch,
    units); zeros if not given. mask: (batch, time), false where a sequence has ended: the state
    then stays as it is and y is 0, as for packed sequences of PyTorch; `sequence_mask` makes one of
    lengths. return_state: return (y, state) with the state after the last step.
    recompute: keep less memory for the gradient, see `gradiente.scan`.

    Raises `InvalidArgumentError` for sizes below 1 and a dropout outside [0, 1), `ShapeError` for
    arrays of other shapes.
    """

    def __init__(
        self,
        make_cell: Callable[[], RecurrentCell],
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        return_sequences: bool = True,
        recompute: bool = False,
    ):
        layers = check_count("layers", layers, at_least=1)
        self.bidirectional = bidirectional
        self.dropout = check_number("dropout", dropout, at_least=0, below=1)
        self.return_sequences = return_sequences
        self.recompute = recompute
        self.cells = [make_cell() for _ in range(layers)]
        self.backward_cells = [make_cell() for _ in range(layers)] if bidirectional else []

    def __call__(
        self, x: Any, state: Any = None, mask: Any = None, return_state: bool = False
    ) -> Any:
        x = floating(x, axes=2)
        if x.ndim != 3:
            raise ShapeError(
                f"{type(self).__name__} takes sequences of shape (batch, time, inputs); got shape "
                f"{tuple(x.shape)}." + current_source().explain()
            )
        begins = self._begins(x, state)
        kept = None if mask is None else self._by_time(self._checked_mask(x, mask))
        y, ends, last = m.swapaxes(x, 0, 1), [], []
        for number, cell in enumerate(self.cells):
            if number and self.dropout and is_training():
                y = dropped(y, self.dropout, tuple(y.shape))
            cells = [cell, *self.backward_cells[number : number + 1]]
            runs = [
                self._run(each, y, next(begins), kept, reverse=direction > 0)
                for direction, each in enumerate(cells)
            ]
            y = _beside([outputs for _, outputs in runs])
            last = [carry[0] for carry, _ in runs]
            ends += [carry for carry, _ in runs]
        result = m.swapaxes(y, 0, 1) if self.return_sequences else _beside(last)
        if not return_state:
            return result
        after = tuple(m.stack(list(arrays)) for arrays in zip(*ends, strict=True))
        return result, (after if len(after) > 1 else after[0])

    def _run(
        self, cell: RecurrentCell, x: Any, begin: State | None, mask: Any, reverse: bool
    ) -> tuple[State, Any]:
        """One direction of one layer over x of shape (time, batch, inputs)."""
        begin = cell.initial(x[0]) if begin is None else begin
        if x.shape[0] == 0:  # the cell then sees no input, but has its weights
            cell.step(begin, cell.contribution(np.zeros(x.shape[1:], x.dtype)))

        def step(state: State, given: Any) -> tuple[State, Any]:
            contribution, kept = given
            after = cell.step(state, contribution)
            if kept is None:
                return after, after[0]
            after = tuple(m.where(kept, new, old) for new, old in zip(after, state, strict=True))
            return after, m.where(kept, after[0], 0.0)

        sequences = (cell.contribution(x), mask)
        return scan(step, begin, sequences, reverse=reverse, recompute=self.recompute)

    def _begins(self, x: Any, state: Any) -> Any:
        """Where each layer and direction begins, in order."""
        count = len(self.cells) + len(self.backward_cells)
        if state is None:
            return iter([None] * count)
        states, units = as_states(state), self.cells[0].units
        expected = (count, x.shape[0], units)
        found = [
            tuple(np.shape(each) if not hasattr(each, "shape") else each.shape) for each in states
        ]
        if found != [expected] * self.cells[0].states:
            raise ShapeError(
                f"the state of this {type(self).__name__} is {self.cells[0].states} array(s) of "
                f"shape {expected} (layers · directions, batch, units); got {found}."
                + current_source().explain()
            )
        return iter([tuple(each[i] for each in states) for i in range(count)])

    def _checked_mask(self, x: Any, mask: Any) -> Any:
        mask = mask if hasattr(mask, "shape") else np.asarray(mask)
        if tuple(mask.shape) != tuple(x.shape[:2]):
            raise ShapeError(
                f"a mask says for each step of each sequence whether it counts: shape "
                f"{tuple(x.shape[:2])}; got {tuple(mask.shape)}." + current_source().explain()
            )
        return m.cast(mask, bool)

    def _by_time(self, mask: Any) -> Any:
        return m.expand_dims(m.swapaxes(mask, 0, 1), 2)

    def __repr__(self) -> str:
        return written(self, *self._arguments(), **self._settings())

    def _arguments(self) -> list[Any]:
        return [self.cells[0]]

    def _settings(self) -> dict[str, tuple[Any, Any]]:
        return {
            "layers": (len(self.cells), 1),
            "bidirectional": (self.bidirectional, False),
            "dropout": (self.dropout, 0.0),
            "return_sequences": (self.return_sequences, True),
            "recompute": (self.recompute, False),
        }


class RNN(Recurrent):
    """hₜ = f(xₜ W + b + hₜ₋₁ U): an `RNNCell` over all steps of a sequence.

    units: the length of the state; activation: f, the hyperbolic tangent unless another is given.
    settings: those of `Recurrent`, which says what it takes and returns.
    Elman, "Finding structure in time", Cognitive Science 14 (1990).
    """

    def __init__(self, units: int, activation: Callable[[Any], Any] = m.tanh, **settings: Any):
        self.activation = activation
        super().__init__(lambda: RNNCell(units, activation), **settings)

    def _arguments(self) -> list[Any]:
        return [self.cells[0].units]

    def _settings(self) -> dict[str, tuple[Any, Any]]:
        return {"activation": (self.activation, m.tanh), **super()._settings()}


class LSTM(Recurrent):
    """cₜ = f ⊙ cₜ₋₁ + i ⊙ g,   hₜ = o ⊙ tanh(cₜ): an `LSTMCell` over all steps of a sequence.

    units: the length of the state (h, c). settings: those of `Recurrent`, which says what it takes
    and returns.
    Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9 (1997).
    """

    def __init__(self, units: int, forget_bias: float = 1.0, **settings: Any):
        self.forget_bias = forget_bias
        super().__init__(lambda: LSTMCell(units, forget_bias), **settings)

    def _arguments(self) -> list[Any]:
        return [self.cells[0].units]

    def _settings(self) -> dict[str, tuple[Any, Any]]:
        return {"forget_bias": (self.forget_bias, 1.0), **super()._settings()}


class GRU(Recurrent):
    """hₜ = (1 - z) ⊙ n + z ⊙ hₜ₋₁: a `GRUCell` over all steps of a sequence.

    units: the length of the state. settings: those of `Recurrent`, which says what it takes and
    returns.
    Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014.
    """

    def __init__(self, units: int, **settings: Any):
        super().__init__(lambda: GRUCell(units), **settings)

    def _arguments(self) -> list[Any]:
        return [self.cells[0].units]


def sequence_mask(lengths: Any, length: int) -> Any:
    """True for the first `lengths[i]` of `length` steps of each sequence i: (batch, length)."""
    lengths = lengths if hasattr(lengths, "shape") else np.asarray(lengths)
    return np.arange(length) < m.expand_dims(lengths, 1)


def _beside(arrays: list[Any]) -> Any:
    return arrays[0] if len(arrays) == 1 else m.concatenate(arrays, axis=-1)
