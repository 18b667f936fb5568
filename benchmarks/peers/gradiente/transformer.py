"""The transformer of gradiente."""

from typing import Any

from benchmarks.networks.transformer import Transformer
from gradiente import nn


class Network(nn.Module):
    """Tokens (n, context) -> what may follow each of them, (n, context, vocabulary)"""

    def __init__(self, sizes: Transformer):
        self.tokens = nn.Embedding(sizes.vocabulary, sizes.width)
        self.positions = nn.LearnedPositions(sizes.context)
        self.blocks = [
            nn.TransformerEncoderLayer(
                sizes.width,
                sizes.heads,
                4 * sizes.width,
                dropout=0.0,
                activation=nn.gelu,
                norm_first=True,
                causal=True,
            )
            for _ in range(sizes.layers)
        ]
        self.norm = nn.LayerNorm()
        self.head = nn.Dense(sizes.vocabulary, use_bias=False)

    def __call__(self, x: Any) -> Any:
        x = self.positions(self.tokens(x))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))
