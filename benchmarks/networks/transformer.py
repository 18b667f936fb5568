"""A decoder of text: a generative pre-trained transformer, small."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from benchmarks.networks.drawing import normal
from benchmarks.networks.network import Weights

DEVIATION = 0.02  # of the starting weights, as in GPT-2
HABIT = 0.5  # how often a token is followed by the one that it prefers
PARTS = ("query", "key", "value")


@dataclass(frozen=True)
class Transformer:
    """Embeddings of tokens and places, pre-norm blocks, a norm, and a dense layer without bias.

    A block: x + attention(norm(x)), which is causal, then x + feed_forward(norm(x)), four times as
    wide, with the exact GELU. No dropout; the loss is the mean over all places.
    context: the length of the sequences. width: of the embeddings; the heads divide it.
    """

    vocabulary: int
    context: int
    width: int
    heads: int
    layers: int
    kind: str = field(default="transformer", init=False)
    regression: bool = field(default=False, init=False)

    @property
    def title(self) -> str:
        """Depth, heads, width, and what it reads."""
        return (
            f"GPT {self.layers} layers, {self.heads} heads, {self.width} wide, "
            f"context {self.context}, vocabulary {self.vocabulary}"
        )

    @property
    def products(self) -> list[int]:
        """First none: looking up is no product. Attention is counted for all pairs of places."""
        dense = self.context * 12 * self.width**2
        attention = 2 * self.context**2 * self.width
        head = self.context * self.width * self.vocabulary
        return [0, *[dense + attention] * self.layers, head]

    def data(self, random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Tokens (rows, context), and those that follow them (rows, context)."""
        preferred = random.permutation(self.vocabulary)
        text = random.integers(self.vocabulary, size=(rows, self.context + 1))
        habitual = random.random(text.shape) < HABIT
        for place in range(1, self.context + 1):
            follows = preferred[text[:, place - 1]]
            text[:, place] = np.where(habitual[:, place], follows, text[:, place])
        tokens = text.astype(np.int32)
        return np.ascontiguousarray(tokens[:, :-1]), np.ascontiguousarray(tokens[:, 1:])

    def weights(self, random: np.random.Generator) -> Weights:
        """Normal; biases at zero, norms at one."""
        found: Weights = {
            "tokens.weight": _drawn(random, self.vocabulary, self.width),
            "positions.weight": _drawn(random, self.context, self.width),
        }
        for block in range(self.layers):
            for name, shape in self._dense():
                found[f"blocks.{block}.{name}.weight"] = _drawn(random, *shape)
                found[f"blocks.{block}.{name}.bias"] = np.zeros(shape[1], np.float32)
        norms = [f"blocks.{block}.norms.{n}" for block in range(self.layers) for n in range(2)]
        for name in (*norms, "norm"):
            found[f"{name}.weight"] = np.ones(self.width, np.float32)
            found[f"{name}.bias"] = np.zeros(self.width, np.float32)
        return found | {"head.weight": _drawn(random, self.width, self.vocabulary)}

    def _dense(self) -> Iterator[tuple[str, tuple[int, int]]]:
        for name in ("query", "key", "value", "output"):
            yield f"attention.{name}", (self.width, self.width)
        yield "feed_forward.expand", (self.width, 4 * self.width)
        yield "feed_forward.contract", (4 * self.width, self.width)


def _drawn(random: np.random.Generator, *shape: int) -> np.ndarray:
    return normal(random, shape) * np.float32(DEVIATION)


def side_by_side(weights: Weights) -> Weights:
    """The weights of queries, keys and values as those of one dense layer, `parts`."""
    found = {n: w for n, w in weights.items() if not any(f".{part}." in n for part in PARTS)}
    for name in weights:
        if ".query." in name:
            parts = [weights[name.replace("query", part)] for part in PARTS]
            found[name.replace("query", "parts")] = np.concatenate(parts, axis=-1)
    return found
