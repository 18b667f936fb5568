"""Every layer by its name."""

from gradiente.nn.attention import MultiHeadAttention
from gradiente.nn.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from gradiente.nn.dense import Dense
from gradiente.nn.embedding import Embedding
from gradiente.nn.flatten import Flatten
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
from gradiente.nn.transformer import (
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)

LAYERS: dict[str, type[Module]] = {
    layer.__name__: layer
    for layer in (
        Sequential,
        Dense,
        Dropout,
        BatchNorm,
        LayerNorm,
        Embedding,
        Flatten,
        Convolution,
        TransposedConvolution,
        DepthwiseConvolution,
        SeparableConvolution,
        MaxPool,
        AveragePool,
        LPPool,
        GlobalMaxPool,
        GlobalAveragePool,
        AdaptiveMaxPool,
        AdaptiveAveragePool,
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
