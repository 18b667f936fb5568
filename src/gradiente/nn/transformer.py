"""Blocks of attention and dense layers around which the input is led, and stacks of them."""

import copy
from collections.abc import Callable
from typing import Any

from gradiente.base.arguments import check_count
from gradiente.base.errors import TypeMismatchError
from gradiente.nn.attention import MultiHeadAttention, Positions
from gradiente.nn.dense import Dense
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Module
from gradiente.nn.normalization import LayerNorm
from gradiente.nn.rectifiers import relu
from gradiente.nn.regularization import Dropout

Activation = Callable[[Any], Any]
MakeNorm = Callable[[], Module]


class FeedForward(Module):
    """y = W₂ dropout(activation(W₁ x + b₁)) + b₂, for each place alone."""

    def __init__(
        self, features: int, width: int, activation: Activation, dropout: float, use_bias: bool
    ):
        self.expand = Dense(width, use_bias=use_bias)
        self.activation = activation
        self.dropout = Dropout(dropout)
        self.contract = Dense(features, use_bias=use_bias)

    def __call__(self, x: Any) -> Any:
        return self.contract(self.dropout(self.activation(self.expand(x))))


class TransformerEncoderLayer(Module):
    """u = norm(x + attention(x)),  y = norm(u + feed_forward(u))

    norm_first: u = x + attention(norm(x)), y = u + feed_forward(norm(u)), which trains more easily
    when there are many layers. Before each sum there is dropout.

    features, heads: as in `MultiHeadAttention`; x has as many features. feed_forward: the width of
    the dense layer in between. dropout: also that of the weights of attention and of that layer.
    normalization: what makes the two norms, `functools.partial(nn.LayerNorm, epsilon=1e-6)` for
    example. key_value_heads, causal, positions, use_bias: as in `MultiHeadAttention`; use_bias is
    for all dense layers. With causal=True and norm_first=True it is the block of GPT-2.

    x: (batch, time, features) -> y: the same; mask, key_mask: as in `MultiHeadAttention`.
    `torch.nn.TransformerEncoderLayer`, with its defaults.
    Vaswani et al., "Attention is all you need", NeurIPS 2017; for norm_first Xiong et al., "On
    layer normalization in the transformer architecture", ICML 2020.

    Raises the errors of `MultiHeadAttention`, and `InvalidArgumentError` for other sizes below 1.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        feed_forward: int = 2048,
        *,
        dropout: float = 0.1,
        activation: Activation = relu,
        norm_first: bool = False,
        normalization: MakeNorm = LayerNorm,
        key_value_heads: int | None = None,
        causal: bool = False,
        positions: Positions | None = None,
        use_bias: bool = True,
    ):
        self.attention = MultiHeadAttention(
            features,
            heads,
            key_value_heads=key_value_heads,
            dropout=dropout,
            use_bias=use_bias,
            causal=causal,
            positions=positions,
        )
        width = check_count("feed_forward", feed_forward, at_least=1)
        self.feed_forward = FeedForward(features, width, activation, dropout, use_bias)
        self.norm_first = norm_first
        self.norms = [normalization() for _ in range(2)]
        self.dropout = Dropout(dropout)

    def __call__(self, x: Any, *, mask: Any = None, key_mask: Any = None) -> Any:
        def look(x: Any) -> Any:
            return self.attention(x, mask=mask, key_mask=key_mask)

        parts = (look, self.feed_forward)
        return _around(floating(x), parts, self.norms, self.dropout, self.norm_first)

    def __repr__(self) -> str:
        return _shown(self, self.attention)


class TransformerDecoderLayer(Module):
    """u = norm(x + attention(x)),  v = norm(u + look(u, memory)),  y = norm(v + feed_forward(v))

    The first attention is causal, as a decoder's has to be; `causal=False` for one that is given
    everything. All else as in `TransformerEncoderLayer`.

    x: (batch, time, features); memory, what an encoder returned: (batch, places, any)
    -> y: (batch, time, features). mask, key_mask: for x at itself; memory_mask, memory_key_mask:
    for x at memory. positions are those of x at itself; across there are none.
    `torch.nn.TransformerDecoderLayer`, given a causal mask.

    Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        feed_forward: int = 2048,
        *,
        dropout: float = 0.1,
        activation: Activation = relu,
        norm_first: bool = False,
        normalization: MakeNorm = LayerNorm,
        key_value_heads: int | None = None,
        causal: bool = True,
        positions: Positions | None = None,
        use_bias: bool = True,
    ):
        shared: dict[str, Any] = {
            "key_value_heads": key_value_heads,
            "dropout": dropout,
            "use_bias": use_bias,
        }
        self.attention = MultiHeadAttention(
            features, heads, causal=causal, positions=positions, **shared
        )
        self.cross_attention = MultiHeadAttention(features, heads, **shared)
        width = check_count("feed_forward", feed_forward, at_least=1)
        self.feed_forward = FeedForward(features, width, activation, dropout, use_bias)
        self.norm_first = norm_first
        self.norms = [normalization() for _ in range(3)]
        self.dropout = Dropout(dropout)

    def __call__(
        self,
        x: Any,
        memory: Any,
        *,
        mask: Any = None,
        key_mask: Any = None,
        memory_mask: Any = None,
        memory_key_mask: Any = None,
    ) -> Any:
        def look(x: Any) -> Any:
            return self.attention(x, mask=mask, key_mask=key_mask)

        def look_across(x: Any) -> Any:
            return self.cross_attention(x, memory, mask=memory_mask, key_mask=memory_key_mask)

        parts = (look, look_across, self.feed_forward)
        return _around(floating(x), parts, self.norms, self.dropout, self.norm_first)

    def __repr__(self) -> str:
        return _shown(self, self.attention)


class TransformerEncoder(Module):
    """y = norm(layerₙ(… layer₁(x))): copies of one layer, one after the other.

        nn.TransformerEncoder(nn.TransformerEncoderLayer(128, 4), 6)

    layer: copied as it is; one that has not met data starts with other weights in each place.
    norm: a layer for the end, which those with norm_first=True want.
    mask, key_mask: given to each layer. x, y: (batch, time, features).

    Raises `InvalidArgumentError` for less than one layer, `TypeMismatchError` for what is none.

    Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """

    def __init__(self, layer: TransformerEncoderLayer, count: int, norm: Module | None = None):
        self.layers = _copies(layer, count, TransformerEncoderLayer)
        self.norm = norm

    def __call__(self, x: Any, *, mask: Any = None, key_mask: Any = None) -> Any:
        for layer in self.layers:
            x = layer(x, mask=mask, key_mask=key_mask)
        return x if self.norm is None else self.norm(x)

    def __repr__(self) -> str:
        return _stack(self, self.layers, self.norm)


class TransformerDecoder(Module):
    """y = norm(layerₙ(… layer₁(x, memory) …, memory)): copies of one layer, one after the other.

    Arguments and errors as those of `TransformerEncoder`, for a `TransformerDecoderLayer`; x,
    memory and the masks as there.

    Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """

    def __init__(self, layer: TransformerDecoderLayer, count: int, norm: Module | None = None):
        self.layers = _copies(layer, count, TransformerDecoderLayer)
        self.norm = norm

    def __call__(
        self,
        x: Any,
        memory: Any,
        *,
        mask: Any = None,
        key_mask: Any = None,
        memory_mask: Any = None,
        memory_key_mask: Any = None,
    ) -> Any:
        masks = {
            "mask": mask,
            "key_mask": key_mask,
            "memory_mask": memory_mask,
            "memory_key_mask": memory_key_mask,
        }
        for layer in self.layers:
            x = layer(x, memory, **masks)
        return x if self.norm is None else self.norm(x)

    def __repr__(self) -> str:
        return _stack(self, self.layers, self.norm)


def _around(
    x: Any, parts: tuple[Activation, ...], norms: list[Module], dropout: Dropout, norm_first: bool
) -> Any:
    """Each part in turn, added to what goes around it."""
    for part, norm in zip(parts, norms, strict=True):
        x = x + dropout(part(norm(x))) if norm_first else norm(x + dropout(part(x)))
    return x


def _copies(layer: Module, count: int, kind: type[Module]) -> list[Module]:
    if not isinstance(layer, kind):
        raise TypeMismatchError(f"the stack is made of a {kind.__name__}, not of {layer!r}.")
    return [copy.deepcopy(layer) for _ in range(check_count("count", count, at_least=1))]


def _shown(
    layer: TransformerEncoderLayer | TransformerDecoderLayer, look: MultiHeadAttention
) -> str:
    width = layer.feed_forward.expand.units
    name = type(layer).__name__
    options = {
        "dropout": (layer.dropout.rate, 0.1),
        "activation": (layer.feed_forward.activation, relu),
        "norm_first": (layer.norm_first, False),
        "key_value_heads": (look.key_value_heads, look.heads),
        "causal": (look.causal, isinstance(layer, TransformerDecoderLayer)),
        "positions": (look.positions, None),
        "use_bias": (look.query.use_bias, True),
    }
    changed = [
        f", {option}={getattr(v, '__name__', repr(v))}"
        for option, (v, default) in options.items()
        if v != default
    ]
    between = "" if width == 2048 else f", {width}"
    return f"{name}({look.features}, {look.heads}{between}{''.join(changed)})"


def _stack(stack: Module, layers: list[Module], norm: Module | None) -> str:
    end = "" if norm is None else f", {norm!r}"
    return f"{type(stack).__name__}({layers[0]!r}, {len(layers)}{end})"
