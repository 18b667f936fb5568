"""Every layer by its name."""

from gradiente.nn.dense import Dense
from gradiente.nn.embedding import Embedding
from gradiente.nn.flatten import Flatten
from gradiente.nn.module import Module
from gradiente.nn.normalization import BatchNorm, LayerNorm
from gradiente.nn.regularization import Dropout
from gradiente.nn.sequential import Sequential

LAYERS: dict[str, type[Module]] = {
    layer.__name__: layer
    for layer in (Sequential, Dense, Dropout, BatchNorm, LayerNorm, Embedding, Flatten)
}
