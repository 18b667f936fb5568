"""Attention layers and transformer blocks: against PyTorch by its weights; masks, errors."""

from functools import partial

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.gradient.derivatives import grad

RANDOM = np.random.default_rng(7)
TIGHT = {"rtol": 1e-10, "atol": 1e-12}
BATCH, TIME, PLACES, FEATURES, HEADS = 3, 5, 6, 8, 4

X = RANDOM.normal(size=(BATCH, TIME, FEATURES))
MEMORY = RANDOM.normal(size=(BATCH, PLACES, FEATURES))
SEEN = RANDOM.uniform(size=(TIME, TIME)) < 0.6
SEEN[:, 0] = True
KEYS = np.arange(TIME) < np.array([[5], [3], [1]])
MEMORY_KEYS = np.arange(PLACES) < np.array([[2], [6], [4]])


def jittered(layer):
    """Values that are not all zeros or ones, so that nothing cancels by accident."""
    for path, value in layer.parameters().items():
        layer.load_state({**layer.state(), path: value + 0.3 * RANDOM.normal(size=value.shape)})
    return layer


def copied(torch, pairs):
    """Our arrays into PyTorch's layers: dense weights are turned, products of inputs joined."""
    with torch.no_grad():
        for target, values in pairs:
            target.copy_(torch.tensor(np.concatenate([np.array(v.T) for v in values])))


def attention_pairs(ours, theirs):
    yield theirs.in_proj_weight, [ours.query.weight, ours.key.weight, ours.value.weight]
    yield theirs.in_proj_bias, [ours.query.bias, ours.key.bias, ours.value.bias]
    yield theirs.out_proj.weight, [ours.output.weight]
    yield theirs.out_proj.bias, [ours.output.bias]


def block_pairs(ours, theirs):
    yield from attention_pairs(ours.attention, theirs.self_attn)
    if isinstance(ours, nn.TransformerDecoderLayer):
        yield from attention_pairs(ours.cross_attention, theirs.multihead_attn)
    for ours_, theirs_ in (
        (ours.feed_forward.expand, theirs.linear1),
        (ours.feed_forward.contract, theirs.linear2),
        *((norm, getattr(theirs, f"norm{i + 1}")) for i, norm in enumerate(ours.norms)),
    ):
        yield theirs_.weight, [ours_.weight]
        yield theirs_.bias, [ours_.bias]


def same(torch, ours, theirs, pairs, arrays, call, their_call):
    """Values, gradients of the inputs, gradients of all parameters."""
    copied(torch, pairs(ours, theirs))
    variables = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = their_call(theirs, *variables)
    weight = RANDOM.normal(size=expected.shape)
    np.testing.assert_allclose(call(ours, *arrays), expected.detach().numpy(), **TIGHT)
    (expected * torch.tensor(weight)).sum().backward()
    places = tuple(range(len(arrays) + 1))
    gradients, *towards = grad(lambda *a: np.sum(call(*a) * weight), places)(ours, *arrays)
    for gradient, variable in zip(towards, variables, strict=True):
        np.testing.assert_allclose(gradient, variable.grad.numpy(), **TIGHT)
    for parameter, values in pairs(gradients, theirs):
        joined = np.concatenate([v.T for v in values])
        np.testing.assert_allclose(joined, parameter.grad.numpy(), **TIGHT)


def hidden(torch, seen):
    """PyTorch's masks of attention layers say what is not seen."""
    return None if seen is None else torch.tensor(~seen)


MASKS = {
    "everything": {},
    "mask": {"mask": SEEN},
    "keys": {"key_mask": KEYS},
    "both": {"mask": SEEN, "key_mask": KEYS},
    "for each head": {"mask": np.stack([SEEN, SEEN.T | np.eye(TIME, dtype=bool)] * 6).reshape(
        BATCH, HEADS, TIME, TIME)},
}  # fmt: skip


@pytest.mark.parametrize("name", MASKS)
def test_self_attention_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours = jittered(nn.MultiHeadAttention(FEATURES, HEADS).initialize(X))
    theirs = torch.nn.MultiheadAttention(FEATURES, HEADS, batch_first=True).double()
    given = MASKS[name]
    mask = given.get("mask")
    mask = mask.reshape(-1, TIME, TIME) if mask is not None and mask.ndim == 4 else mask
    options = {
        "attn_mask": hidden(torch, mask),
        "key_padding_mask": hidden(torch, given.get("key_mask")),
        "need_weights": False,
    }
    same(
        torch,
        ours,
        theirs,
        attention_pairs,
        [X],
        lambda layer, x: layer(x, **given),
        lambda layer, x: layer(x, x, x, **options)[0],
    )


def test_cross_attention_is_pytorchs():
    torch = pytest.importorskip("torch")
    ours = jittered(nn.MultiHeadAttention(FEATURES, HEADS).initialize(X))
    theirs = torch.nn.MultiheadAttention(FEATURES, HEADS, batch_first=True).double()
    same(
        torch,
        ours,
        theirs,
        attention_pairs,
        [X, MEMORY, RANDOM.normal(size=MEMORY.shape)],
        lambda layer, *arrays: layer(*arrays, key_mask=MEMORY_KEYS),
        lambda layer, *arrays: layer(*arrays, key_padding_mask=hidden(torch, MEMORY_KEYS))[0],
    )


def test_a_mask_of_three_axes_is_one_for_each_sample():
    layer = jittered(nn.MultiHeadAttention(FEATURES, HEADS).initialize(X))
    masks = np.stack([SEEN, SEEN.T | np.eye(TIME, dtype=bool), np.tri(TIME, dtype=bool)])
    together = layer(X, mask=masks)
    for n in range(BATCH):
        np.testing.assert_allclose(
            together[n : n + 1], layer(X[n : n + 1], mask=masks[n]), rtol=1e-12
        )


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_an_encoder_layer_is_pytorchs(norm_first, activation):
    torch = pytest.importorskip("torch")
    ours = nn.TransformerEncoderLayer(
        FEATURES, HEADS, 12, activation=nn.ACTIVATIONS[activation], norm_first=norm_first
    )
    theirs = torch.nn.TransformerEncoderLayer(
        FEATURES, HEADS, 12, 0.0, activation, batch_first=True, norm_first=norm_first
    ).double()
    options = {"src_mask": hidden(torch, SEEN), "src_key_padding_mask": hidden(torch, KEYS)}
    same(
        torch,
        jittered(ours.initialize(X)),
        theirs,
        block_pairs,
        [X],
        lambda layer, x: layer(x, mask=SEEN, key_mask=KEYS),
        lambda layer, x: layer(x, **options),
    )


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_decoder_layer_is_pytorchs(norm_first):
    torch = pytest.importorskip("torch")
    ours = nn.TransformerDecoderLayer(FEATURES, HEADS, 12, norm_first=norm_first)
    theirs = torch.nn.TransformerDecoderLayer(
        FEATURES, HEADS, 12, 0.0, batch_first=True, norm_first=norm_first
    ).double()
    options = {
        "tgt_mask": hidden(torch, np.tri(TIME, dtype=bool)),
        "memory_key_padding_mask": hidden(torch, MEMORY_KEYS),
    }
    same(
        torch,
        jittered(ours.initialize(X, MEMORY)),
        theirs,
        block_pairs,
        [X, MEMORY],
        lambda layer, x, memory: layer(x, memory, memory_key_mask=MEMORY_KEYS),
        lambda layer, x, memory: layer(x, memory, **options),
    )


def stack_pairs(ours, theirs):
    for one, other in zip(ours.layers, theirs.layers, strict=True):
        yield from block_pairs(one, other)
    yield theirs.norm.weight, [ours.norm.weight]
    yield theirs.norm.bias, [ours.norm.bias]


def test_an_encoder_is_pytorchs():
    torch = pytest.importorskip("torch")
    layer = torch.nn.TransformerEncoderLayer(
        FEATURES, HEADS, 12, 0.0, batch_first=True, norm_first=True
    )
    norm = torch.nn.LayerNorm(FEATURES, eps=0.1)
    theirs = torch.nn.TransformerEncoder(layer, 3, norm, enable_nested_tensor=False).double()
    block = nn.TransformerEncoderLayer(FEATURES, HEADS, 12, norm_first=True)
    ours = nn.TransformerEncoder(block, 3, nn.LayerNorm(epsilon=0.1))
    same(
        torch,
        jittered(ours.initialize(X)),
        theirs,
        stack_pairs,
        [X],
        lambda layer, x: layer(x, key_mask=KEYS),
        lambda layer, x: layer(x, src_key_padding_mask=hidden(torch, KEYS)),
    )


def test_a_decoder_is_pytorchs():
    torch = pytest.importorskip("torch")
    layer = torch.nn.TransformerDecoderLayer(FEATURES, HEADS, 12, 0.0, batch_first=True)
    theirs = torch.nn.TransformerDecoder(layer, 2, torch.nn.LayerNorm(FEATURES)).double()
    block = nn.TransformerDecoderLayer(FEATURES, HEADS, 12)
    ours = nn.TransformerDecoder(block, 2, nn.LayerNorm())
    causal = hidden(torch, np.tri(TIME, dtype=bool))
    same(
        torch,
        jittered(ours.initialize(X, MEMORY)),
        theirs,
        stack_pairs,
        [X, MEMORY],
        lambda layer, x, memory: layer(x, memory),
        lambda layer, x, memory: layer(x, memory, tgt_mask=causal),
    )


def test_a_causal_layer_does_not_see_what_comes_later():
    for positions in (None, nn.RotaryPositions(), nn.LinearBiases()):
        layer = nn.TransformerEncoderLayer(
            FEATURES, HEADS, 12, causal=True, key_value_heads=2, positions=positions
        ).initialize(X)
        changed = X.copy()
        changed[:, 3] += 1
        different = np.any(layer(changed) != layer(X), axis=(0, 2))
        assert different.tolist() == [False, False, False, True, True]


def test_padding_changes_nothing():
    layer = jittered(nn.TransformerEncoderLayer(FEATURES, HEADS, 12).initialize(X))
    alone = layer(X[1:2, :3])
    np.testing.assert_allclose(layer(X, key_mask=KEYS)[1, :3], alone[0], rtol=1e-12)


def test_a_place_that_sees_nothing_gives_the_bias():
    layer = jittered(nn.MultiHeadAttention(FEATURES, HEADS).initialize(X))
    y = layer(X, key_mask=np.zeros((BATCH, TIME), bool))
    np.testing.assert_allclose(y, np.broadcast_to(layer.output.bias, y.shape), rtol=1e-12)


def test_grouped_queries_share_keys_and_values():
    """One with as many heads, of which neighbours are equal, is the same."""
    fewer = nn.MultiHeadAttention(FEATURES, HEADS, key_value_heads=2).initialize(X)
    every = nn.MultiHeadAttention(FEATURES, HEADS).initialize(X)
    width = FEATURES // HEADS

    def repeated(array):
        apart = array.reshape(-1, 2, width)
        return np.repeat(apart, 2, axis=1).reshape(*array.shape[:-1], FEATURES)

    state = fewer.state()
    every.load_state(
        {k: repeated(v) if k.startswith(("key", "value")) else v for k, v in state.items()}
    )
    np.testing.assert_allclose(fewer(X), every(X), rtol=1e-12)


@pytest.mark.parametrize("key_value_heads", [1, 2, 4])
def test_dropout_acts_in_training_only(key_value_heads):
    layer = nn.MultiHeadAttention(
        FEATURES, HEADS, dropout=0.5, key_value_heads=key_value_heads
    ).initialize(X)
    key = gd.random.key(1)
    with nn.running(nn.Context(training=True, key=key)):
        first = layer(X)
        assert np.any(first != layer(X))  # another draw
    with nn.running(nn.Context(training=True, key=key)):
        np.testing.assert_array_equal(layer(X), first)
    np.testing.assert_array_equal(layer(X), layer(X))


def test_the_layers_of_a_stack_start_differently():
    stack = nn.TransformerEncoder(nn.TransformerEncoderLayer(FEATURES, HEADS, 12), 2).initialize(X)
    first, second = (layer.attention.query.weight for layer in stack.layers)
    assert np.all(first != second)


def test_trained_layers_are_copied_as_they_are():
    layer = nn.TransformerEncoderLayer(FEATURES, HEADS, 12).initialize(X)
    stack = nn.TransformerEncoder(layer, 2)
    np.testing.assert_array_equal(stack(X), layer(layer(X)))


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.MultiHeadAttention(8, 4), "MultiHeadAttention(8, 4)"),
        (
            nn.MultiHeadAttention(8, 4, key_value_heads=2, causal=True, use_bias=False),
            "MultiHeadAttention(8, 4, key_value_heads=2, use_bias=False, causal=True)",
        ),
        (
            nn.TransformerEncoderLayer(8, 4, activation=nn.gelu, positions=nn.RotaryPositions()),
            "TransformerEncoderLayer(8, 4, activation=gelu, positions=RotaryPositions())",
        ),
        (
            nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 4, 9), 2, nn.LayerNorm()),
            "TransformerDecoder(TransformerDecoderLayer(8, 4, 9), 2, LayerNorm())",
        ),
    ],
)
def test_names(layer, text):
    assert repr(layer) == text


def test_another_normalization():
    make = partial(nn.LayerNorm, epsilon=0.5)
    layer = nn.TransformerEncoderLayer(FEATURES, HEADS, 12, normalization=make)
    assert [norm.epsilon for norm in layer.norms] == [0.5, 0.5]


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InvalidArgumentError, match="10 features cannot be divided into 4 heads"):
        nn.MultiHeadAttention(10, 4)
    with pytest.raises(InvalidArgumentError, match="4 heads cannot be divided among 3"):
        nn.MultiHeadAttention(8, 4, key_value_heads=3)
    with pytest.raises(InvalidArgumentError, match="stand before the first"):
        nn.MultiHeadAttention(8, 4, positions=nn.SinusoidalPositions())
    with pytest.raises(ShapeError, match=r"takes \(batch, time, features\), not \[5, 8\]"):
        nn.MultiHeadAttention(8, 4)(X[0])
    with pytest.raises(ShapeError, match=r"`key_mask` has shape \[5, 5\]|does not broadcast"):
        nn.MultiHeadAttention(8, 4)(X, key_mask=SEEN)
    with pytest.raises(ShapeError, match=r"`key_mask` has shape \[5\]"):
        nn.MultiHeadAttention(8, 4)(X, key_mask=SEEN[0])
    with pytest.raises(TypeMismatchError, match="true or false"):
        nn.MultiHeadAttention(8, 4)(X, mask=SEEN.astype(float))
    with pytest.raises(TypeMismatchError, match="made of a TransformerEncoderLayer, not of Dense"):
        nn.TransformerEncoder(nn.Dense(3), 2)
    with pytest.raises(InvalidArgumentError, match="count"):
        nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 4), 0)
