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
from gradiente.nn.group_normalization import GroupNorm, InstanceNorm, LocalResponseNorm
from gradiente.nn.layers import LAYERS
from gradiente.nn.lsuv import lsuv
from gradiente.nn.module import Module
from gradiente.nn.normalization import BatchNorm, LayerNorm, RMSNorm, UnitNorm
from gradiente.nn.pooling import (
    AdaptiveAveragePool,
    AdaptiveMaxPool,
    AveragePool,
    GlobalAveragePool,
    GlobalMaxPool,
    LPPool,
    MaxPool,
)
from gradiente.nn.regularization import (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout,
    StochasticDepth,
)
from gradiente.nn.reparametrization import SpectralNorm, WeightNorm
from gradiente.nn.sequential import Sequential
from gradiente.nn.summary import summary

__all__ = [
    "ACTIVATIONS",
    "LAYERS",
    "AdaptiveAveragePool",
    "AdaptiveMaxPool",
    "AlphaDropout",
    "AveragePool",
    "BatchNorm",
    "Context",
    "Convolution",
    "Dense",
    "DepthwiseConvolution",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNorm",
    "InstanceNorm",
    "LPPool",
    "LayerNorm",
    "LocalResponseNorm",
    "MaxPool",
    "Module",
    "RMSNorm",
    "SeparableConvolution",
    "Sequential",
    "SpatialDropout",
    "SpectralNorm",
    "StochasticDepth",
    "TransposedConvolution",
    "UnitNorm",
    "WeightNorm",
    "elu",
    "gelu",
    "is_training",
    "leaky_relu",
    "linear",
    "lsuv",
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
