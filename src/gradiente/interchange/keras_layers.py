"""What becomes of the arrays of Keras's layers: one function for each layer that is known here.

Each takes a layer and the source of its arrays, and gives them by the names they have here.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError
from gradiente.interchange.source import Named, Source, with_two_biases, without_forget_bias
from gradiente.nn.attention import MultiHeadAttention
from gradiente.nn.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from gradiente.nn.dense import Dense
from gradiente.nn.embedding import Embedding
from gradiente.nn.group_normalization import GroupNorm
from gradiente.nn.learned_activations import PReLU
from gradiente.nn.module import Module
from gradiente.nn.normalization import BatchNorm, LayerNorm, RMSNorm
from gradiente.nn.recurrent import GRU, LSTM, RNN, Recurrent
from gradiente.nn.recurrent_cells import GRUCell, LSTMCell

Convert = Callable[[np.ndarray], np.ndarray]
Layer = Callable[[Any, Source], Named]


def _same(array: np.ndarray) -> np.ndarray:
    return array


def _weighted(convert: Convert) -> Layer:
    """A layer of a weight, which is converted, and a bias if it uses one."""

    def arrays(layer: Any, source: Source) -> Named:
        yield "weight", convert(source.take("vars/0"))
        if layer.use_bias:
            yield "bias", source.take("vars/1")

    return arrays


def _spread(kernel: np.ndarray) -> np.ndarray:
    """(*sizes, filters, channels) -> (*sizes, channels, filters)."""
    return np.swapaxes(kernel, -1, -2)


def _each_channel(kernel: np.ndarray) -> np.ndarray:
    """(*sizes, channels, multiplier) -> (*sizes, 1, channels · multiplier)."""
    return kernel.reshape(*kernel.shape[:-2], 1, -1)


def _separable(layer: SeparableConvolution, source: Source) -> Named:
    yield "depthwise.weight", _each_channel(source.take("vars/0"))
    yield "pointwise.weight", source.take("vars/1")
    if layer.pointwise.use_bias:
        yield "pointwise.bias", source.take("vars/2")


def _table(layer: Embedding, source: Source) -> Named:
    yield "weight", source.take("vars/0")


def _normalization(layer: Any, source: Source) -> Named:
    if layer.affine:
        yield "weight", source.take("vars/0")
        yield "bias", source.take("vars/1")


def _batch_norm(layer: BatchNorm, source: Source) -> Named:
    yield from _normalization(layer, source)
    first = 2 if layer.affine else 0
    yield "running_mean", source.take(f"vars/{first}")
    yield "running_variance", source.take(f"vars/{first + 1}")


def _scale(layer: RMSNorm, source: Source) -> Named:
    if layer.affine:
        yield "weight", source.take("vars/0")


def _slope(layer: PReLU, source: Source) -> Named:
    """One for each feature: those of places are shared, `shared_axes` of Keras."""
    yield "slope", source.take("vars/0").reshape(-1)


# -- recurrent layers ------------------------------------------------------------------------------


def _recurrent(layer: Recurrent, source: Source) -> Named:
    if len(layer.cells) > 1:
        raise InvalidArgumentError(
            f"{layer!r} is several layers in Keras: write one after the other here, too."
        )
    if not layer.bidirectional:
        yield from _cell(layer.cells[0], source, "cell", "cells.0")
        return
    yield from _cell(layer.cells[0], source, "forward_layer/cell", "cells.0")
    yield from _cell(layer.backward_cells[0], source, "backward_layer/cell", "backward_cells.0")


def _cell(cell: Any, source: Source, there: str, here: str) -> Named:
    order = _reset_first if isinstance(cell, GRUCell) else _same
    yield f"{here}.input_weight", order(source.take(f"{there}/vars/0"))
    recurrent = order(source.take(f"{there}/vars/1"))
    yield f"{here}.recurrent_weight", recurrent
    shape = (2, recurrent.shape[1]) if isinstance(cell, GRUCell) else recurrent.shape[1:]
    bias = np.zeros(shape, recurrent.dtype)
    if source.has(f"{there}/vars/2"):
        bias = source.take(f"{there}/vars/2")
    if isinstance(cell, GRUCell):
        if bias.ndim != 2:
            raise InvalidArgumentError(
                f"`{source.here}` was a GRU with reset_after=False, which is none of these layers."
            )
        for name, array in with_two_biases(3, cell.units, *map(_reset_first, bias)):
            yield f"{here}.{name}", array
        return
    if isinstance(cell, LSTMCell):
        bias = without_forget_bias(bias, cell.units, cell.forget_bias)
    yield f"{here}.bias", bias


def _reset_first(array: np.ndarray) -> np.ndarray:
    """The gates z, r, n of Keras's GRU in the order r, z, n."""
    z, r, n = np.split(array, 3, axis=-1)
    return np.concatenate([r, z, n], axis=-1)


# -- attention -------------------------------------------------------------------------------------


def _attention(layer: MultiHeadAttention, source: Source) -> Named:
    """Heads and their width are two axes in Keras."""
    for part in ("query", "key", "value"):
        weight = source.take(f"{part}_dense/vars/0")
        yield f"{part}.weight", weight.reshape(len(weight), -1)
        if layer.query.use_bias:
            yield f"{part}.bias", source.take(f"{part}_dense/vars/1").reshape(-1)
    weight = source.take("output_dense/vars/0")
    yield "output.weight", weight.reshape(-1, weight.shape[-1])
    if layer.output.use_bias:
        yield "output.bias", source.take("output_dense/vars/1")


KERAS: dict[type[Module], tuple[str, Layer]] = {
    Dense: ("dense", _weighted(_same)),
    Convolution: (r"conv[123]d", _weighted(_same)),
    TransposedConvolution: (r"conv[123]d_transpose", _weighted(_spread)),
    DepthwiseConvolution: (r"depthwise_conv[12]d", _weighted(_each_channel)),
    SeparableConvolution: (r"separable_conv[12]d", _separable),
    Embedding: ("embedding", _table),
    LayerNorm: ("layer_normalization", _normalization),
    GroupNorm: ("group_normalization", _normalization),
    BatchNorm: ("batch_normalization", _batch_norm),
    RMSNorm: ("rms_normalization", _scale),
    PReLU: ("p_re_lu", _slope),
    RNN: ("simple_rnn", _recurrent),
    LSTM: ("lstm", _recurrent),
    GRU: ("gru", _recurrent),
    MultiHeadAttention: ("multi_head_attention", _attention),
}
"""What each layer is called, without its number, and what becomes of its arrays."""


def name_of(layer: Module) -> str:
    """What a layer is called in Keras, as a pattern: both directions are a layer around another."""
    if isinstance(layer, Recurrent) and layer.bidirectional:
        return "bidirectional"
    return KERAS[type(layer)][0]
