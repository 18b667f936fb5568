"""Layers and networks."""

import gradiente.nn.tree  # noqa: F401, it makes modules trees
from gradiente.nn.activations import (
    ACTIVATIONS,
    elu,
    gelu,
    leaky_relu,
    linear,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from gradiente.nn.attention import MultiHeadAttention
from gradiente.nn.context import Context, is_training, next_key, running
from gradiente.nn.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from gradiente.nn.dense import Dense
from gradiente.nn.embedding import Embedding
from gradiente.nn.flatten import Flatten
from gradiente.nn.layers import LAYERS
from gradiente.nn.module import Module
from gradiente.nn.normalization import BatchNorm, LayerNorm
from gradiente.nn.pooling import (
    AdaptiveAveragePool,
    AdaptiveMaxPool,
    AveragePool,
    GlobalAveragePool,
    GlobalMaxPool,
    LPPool,
    MaxPool,
)
from gradiente.nn.positions import (
    LearnedPositions,
    LinearBiases,
    RotaryPositions,
    SinusoidalPositions,
)
from gradiente.nn.regularization import Dropout
from gradiente.nn.sequential import Sequential
from gradiente.nn.summary import summary
from gradiente.nn.transformer import (
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)

__all__ = [
    "ACTIVATIONS",
    "LAYERS",
    "AdaptiveAveragePool",
    "AdaptiveMaxPool",
    "AveragePool",
    "BatchNorm",
    "Context",
    "Convolution",
    "Dense",
    "DepthwiseConvolution",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "LPPool",
    "LayerNorm",
    "LearnedPositions",
    "LinearBiases",
    "MaxPool",
    "Module",
    "MultiHeadAttention",
    "RotaryPositions",
    "SeparableConvolution",
    "Sequential",
    "SinusoidalPositions",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "TransposedConvolution",
    "elu",
    "gelu",
    "is_training",
    "leaky_relu",
    "linear",
    "next_key",
    "relu",
    "running",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "summary",
    "tanh",
]
