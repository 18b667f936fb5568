"""What becomes of the arrays of PyTorch's layers: one function for each layer that is known here.

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
    TransposedConvolution,
)
from gradiente.nn.dense import Dense
from gradiente.nn.embedding import Embedding, EmbeddingBag
from gradiente.nn.group_normalization import GroupNorm, InstanceNorm
from gradiente.nn.learned_activations import PReLU
from gradiente.nn.merging import Bilinear
from gradiente.nn.module import Module
from gradiente.nn.normalization import BatchNorm, LayerNorm, RMSNorm
from gradiente.nn.recurrent import GRU, LSTM, RNN, Recurrent
from gradiente.nn.recurrent_cells import GRUCell, LSTMCell, RecurrentCell, RNNCell
from gradiente.nn.transformer import (
    TransformerDecoderLayer,
    TransformerEncoderLayer,
)

# -- layers with a weight and a bias ---------------------------------------------------------------


def _affine(layer: Any, source: Source) -> Named:
    if layer.affine:
        yield "weight", source.take("weight")
        yield "bias", source.take("bias")


def _batch_norm(layer: Any, source: Source) -> Named:
    yield from _affine(layer, source)
    yield "running_mean", source.take("running_mean")
    yield "running_variance", source.take("running_var")


def _scale(layer: Any, source: Source) -> Named:
    if layer.affine:
        yield "weight", source.take("weight")


def _table(layer: Any, source: Source) -> Named:
    yield "weight", source.take("weight")


def _slope(layer: Any, source: Source) -> Named:
    yield "slope", source.take("weight")


def _weighted(convert: Callable[[Any, np.ndarray], np.ndarray]) -> Callable[[Any, Source], Named]:
    """A layer of a weight, which is converted, and a bias if it uses one."""

    def arrays(layer: Any, source: Source) -> Named:
        yield "weight", convert(layer, source.take("weight"))
        if layer.use_bias:
            yield "bias", source.take("bias")

    return arrays


def _same(layer: Any, weight: np.ndarray) -> np.ndarray:
    return weight


def _transposed(layer: Any, weight: np.ndarray) -> np.ndarray:
    return weight.T


def _channels_last(layer: Any, kernel: np.ndarray) -> np.ndarray:
    """(filters, channels / groups, *sizes) -> (*sizes, channels / groups, filters)."""
    return np.moveaxis(kernel, (0, 1), (-1, -2))


def _spread(layer: Any, kernel: np.ndarray) -> np.ndarray:
    """(channels, filters / groups, *sizes) -> (*sizes, channels / groups, filters)."""
    channels, filters, *sizes = kernel.shape
    grouped = kernel.reshape(layer.groups, channels // layer.groups, filters, *sizes)
    last = np.moveaxis(grouped, (1, 0, 2), (-3, -2, -1))
    return last.reshape(*sizes, channels // layer.groups, layer.groups * filters)


# -- recurrent layers ------------------------------------------------------------------------------


def _cell(cell: RecurrentCell, source: Source, suffix: str = "") -> Named:
    """The weights of all gates lie in one array, in the same order as here."""
    yield "input_weight", source.take(f"weight_ih{suffix}").T
    recurrent = source.take(f"weight_hh{suffix}").T
    yield "recurrent_weight", recurrent
    ours = inner = np.zeros(recurrent.shape[1:], recurrent.dtype)
    if source.has(f"bias_ih{suffix}"):
        ours, inner = source.take(f"bias_ih{suffix}"), source.take(f"bias_hh{suffix}")
    if isinstance(cell, GRUCell):
        yield from with_two_biases(3, cell.units, ours, inner)
        return
    bias = ours + inner
    if isinstance(cell, LSTMCell):
        bias = without_forget_bias(bias, cell.units, cell.forget_bias)
    yield "bias", bias


def _recurrent(layer: Recurrent, source: Source) -> Named:
    for place, cell in enumerate(layer.cells):
        for name, array in _cell(cell, source, f"_l{place}"):
            yield f"cells.{place}.{name}", array
    for place, cell in enumerate(layer.backward_cells):
        for name, array in _cell(cell, source, f"_l{place}_reverse"):
            yield f"backward_cells.{place}.{name}", array


# -- attention -------------------------------------------------------------------------------------


def _attention(layer: MultiHeadAttention, source: Source) -> Named:
    """Query, key and value lie in one array if they have the same inputs, and else apart."""
    if layer.key_value_heads != layer.heads:
        raise InvalidArgumentError(
            f"{layer!r} has fewer heads of keys and values, which PyTorch's attention does not."
        )
    parts = ("query", "key", "value")
    if source.has("in_proj_weight"):
        weights = np.split(source.take("in_proj_weight"), 3)
    else:
        weights = [source.take(f"{letter}_proj_weight") for letter in "qkv"]
    for part, weight in zip(parts, weights, strict=True):
        yield f"{part}.weight", weight.T
    if layer.query.use_bias:
        for part, bias in zip(parts, np.split(source.take("in_proj_bias"), 3), strict=True):
            yield f"{part}.bias", bias
    yield "output.weight", source.take("out_proj.weight").T
    if layer.output.use_bias:
        yield "output.bias", source.take("out_proj.bias")


PYTORCH: dict[type[Module], Callable[[Any, Source], Named]] = {
    Dense: _weighted(_transposed),
    Convolution: _weighted(_channels_last),
    DepthwiseConvolution: _weighted(_channels_last),
    TransposedConvolution: _weighted(_spread),
    Bilinear: _weighted(_same),
    Embedding: _table,
    EmbeddingBag: _table,
    PReLU: _slope,
    LayerNorm: _affine,
    GroupNorm: _affine,
    InstanceNorm: _affine,
    RMSNorm: _scale,
    BatchNorm: _batch_norm,
    RNN: _recurrent,
    LSTM: _recurrent,
    GRU: _recurrent,
    RNNCell: _cell,
    LSTMCell: _cell,
    GRUCell: _cell,
    MultiHeadAttention: _attention,
}
"""How the arrays of each layer are found, and what becomes of them."""

_BOTH = {
    "attention": "self_attn",
    "feed_forward.expand": "linear1",
    "feed_forward.contract": "linear2",
    "norms.0": "norm1",
    "norms.1": "norm2",
}
RENAMED: dict[type[Module], dict[str, str]] = {
    TransformerEncoderLayer: _BOTH,
    TransformerDecoderLayer: {
        **_BOTH,
        "cross_attention": "multihead_attn",
        "norms.2": "norm3",
    },
}
"""What the layers inside of others are called in PyTorch."""
