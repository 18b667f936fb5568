"""The transformer of PyTorch: one product for queries, keys and values, and its fused attention."""

from typing import Any

import torch

from benchmarks.networks.network import Weights
from benchmarks.networks.transformer import Transformer, side_by_side


class Attention(torch.nn.Module):
    """Of several heads, causal."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.parts = torch.nn.Linear(width, 3 * width)
        self.output = torch.nn.Linear(width, width)

    def forward(self, x: Any) -> Any:
        """(n, context, width) -> (n, context, width)"""
        apart = self.parts(x).unflatten(-1, (3, self.heads, -1))
        query, key, value = apart.permute(2, 0, 3, 1, 4)
        y = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.output(y.transpose(1, 2).flatten(-2))


class FeedForward(torch.nn.Module):
    """Each place alone."""

    def __init__(self, width: int):
        super().__init__()
        self.expand = torch.nn.Linear(width, 4 * width)
        self.contract = torch.nn.Linear(4 * width, width)

    def forward(self, x: Any) -> Any:
        """(n, context, width) -> (n, context, width)"""
        return self.contract(torch.nn.functional.gelu(self.expand(x)))


class TransformerBlock(torch.nn.Module):
    """Pre-norm."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.attention = Attention(width, heads)
        self.feed_forward = FeedForward(width)
        self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(width) for _ in range(2))

    def forward(self, x: Any) -> Any:
        """(n, context, width) -> (n, context, width)"""
        first, second = self.norms
        x = x + self.attention(first(x))
        return x + self.feed_forward(second(x))


class Network(torch.nn.Module):
    """Tokens (n, context) -> what may follow each of them, (n, context, vocabulary)"""

    def __init__(self, sizes: Transformer):
        super().__init__()
        self.tokens = torch.nn.Embedding(sizes.vocabulary, sizes.width)
        self.positions = torch.nn.Embedding(sizes.context, sizes.width)
        self.blocks = torch.nn.Sequential(
            *(TransformerBlock(sizes.width, sizes.heads) for _ in range(sizes.layers))
        )
        self.norm = torch.nn.LayerNorm(sizes.width)
        self.head = torch.nn.Linear(sizes.width, sizes.vocabulary, bias=False)

    def forward(self, x: Any) -> Any:
        """All places are in use."""
        return self.head(self.norm(self.blocks(self.tokens(x) + self.positions.weight)))


def prepared(x: Any) -> Any:
    """Looking up takes long integers without conversion."""
    return x.long()


def renamed(weights: Weights) -> Weights:
    """One layer for queries, keys and values."""
    return side_by_side(weights)
