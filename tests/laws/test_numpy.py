"""Ordinary NumPy works on traced values: same value, shape and data type as on plain arrays.

Each row is an expression. It is evaluated on arrays by NumPy alone, then under `gd.compile` and
under `gd.grad`; the smooth ones are differentiated and compared with differences of NumPy's values.
"""

import numpy as np
import pytest

import gradiente as gd
from gradiente.backends.registry import BACKENDS
from gradiente.base.trees import flatten
from gradiente.trace.functions import Tensor
from gradiente.trace.tensor import constant

# x, y: (3, 4)   v: (4,)   w: (4, 2)   t: (2, 3, 4)   q: (2, 1, 4, 5)   a: (3, 3)   s: ()
# o: (1, 4)   e: (0, 3)   n: int64 (3, 4)   k: int32 (3,)   u: uint8 (4,)   p: bool (3, 4)
SMOOTH = """
np.tanh(x)
np.exp(x) - np.log(np.abs(x) + 1)
np.sin(x) * np.cos(y) / (2 + np.tan(0.3 * x))
np.arctan2(x, np.exp(y))
np.hypot(x, y)
np.logaddexp(x, v)
np.log1p(x * x) + np.expm1(y)
np.sqrt(np.exp(x)) + np.square(v)
np.maximum(x, v) + np.minimum(x, 0.1)
np.abs(x) + np.absolute(v) + abs(y)
np.power(np.abs(x), 1.5)
np.clip(x, -0.5, 0.5)
np.clip(x, a_min=-0.5, a_max=None)
np.clip(x, min=v, max=2)
np.where(p, x, y)
np.where(x > 0, x, v * y)
np.where(p, x, 0.0)
np.copysign(x, y)
np.reciprocal(x + 5)
np.arcsinh(x) + np.arctan(y)
np.sinh(x) + np.cosh(y)
np.positive(x) + np.negative(y)
np.true_divide(x, 3) + np.multiply(x, y) + np.subtract(x, v)
x + 1
1 - x
2 * x / (4 + x)
1 / (3 + x)
x ** 2
x ** 3
np.abs(x) ** 0.5
2 ** x
x ** n
np.exp(y) ** x
-x + +y
x + v
v + x
x + np.ones((2, 1, 1))
np.ones((2, 1, 1)) * x
np.float64(2) * x
x * np.float32(2)
np.int64(3) - x
x - [1, 2, 3, 4]
[1, 2, 3, 4] + x
x * n
x * p
x * True
x % 1.5
x @ w
v @ w
x @ v
v @ v
t @ w
t @ v
v @ np.swapaxes(t, 1, 2)
q @ np.ones((5, 2))
np.ones((3, 2, 3, 2)) @ np.swapaxes(t, 1, 2)[:, :2]
q @ np.swapaxes(q, -1, -2)
np.matmul(x, w)
np.dot(x, w)
np.dot(v, v)
np.dot(t, w)
np.dot(x, 2)
np.dot(t, q[0])
np.vdot(x, y)
np.vecdot(x, y)
np.inner(x, y)
np.inner(t, v)
np.outer(v, x)
np.tensordot(x, w, 1)
np.tensordot(t, x, axes=([1, 2], [0, 1]))
np.tensordot(t, x, axes=(-1, 1))
np.tensordot(x, y)
np.tensordot(x, v, axes=0)
np.sum(x)
np.sum(x, axis=0)
np.sum(x, axis=-1, keepdims=True)
np.sum(t, axis=(0, -1))
np.sum(x, axis=())
np.sum(x, dtype=np.float64)
np.mean(x)
np.mean(x, axis=0, keepdims=True)
np.mean(t, axis=(1, 2))
np.var(x)
np.var(x, axis=1, ddof=1)
np.var(t, axis=(0, 2), keepdims=True)
np.var(x, axis=0, correction=1)
np.std(x, axis=0)
np.std(x, ddof=1)
np.prod(x)
np.prod(x, axis=1)
np.prod(t, axis=(0, -1), keepdims=True)
np.max(x)
np.max(x, axis=1, keepdims=True)
np.min(t, axis=(0, 2))
np.amax(x, axis=0)
np.cumsum(x)
np.cumsum(x, axis=-2)
np.cumulative_sum(v)
np.average(x, axis=0)
np.average(x, weights=np.exp(y))
np.average(x, axis=1, weights=np.exp(v))
np.add.reduce(x)
np.add.reduce(x, axis=1, keepdims=True)
np.multiply.reduce(x, axis=1)
np.maximum.reduce(t, axis=(0, 1))
np.reshape(x, (2, 6))
np.reshape(t, -1)
np.reshape(t, (3, -1, 2))
np.ravel(t)
np.transpose(t)
np.transpose(t, (1, 2, 0))
np.permute_dims(t, (2, 0, 1))
np.matrix_transpose(t)
np.swapaxes(t, 0, -1)
np.moveaxis(t, 0, -1)
np.moveaxis(q, [0, 1], [-1, 0])
np.squeeze(q)
np.squeeze(q, axis=1)
np.expand_dims(x, 1)
np.expand_dims(x, (0, -1))
np.broadcast_to(v, (2, 3, 4))
np.broadcast_arrays(x, v)
np.concatenate([x, y])
np.concatenate([x, y, np.ones((3, 1))], axis=-1)
np.concatenate((x, t), axis=None)
np.concatenate([v, [1, 2]])
np.concat([x, y], axis=1)
np.stack([x, y])
np.stack([x, y], axis=-1)
np.stack([v, np.arange(4)], 1)
np.stack([s, s * 2, 3.0])
np.vstack([x, v])
np.hstack([x, y])
np.hstack([v, v])
np.split(x, 2, axis=1)
np.split(x, [1, 3], axis=-1)
np.split(v, 4)
np.flip(x)
np.flip(t, (0, 2))
np.roll(x, 2)
np.roll(x, -1, axis=1)
np.roll(t, (1, 2), (0, 2))
np.tile(v, 3)
np.tile(x, (2, 1, 2))
np.tile(t, 2)
np.repeat(v, 2)
np.repeat(x, 3, axis=1)
np.repeat(x, [1, 0, 2], axis=0)
np.pad(x, 1)
np.pad(x, ((1, 0), (2, 3)))
np.pad(v, (1, 2), constant_values=7)
np.pad(v, 2, mode="edge")
np.pad(x, 2, mode="reflect")
np.pad(v, (1, 3), mode="symmetric")
np.pad(x, ((1, 1), (2, 5)), mode="wrap")
np.atleast_1d(s)
np.atleast_2d(v)
np.atleast_2d(s)
np.tril(t)
np.triu(x, 1)
np.full_like(x, 2) * x
np.ones_like(x) + x
np.zeros_like(t) + t
np.sort(x)
np.sort(x, axis=0)
np.sort(x, axis=None)
np.take(x, k, axis=0)
np.take(x, [[3, -1], [0, 5]])
np.take(x, n[0], axis=-1)
np.take_along_axis(x, n, axis=1)
np.take_along_axis(x, n[:, :1], 1)
np.take_along_axis(t[0], np.argsort(x, axis=1), 1)
x[0]
x[-1, 2]
x[..., 0]
x[:, None]
x[None, ..., None]
x[::-1]
t[::-1, ::2, ::-3]
t[::-2, None, 1:]
t[1:, :, -2:]
t[:, 5:]
t[..., 1, :]
x[()]
x[...]
x[[0, 2]]
x[[0, -1], [1, 3]]
x[k]
x[k, n[0, 1]]
x[k[:2]]
x[k, k]
t[:, k]
t[0, k]
t[0, :, k]
t[k % 2, :, k]
t[:, k, k]
t[:, [0, 1], None, [2, 3]]
t[1, ..., [0, -1]]
t[[[0], [1]], [1, 2]]
q[:, 0, [1, 2], ::2]
q[[0, 1], :, 2]
x[np.newaxis, [0, 1], 1:3]
x[k[0]]
x[u % 3]
s * x[1]
np.einsum("ij,jk->ik", x, w)
np.einsum("ij,jk", x, w)
np.einsum("ij->ji", x)
np.einsum("ij->", x)
np.einsum("ij->j", x)
np.einsum("ii", a)
np.einsum("ii->i", a)
np.einsum("i,i", v, v)
np.einsum("i,j->ij", v, v)
np.einsum("bij,jk->bik", t, w)
np.einsum("bij,bkj->bik", t, t)
np.einsum("...ij,jk->...ik", t, w)
np.einsum("...j,j", t, v)
np.einsum("...,...->...", t, x)
np.einsum("i...->...i", t)
np.einsum("ij,j,jk->ik", x, v, w)
np.einsum("ij,ij,ij->i", x, y, x)
np.einsum("ij,kj->ikj", x, y)
np.einsum("ij, j -> i", x, v)
np.einsum("ba", x)
np.einsum("iji->j", np.stack([a, a], axis=1))
np.einsum("iij->ij", np.stack([a, a], axis=2))
np.einsum("ij,ij->ij", o, x)
np.einsum("ij,jk->ik", np.ones((3, 1)), w)
np.einsum(",ij->ij", s, x)
np.einsum("aaa", np.stack([a, a, a]))
np.einsum("aba->ab", np.stack([a, a, a]))
np.einsum("abcd,dc->ab", q, np.ones((5, 4)))
np.einsum("ij,jk,kl,lm->im", x, w, w.T, w)
np.einsum("ij,kl->", x, w)
np.einsum("ij,jk->ik", n, w)
np.outer(v, v).sum(axis=0)
x.sum()
x.sum(axis=1)
x.sum(-1, keepdims=True)
x.mean(0)
x.var(ddof=1)
x.std(axis=0)
x.prod(axis=0)
x.max(axis=1)
t.min(axis=(0, 1))
x.cumsum(axis=0)
x.reshape(-1, 2)
x.reshape((4, 3))
x.ravel() * 2
x.flatten()
x.transpose()
t.transpose(1, 0, 2)
t.transpose((1, 0, 2))
x.T
t.mT
t.swapaxes(0, 1)
q.squeeze()
q.squeeze(1)
v.repeat(2)
x.take(k, axis=0)
x.clip(-1, 1)
x.dot(w)
x.copy()
x.astype(np.float64)
sum(row.sum() for row in x)
list(v)
x[0] if len(x) == 3 else None
np.astype(x, np.float64)
z(x)
"""
STEPWISE = """
np.floor(x) + np.ceil(y) + np.trunc(x)
np.round(x)
np.round(x, 2)
np.round(10 * x, decimals=-1)
np.around(x, 1)
np.rint(x)
np.rint(n)
np.sign(x)
x // 2
3 // n.astype(bool)
np.floor_divide(x, 0.3)
np.nextafter(x, y)
n % 2
n // (n + 1)
n + 1
n * 2.5
n / 2
n ** 2
n * k[0]
u + 1
u * u
u - k[0]
u + np.int8(1)
p + p
p * 1
p + 1.5
~p
~n
n & 3
n | k[:, None]
n ^ 1
5 & n
n << 2
n >> 1
1 << n
p & (x > 0)
p | (x > 0)
p ^ p
x > 0
x >= y
x < 0.5
0.5 < x
x == x
x != y
n == 2
n <= k[:, None]
u < 3
np.greater(x, y)
np.equal(n, 1)
np.logical_and(p, x)
np.logical_or(p, n)
np.logical_not(x > 0)
np.logical_xor(p, n)
np.isnan(x / x)
np.isfinite(x)
np.isinf(x / 0.0)
np.signbit(x)
np.any(p, axis=0)
np.all(x > 0)
np.all(p, axis=(0, 1), keepdims=True)
np.logical_or.reduce(p)
np.argmax(x)
np.argmax(x, axis=1)
np.argmin(x, axis=0, keepdims=True)
np.argmax(n, axis=1)
np.argsort(x, axis=0)
np.argsort(-x)
np.count_nonzero(n)
np.count_nonzero(p, axis=1)
np.sum(n)
np.sum(u)
np.sum(p, axis=0)
np.sum(k)
np.sum(n, dtype=np.float32)
np.sum(u, dtype=np.uint8)
np.prod(k)
np.prod(u)
np.mean(n)
np.mean(p, axis=0)
np.var(k)
np.max(u)
np.min(n, axis=1)
np.max(p)
np.cumsum(u)
np.cumsum(p, axis=1)
np.cumsum(x, dtype=np.float64, axis=0)
np.clip(n, 1, 2)
np.clip(n, 0.5, None)
np.clip(u, None, 2)
np.clip(u, np.int16(100), None)
np.maximum(n, k[:, None])
np.abs(n - 2)
np.square(u)
np.exp(n)
np.sqrt(u)
np.sin(k)
np.where(p, n, 0)
np.where(p, n, 0.5)
np.where(n, u, p)
np.where(p, 1, 0)
np.where(p, 1.0, 2)
np.where(p, True, False)
np.matmul(n, n.T)
n @ w.astype(int)
p @ p.T
u @ u
np.einsum("ij->i", n)
np.einsum("i->", u)
np.einsum("ij->i", p)
np.einsum("ij,ij->i", p, p)
np.einsum("i,i->i", u, u)
np.concatenate([n, x])
np.concatenate([u, k])
np.stack([p, n])
np.tril(p)
np.triu(n)
np.pad(n, 1, constant_values=1.7)
np.pad(p, 1, constant_values=True)
np.pad(u, 1, mode="edge")
np.full_like(n, 2.7)
np.zeros_like(p)
np.ones_like(x, dtype=np.int8)
np.empty_like(x).shape
np.shape(t)
np.ndim(t)
np.size(t)
x.shape + x.shape
x.ndim + x.size
x.dtype == x.dtype
n.astype(np.float32)
x.astype(int)
x.astype(bool)
p.astype(np.uint8)
n.astype(np.int64, copy=False)
n.argsort(axis=1)
x.argmax(axis=1)
x.argmin()
p.any()
p.all(axis=1)
x.round(1)
n.max()
np.take(n, [0, 1], axis=1)
n[0, 1:]
n[k, ::-1]
p[::2]
np.sort(n)
np.sort(p)
np.flip(p)
e * 2
e.sum()
e.sum(axis=0)
np.sum(e, axis=1)
np.prod(e, axis=0)
np.max(e, axis=1)
np.any(e)
np.all(e, axis=0)
np.cumsum(e, axis=0)
np.concatenate([e, e])
e.T @ e
e @ np.ones((3, 2))
np.einsum("ij,ij->j", e, e)
np.einsum("ij,kj->ik", e, e)
e[:, 1]
e[[]]
x[:0]
x[[]]
x[2:1, 3:9]
np.split(e, 3)
np.tile(x, (0, 1))
np.repeat(x, 0, axis=0)
np.sort(e, axis=1)
np.reshape(e, (3, 0))
np.tanh(s)
np.sum(s)
np.max(s)
np.argmax(s)
s[()]
s[None]
s[..., None]
np.where(s > 0, s, 1)
np.cumsum(s)
np.transpose(s)
np.ravel(s)
np.mean(s)
"""


def rows(text):
    return [row for row in text.strip().splitlines() if row]


def environment(dtype=np.float64):
    random = np.random.default_rng(1)
    floats = {"x": (3, 4), "y": (3, 4), "v": (4,), "w": (4, 2), "t": (2, 3, 4), "q": (2, 1, 4, 5)}
    floats |= {"a": (3, 3), "s": (), "o": (1, 4), "e": (0, 3)}
    arrays = {name: np.asarray(random.normal(size=size), dtype) for name, size in floats.items()}
    arrays["n"] = random.integers(0, 4, (3, 4))
    arrays["k"] = random.integers(0, 3, 3).astype(np.int32)
    arrays["u"] = random.integers(0, 4, 4).astype(np.uint8)
    arrays["p"] = random.random((3, 4)) < 0.5
    return arrays


def value(code, arrays):
    names = {"np": np, "sum": sum, "list": list, "len": len, "z": lambda x: x * x, **arrays}
    with np.errstate(all="ignore"):
        return eval(code, names)


def under_grad(code, arrays):
    """The value of the code on Tensors whose values are at hand."""

    def body(floats):
        rest = {name: Tensor(constant(x)) for name, x in arrays.items() if name not in floats}
        return floats["s"] * 1.0, value(code, {**floats, **rest})

    floats = {name: x for name, x in arrays.items() if x.dtype.kind == "f"}
    return gd.grad(body, has_aux=True)(floats)[1]


def compare(got, expected, tolerance):
    ours, theirs = flatten(got)[0], flatten(expected)[0]
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert not isinstance(one, Tensor)
        if not isinstance(other, np.ndarray | np.generic):
            assert one == other
            continue
        assert (np.shape(one), one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", rows(SMOOTH + STEPWISE))
def test_numpy_on_traced_values(row, dtype, backend):
    code, arrays = compile(row, "<row>", "eval"), environment(dtype)
    before = {name: x.copy() for name, x in arrays.items()}
    expected = value(code, arrays)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    compare(gd.compile(lambda arrays: value(code, arrays), backend)(arrays), expected, tolerance)
    compare(under_grad(code, arrays), expected, tolerance)
    for name, x in arrays.items():
        np.testing.assert_array_equal(x, before[name], strict=True)


def weighted_sum(result, summed):
    """Σ weight · result over all floating leaves, with fixed weights."""
    random = np.random.default_rng(7)
    leaves = [x for x in flatten(result)[0] if hasattr(x, "dtype") and x.dtype.kind == "f"]
    return sum(summed(x * random.normal(size=x.shape)) for x in leaves)


@pytest.mark.parametrize("row", rows(SMOOTH))
def test_numpy_on_traced_values_is_differentiated(row, check_gradients):
    code, arrays = compile(row, "<row>", "eval"), environment()
    names = [name for name in code.co_names if name in arrays and arrays[name].dtype.kind == "f"]
    assert names

    def ours(*values):
        return weighted_sum(
            value(code, {**arrays, **dict(zip(names, values, strict=True))}), gd.sum
        )

    def numpys(*values):
        return weighted_sum(
            value(code, {**arrays, **dict(zip(names, values, strict=True))}), np.sum
        )

    inputs, places = [arrays[name] for name in names], tuple(range(len(names)))
    gradients = gd.grad(ours, argnums=places)(*inputs)
    check_gradients(numpys, inputs, gradients, places, tolerance=1e-7)


def test_the_table_is_large_and_has_no_row_twice():
    table = rows(SMOOTH + STEPWISE)
    assert len(table) > 300
    assert len(set(table)) == len(table)
