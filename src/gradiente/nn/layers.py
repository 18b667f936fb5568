"""Every layer by its name."""

from gradiente.nn.attention import MultiHeadAttention
from gradiente.nn.branches import Parallel, Residual
from gradiente.nn.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from gradiente.nn.dense import Dense
from gradiente.nn.embedding import Embedding, EmbeddingBag
from gradiente.nn.flatten import Flatten
from gradiente.nn.gated import Highway, SqueezeExcite
from gradiente.nn.group_normalization import GroupNorm, InstanceNorm, LocalResponseNorm
from gradiente.nn.learned_activations import PReLU, Snake, Swish
from gradiente.nn.merging import (
    Add,
    Average,
    Bilinear,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
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
from gradiente.nn.positions import (
    LearnedPositions,
    LinearBiases,
    RotaryPositions,
    SinusoidalPositions,
)
from gradiente.nn.random_activations import GumbelSoftmax, RReLU
from gradiente.nn.recurrent import GRU, LSTM, RNN
from gradiente.nn.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout,
    StochasticDepth,
)
from gradiente.nn.reparametrization import SpectralNorm, WeightNorm
from gradiente.nn.resizing import Crop, Pad, PixelShuffle, PixelUnshuffle, Upsample
from gradiente.nn.sequential import Sequential
from gradiente.nn.shapes import Lambda, Permute, RepeatVector, Reshape, Unflatten
from gradiente.nn.tabular import (
    CategoryEmbedding,
    FeatureTokenizer,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
)
from gradiente.nn.transformer import (
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)

BASIC = (Sequential, Dense, Embedding, EmbeddingBag, Flatten)
CONVOLUTION = (
    Convolution,
    TransposedConvolution,
    DepthwiseConvolution,
    SeparableConvolution,
)
POOLING = (
    MaxPool,
    AveragePool,
    LPPool,
    GlobalMaxPool,
    GlobalAveragePool,
    AdaptiveMaxPool,
    AdaptiveAveragePool,
)
NORMALIZATION = (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    RMSNorm,
    SpectralNorm,
    UnitNorm,
    WeightNorm,
)
REGULARIZATION = (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout,
    StochasticDepth,
    ActivityRegularization,
)
BRANCHES = (Residual, Parallel, Highway, SqueezeExcite)
MERGING = (Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot, Bilinear)
SHAPES = (Reshape, Unflatten, Permute, RepeatVector, Lambda)
TABULAR = (CategoryEmbedding, PeriodicEmbedding, PiecewiseLinearEmbedding, FeatureTokenizer)
RESIZING = (Pad, Crop, Upsample, PixelShuffle, PixelUnshuffle)
RECURRENT = (RNN, LSTM, GRU)
ACTIVATION = (PReLU, RReLU, Swish, Snake, GumbelSoftmax)

LAYERS: dict[str, type[Module]] = {
    layer.__name__: layer
    for layer in (
        *BASIC,
        *CONVOLUTION,
        *POOLING,
        *NORMALIZATION,
        *REGULARIZATION,
        *BRANCHES,
        *MERGING,
        *SHAPES,
        *RESIZING,
        *TABULAR,
        *RECURRENT,
        *ACTIVATION,
        MultiHeadAttention,
        SinusoidalPositions,
        LearnedPositions,
        RotaryPositions,
        LinearBiases,
        TransformerEncoderLayer,
        TransformerDecoderLayer,
        TransformerEncoder,
        TransformerDecoder,
    )
}
"""Every layer by name."""
