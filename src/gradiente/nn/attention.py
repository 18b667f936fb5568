"""Attention as a layer: what looks, and at what, are made from its inputs by trained products."""

from typing import Any

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.base.source import current_source
from gradiente.initializers.constants import zeros
from gradiente.initializers.scaling import glorot_uniform
from gradiente.nn.context import is_training, next_key
from gradiente.nn.dense import Dense
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Initializer, Module
from gradiente.nn.positions import LinearBiases, RotaryPositions
from gradiente.trace.axes import shape_of
from gradiente.trace.functions import m

Positions = RotaryPositions | LinearBiases


class MultiHeadAttention(Module):
    """y = [head₁ … headₙ] W + b,  headₕ = softmax(qₕ kₕᵀ / √width) vₕ

    where q, k and v are dense layers (`query`, `key`, `value`) of the inputs, divided into heads of
    width features / heads, and W, b are those of the dense layer `output`.

        layer(x)                    # self-attention
        layer(x, memory)            # cross-attention: x looks at memory

    features: the length of the last axis of y. heads: how many; it divides the features.
    key_value_heads: how many heads keys and values have; it divides the heads (grouped queries).
    dropout: the share of the weights that is dropped in training.
    causal: the place t sees the places 0 … t only.
    positions: `RotaryPositions()` turns queries and keys, `LinearBiases()` changes the scores.

    x: (batch, time, any); memory: (batch, places, any) -> y: (batch, time, features)
    mask: true where x may look at memory: (time, places), (batch, time, places) or
    (batch, heads, time, places). key_mask: (batch, places), false for padding. Note that true means
    "is seen", as in `gd.attention`; in `torch.nn.MultiheadAttention` it means the opposite.
    A place that sees nothing gives zeros before the last dense layer.
    Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Weights start Glorot uniform, biases at zero, none with `use_bias=False`. Raises
    `InvalidArgumentError` for numbers that do not divide each other, `ShapeError` for inputs
    without those axes.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        *,
        key_value_heads: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        causal: bool = False,
        positions: Positions | None = None,
        weight_initializer: Initializer = glorot_uniform,
        bias_initializer: Initializer = zeros,
    ):
        self.features = check_count("features", features, at_least=1)
        self.heads = check_count("heads", heads, at_least=1)
        fewer = heads if key_value_heads is None else key_value_heads
        self.key_value_heads = check_count("key_value_heads", fewer, at_least=1)
        if self.features % self.heads:
            raise InvalidArgumentError(f"{features} features cannot be divided into {heads} heads.")
        if self.heads % self.key_value_heads:
            raise InvalidArgumentError(
                f"{heads} heads cannot be divided among {fewer} heads of keys and values."
            )
        if not isinstance(positions, Positions | None):
            raise InvalidArgumentError(
                f"`positions` is {positions!r}: it must be RotaryPositions() or LinearBiases(). "
                "SinusoidalPositions and LearnedPositions stand before the first such layer."
            )
        self.dropout = check_number("dropout", dropout, at_least=0, below=1)
        self.causal = causal
        self.positions = positions
        narrow = self.features // self.heads * self.key_value_heads
        options = (None, use_bias, weight_initializer, bias_initializer)
        self.query = Dense(self.features, *options)
        self.key = Dense(narrow, *options)
        self.value = Dense(narrow, *options)
        self.output = Dense(self.features, *options)

    def __call__(
        self,
        x: Any,
        memory: Any = None,
        value: Any = None,
        *,
        mask: Any = None,
        key_mask: Any = None,
    ) -> Any:
        """x looks at memory, which is x by default; value: what is taken from where it looks."""
        x = self._sequence(x)
        memory = x if memory is None else self._sequence(memory)
        value = memory if value is None else self._sequence(value)
        query = self._heads(self.query(x), self.heads)
        key = self._heads(self.key(memory), self.key_value_heads)
        if isinstance(self.positions, RotaryPositions):
            query, key = self.positions(query), self.positions(key)
        drops = is_training() and self.dropout > 0
        y = m.attention(
            query,
            key,
            self._heads(self.value(value), self.key_value_heads),
            mask=_combined(mask, key_mask),
            causal=self.causal,
            bias=self._bias(x.shape[1], memory.shape[1]),
            dropout=self.dropout if drops else 0.0,
            dropout_key=next_key() if drops else None,
        )
        together = m.reshape(m.transpose(y, (0, 2, 1, 3)), (*x.shape[:2], self.features))
        return self.output(together)

    def _sequence(self, x: Any) -> Any:
        x = floating(x)
        if x.ndim != 3:
            raise ShapeError(
                f"{self!r} takes (batch, time, features), not {list(x.shape)}."
                + current_source().explain()
            )
        return x

    def _heads(self, x: Any, heads: int) -> Any:
        """(batch, time, heads · width) -> (batch, heads, time, width)."""
        batch, time, features = x.shape
        apart = m.reshape(x, (batch, time, heads, features // heads))
        return m.transpose(apart, (0, 2, 1, 3))

    def _bias(self, time: int, places: int) -> Any:
        if isinstance(self.positions, LinearBiases):
            return self.positions.biases(self.heads, time, places)
        return None

    def __repr__(self) -> str:
        options = {
            "key_value_heads": (self.key_value_heads, self.heads),
            "dropout": (self.dropout, 0.0),
            "use_bias": (self.query.use_bias, True),
            "causal": (self.causal, False),
            "positions": (self.positions, None),
        }
        changed = [f", {name}={v!r}" for name, (v, default) in options.items() if v != default]
        return f"MultiHeadAttention({self.features}, {self.heads}{''.join(changed)})"


def _combined(mask: Any, key_mask: Any) -> Any:
    """One mask of four axes: (batch, heads, time, places), as far as it has them."""
    if mask is not None and len(shape_of(mask)) == 3:
        mask = m.expand_dims(mask, 1)
    if key_mask is None:
        return mask
    if len(shape_of(key_mask)) != 2:
        raise ShapeError(
            f"`key_mask` has shape {list(shape_of(key_mask))}, but says of each place if it is "
            "seen: (batch, places)." + current_source().explain()
        )
    key_mask = m.expand_dims(key_mask, (1, 2))
    return key_mask if mask is None else m.logical_and(mask, key_mask)
