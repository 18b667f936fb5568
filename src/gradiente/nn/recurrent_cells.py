"""One step of a recurrent network: cells, which know their state and how it goes on.

A cell computes what inputs contribute for all steps at once, by one product of matrices; the loop
over the steps then only has the product with the state to do.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count
from gradiente.initializers.constants import zeros
from gradiente.initializers.orthogonality import orthogonal
from gradiente.initializers.scaling import glorot_uniform
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Initializer, Module
from gradiente.nn.representation import written
from gradiente.trace.functions import m
from gradiente.trace.random import fold_in

State = tuple[Any, ...]


class RecurrentCell(Module):
    """What all cells share: their weights, and the state before the first step.

    units: the length of the state. input_weight: (inputs, gates · units); recurrent_weight:
    (units, gates · units); bias: (gates · units,), where `gates` is how many arrays of the length
    of the state a step computes. Called on x of shape (..., inputs) and a state, a cell returns the
    next state.

    Input weights start Glorot uniform, recurrent ones orthogonal, gate by gate, and biases at zero,
    as in Keras; PyTorch draws all from ±1/√units. Raises `InvalidArgumentError` for units below 1.
    """

    gates = 1
    states = 1  # arrays the state consists of

    def __init__(
        self,
        units: int,
        input_initializer: Initializer = glorot_uniform,
        recurrent_initializer: Initializer = orthogonal,
        bias_initializer: Initializer = zeros,
    ):
        self.units = check_count("units", units, at_least=1)
        self.input_initializer = input_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
        self.input_weight: Any = None
        self.recurrent_weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any, state: Any = None) -> Any:
        x = floating(x, axes=1)
        given = self.initial(x) if state is None else state
        after = self.step(as_states(given), self.contribution(x))
        return after[0] if self.states == 1 else after

    def initial(self, x: Any) -> State:
        """Zeros for each sample of x, of shape (..., inputs)."""
        return (np.zeros((*x.shape[:-1], self.units), x.dtype),) * self.states

    def contribution(self, x: Any) -> Any:
        """x W + b, for any number of steps at once: (..., inputs) -> (..., gates · units)."""
        shape = (x.shape[-1], self.gates * self.units)
        initializer = gate_by_gate(self.input_initializer, self.gates)
        bias = self.parameter("bias", shape[1:], self.bias_initializer, x.dtype)
        return x @ self.parameter("input_weight", shape, initializer, x.dtype) + bias

    def recurrence(self, h: Any) -> Any:
        """h U: what the state contributes to the gates."""
        shape = (self.units, self.gates * self.units)
        initializer = gate_by_gate(self.recurrent_initializer, self.gates)
        return h @ self.parameter("recurrent_weight", shape, initializer, h.dtype)

    def step(self, state: State, contribution: Any) -> State:
        """The next state; its first array is the output."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return written(self, self.units)


class RNNCell(RecurrentCell):
    """h′ = f(x W + b + h U)

    activation: f, the hyperbolic tangent unless something else is given. x: (..., inputs),
    h: (..., units), at first zeros -> h′. Further: `RecurrentCell`.
    Elman, "Finding structure in time", Cognitive Science 14 (1990).
    """

    def __init__(self, units: int, activation: Callable[[Any], Any] = m.tanh, **initializers: Any):
        super().__init__(units, **initializers)
        self.activation = activation

    def step(self, state: State, contribution: Any) -> State:
        (h,) = state
        return (self.activation(contribution + self.recurrence(h)),)

    def __repr__(self) -> str:
        return written(self, self.units, activation=(self.activation, m.tanh))


class LSTMCell(RecurrentCell):
    """c′ = f ⊙ c + i ⊙ g,   h′ = o ⊙ tanh(c′),   i, f, g, o = σ, σ, tanh, σ of x W + b + h U

    i, f and o decide what of the input is written, of the old state kept, of the new one shown; the
    gates lie in the order of PyTorch and Keras. forget_bias: added to f before σ, so that a new
    network remembers; PyTorch has 0, Keras 1. x: (..., inputs), state (h, c) -> (h′, c′).
    Further: `RecurrentCell`.
    Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9 (1997); Jozefowicz et
    al., "An empirical exploration of recurrent network architectures", ICML 2015.
    """

    gates = 4
    states = 2

    def __init__(self, units: int, forget_bias: float = 1.0, **initializers: Any):
        super().__init__(units, **initializers)
        self.forget_bias = forget_bias

    def step(self, state: State, contribution: Any) -> State:
        h, c = state
        i, f, g, o = m.split(contribution + self.recurrence(h), 4, axis=-1)
        c = m.sigmoid(f + self.forget_bias) * c + m.sigmoid(i) * m.tanh(g)
        return m.sigmoid(o) * m.tanh(c), c

    def __repr__(self) -> str:
        return written(self, self.units, forget_bias=(self.forget_bias, 1.0))


class GRUCell(RecurrentCell):
    """h′ = (1 - z) ⊙ n + z ⊙ h,   n = tanh((x W + b)ₙ + r ⊙ ((h U)ₙ + bₕ))

    with r, z = σ((x W + b + h U)ᵣ,ᶻ): r decides what of the state the proposal n sees, z what of
    the state is kept. The reset gate acts after the product, as in PyTorch and in Keras with
    `reset_after`; the gates lie in the order r, z, n of PyTorch. recurrent_bias: bₕ, (units,).
    x: (..., inputs), h -> h′.
    Further: `RecurrentCell`.
    Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014.
    """

    gates = 3

    def __init__(self, units: int, **initializers: Any):
        super().__init__(units, **initializers)
        self.recurrent_bias: Any = None

    def step(self, state: State, contribution: Any) -> State:
        (h,) = state
        bias = self.parameter("recurrent_bias", (self.units,), self.bias_initializer, h.dtype)
        ours, recurrent = contribution, self.recurrence(h)
        gates, n = 2 * self.units, slice(2 * self.units, None)
        r, z = m.split(m.sigmoid(ours[..., :gates] + recurrent[..., :gates]), 2, axis=-1)
        proposal = m.tanh(ours[..., n] + r * (recurrent[..., n] + bias))
        return (proposal + z * (h - proposal),)


def as_states(state: Any) -> State:
    """A state of one array or several as a tuple."""
    return tuple(state) if isinstance(state, tuple | list) else (state,)


def gate_by_gate(initializer: Initializer, gates: int) -> Initializer:
    """The weights of each gate drawn as a matrix of their own."""

    def drawn(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        own = (*shape[:-1], shape[-1] // gates)
        parts = [initializer(fold_in(key, gate), own, dtype) for gate in range(gates)]
        return np.concatenate([np.asarray(part) for part in parts], axis=-1)

    return drawn
