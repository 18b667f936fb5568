"""Attention against PyTorch and plain loops: masks, groups, biases, what sees nothing, errors."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError

RANDOM = np.random.default_rng(6)
BATCH, HEADS, TIME, PLACES, WIDTH, VALUE = 3, 4, 5, 7, 6, 2
TIGHT = {"rtol": 1e-10, "atol": 1e-13}


def inputs(key_heads=HEADS, dtype=np.float64):
    shapes = [(HEADS, TIME, WIDTH), (key_heads, PLACES, WIDTH), (key_heads, PLACES, VALUE)]
    return [RANDOM.normal(size=(BATCH, *shape)).astype(dtype) for shape in shapes]


def some_mask(*shape):
    """Places that are seen; nobody sees the first three, and the first query sees nothing."""
    mask = RANDOM.uniform(size=shape) < 0.6
    mask[..., -1], mask[..., :3] = True, False
    mask[..., 0, :] = False
    return mask


OPTIONS = {
    "plain": {},
    "scaled": {"scale": 0.7},
    "causal": {"causal": True},
    "mask": {"mask": some_mask(BATCH, HEADS, TIME, PLACES)},
    "mask for all": {"mask": some_mask(TIME, PLACES)},
    "mask of places": {"mask": RANDOM.uniform(size=(BATCH, 1, 1, PLACES)) < 0.5},
    "mask and causal": {"mask": some_mask(BATCH, 1, TIME, PLACES), "causal": True},
    "bias": {"bias": RANDOM.normal(size=(HEADS, TIME, PLACES))},
    "infinite bias": {"bias": np.where(some_mask(1, HEADS, TIME, PLACES), 0.5, -np.inf)},
    "all": {
        "mask": some_mask(BATCH, 1, TIME, PLACES),
        "bias": np.where(some_mask(TIME, PLACES), RANDOM.normal(size=(TIME, PLACES)), -np.inf),
        "causal": True,
        "scale": 2.0,
    },
}
every_option = pytest.mark.parametrize("name", OPTIONS)
groups = pytest.mark.parametrize("key_heads", [HEADS, 2, 1])


def theirs(torch, arrays, *, mask=None, causal=False, scale=None, bias=None):
    """PyTorch's, which takes one mask and no bias besides: everything is made a bias."""
    total = np.zeros((BATCH, HEADS, TIME, PLACES))
    if bias is not None:
        total = total + bias
    if mask is not None:
        total = np.where(mask, total, -np.inf)
    if causal:
        total = np.where(np.tri(TIME, PLACES, dtype=bool), total, -np.inf)
    return torch.nn.functional.scaled_dot_product_attention(
        *arrays, attn_mask=torch.tensor(total), scale=scale, enable_gqa=True
    )


@groups
@every_option
def test_values_and_gradients_are_pytorchs(name, key_heads):
    torch = pytest.importorskip("torch")
    arrays, options = inputs(key_heads), OPTIONS[name]
    variables = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = theirs(torch, variables, **options)
    value = gd.attention(*arrays, **options)
    np.testing.assert_allclose(value, expected.detach().numpy(), **TIGHT)
    g = RANDOM.normal(size=value.shape)
    expected.backward(torch.tensor(g))
    ours = gd.grad(lambda *xs: np.sum(gd.attention(*xs, **options) * g), (0, 1, 2))(*arrays)
    for gradient, variable in zip(ours, variables, strict=True):
        np.testing.assert_allclose(gradient, variable.grad.numpy(), **TIGHT)


def test_causal_is_pytorchs_own():
    torch = pytest.importorskip("torch")
    arrays = inputs()
    expected = torch.nn.functional.scaled_dot_product_attention(
        *map(torch.tensor, arrays), is_causal=True
    )
    np.testing.assert_allclose(gd.attention(*arrays, causal=True), expected.numpy(), **TIGHT)


@pytest.mark.parametrize("causal", [False, True])
@groups
def test_values_are_those_of_jax(key_heads, causal):
    jax = pytest.importorskip("jax")
    mask = some_mask(BATCH, HEADS, TIME, PLACES)
    mask[..., 0] = True  # JAX has no zeros for what sees nothing
    arrays = [a.astype(np.float32) for a in inputs(key_heads)]
    value = np.concatenate([arrays[2]] * (WIDTH // VALUE), axis=-1)  # JAX wants one width
    apart = [np.swapaxes(a, 1, 2) for a in (*arrays[:2], value)]
    expected = jax.nn.dot_product_attention(*apart, mask=mask, is_causal=causal)
    ours = gd.attention(*arrays[:2], value, mask=mask, causal=causal)
    np.testing.assert_allclose(np.swapaxes(ours, 1, 2), expected, rtol=1e-4, atol=1e-5)


@every_option
def test_values_are_those_of_a_loop(name):
    """One query after the other, with the number of heads of keys that all others divide."""
    query, key, value = inputs(2)
    options = OPTIONS[name]
    y = gd.attention(query, key, value, **options)
    shape = (BATCH, HEADS, TIME, PLACES)
    mask = np.broadcast_to(options.get("mask", True), shape)
    bias = np.broadcast_to(options.get("bias", 0.0), shape)
    scale = options.get("scale", WIDTH**-0.5)
    for n, head, time in np.ndindex(*shape[:3]):
        seen = mask[n, head, time] & (bias[n, head, time] > -np.inf)
        if options.get("causal"):
            seen = seen & (np.arange(PLACES) <= time)
        scores = key[n, head // 2] @ query[n, head, time] * scale + bias[n, head, time]
        e = np.exp(scores[seen])
        expected = e @ value[n, head // 2][seen] / e.sum() if seen.any() else np.zeros(VALUE)
        np.testing.assert_allclose(y[n, head, time], expected, rtol=1e-10, atol=1e-13)


@groups
@every_option
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_it_is_the_same(name, key_heads, dtype):
    arrays, options = inputs(key_heads, dtype), dict(OPTIONS[name])
    weight = RANDOM.normal(size=(BATCH, HEADS, TIME, VALUE)).astype(dtype)
    given = {k: options.pop(k).astype(dtype) if k == "bias" else options.pop(k)
             for k in ("mask", "bias") if k in options}  # fmt: skip

    def loss(arrays, given):
        y = gd.attention(*arrays, **given, **options)
        return np.sum(y * weight), y

    function = gd.value_and_grad(loss, has_aux=True)
    native, numpy = (
        gd.compile(function, backend)(arrays, given) for backend in ("native", "numpy")
    )
    (total, y), gradients = native
    (expected_total, expected_y), expected_gradients = numpy
    tolerance = {np.float32: 1e-5, np.float64: 1e-12}[dtype]
    for got, expected in zip(
        (total, y, *gradients), (expected_total, expected_y, *expected_gradients), strict=True
    ):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def test_a_trained_bias_has_pytorchs_gradient():
    torch = pytest.importorskip("torch")
    arrays, bias = inputs(), RANDOM.normal(size=(HEADS, TIME, PLACES))
    bias[1, 2, 3] = -np.inf
    variable = torch.tensor(bias, requires_grad=True)
    expected = torch.nn.functional.scaled_dot_product_attention(
        *map(torch.tensor, arrays), attn_mask=variable
    )
    (expected**2).sum().backward()
    gradient = gd.grad(lambda bias: np.sum(gd.attention(*arrays, bias=bias) ** 2))(bias)
    np.testing.assert_allclose(gradient, variable.grad.numpy(), **TIGHT)
    assert gradient[1, 2, 3] == 0


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_what_sees_nothing_gives_zeros_and_no_gradient(backend):
    arrays = inputs()
    mask = np.ones((BATCH, 1, 1, PLACES), bool)
    mask[1] = False

    def loss(*arrays):
        y = gd.attention(*arrays, mask=mask)
        return np.sum(np.exp(y)), y

    function = gd.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True)
    (_, y), gradients = gd.compile(function, backend)(*arrays)
    assert (y[1] == 0).all() and (y[[0, 2]] != 0).all()
    for gradient in gradients:
        assert (gradient[1] == 0).all() and np.isfinite(gradient).all()


def test_large_scores_do_not_overflow():
    arrays = [1e4 * a for a in inputs(dtype=np.float32)]
    y = gd.attention(*arrays, causal=True)
    assert np.isfinite(y).all()
    assert (np.abs(y) <= np.abs(arrays[2]).max()).all()


@every_option
def test_the_weights_are_those_of_attention(name):
    query, key, value = inputs(2)
    weights = gd.attention_weights(query, key, **OPTIONS[name])
    assert weights.shape == (BATCH, HEADS, TIME, PLACES)
    total = weights.sum(axis=-1)
    assert ((np.abs(total - 1) < 1e-12) | (total == 0)).all()
    y = weights @ np.repeat(value, 2, axis=1)
    np.testing.assert_allclose(y, gd.attention(query, key, value, **OPTIONS[name]), **TIGHT)


def test_dropout_drops_weights_and_keeps_their_mean():
    query, key = np.zeros((2, 3, 400, 4)), np.zeros((2, 3, 50, 4))
    value = np.ones((2, 3, 50, 1))
    random = gd.random.key(3)
    y = gd.attention(query, key, value, dropout=0.25, dropout_key=random)
    kept = y * 50 * 0.75
    np.testing.assert_allclose(kept, np.round(kept), atol=1e-9)
    assert abs(y.mean() - 1) < 0.01 and y.std() > 0.05
    again = gd.attention(query, key, value, dropout=0.25, dropout_key=random)
    np.testing.assert_array_equal(y, again)
    np.testing.assert_allclose(gd.attention(query, key, value, dropout=0.0), 1, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"query": np.ones((3, 5, 6))}, ShapeError, r"shape \(batch, heads, time, width\)"),
        ({"query": np.ones((3, 4, 5, 8))}, ShapeError, "one width"),
        ({"query": np.ones((3, 3, 5, 6))}, ShapeError, "3 heads cannot be divided among 4"),
        ({"value": np.ones((3, 4, 6, 2))}, ShapeError, "key and value need one number"),
        ({"mask": np.ones((3, 5, 7), bool)}, ShapeError, r"`mask` has shape \[3, 5, 7\]"),
        ({"bias": np.ones((5, 5))}, ShapeError, r"`bias` has shape \[5, 5\].*\[3, 4, 5, 7\]"),
        ({"mask": np.ones((5, 7), int)}, TypeMismatchError, "write `mask != 0`"),
        ({"dropout": 1.0}, InvalidArgumentError, "below 1"),
        ({"dropout": 0.5}, InvalidArgumentError, "needs `dropout_key`"),
    ],
)
def test_what_does_not_fit_is_refused(change, error, says):
    arguments = dict(zip(("query", "key", "value"), inputs(), strict=True))
    with pytest.raises(error, match=says):
        gd.attention(**{**arguments, **change})
    if "dropout" not in change:
        with pytest.raises(error, match=says):
            gd.compile(lambda arguments: gd.attention(**arguments))({**arguments, **change})


def test_keys_without_places_are_refused():
    query = np.ones((1, 2, 3, 4))
    with pytest.raises(ShapeError, match="nothing to look at"):
        gd.attention(query, query[:, :, :0], query[:, :, :0])
