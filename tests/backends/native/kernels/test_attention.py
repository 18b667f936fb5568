"""The attention kernels against their definition: blocks, ends, masks, groups, threads, memory."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.backends.native.machine.target import host
from gradiente.backends.native.module import NativeModule
from gradiente.backends.native.run import NativeProgram
from gradiente.base.types import type_of
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.ops.attention import attend, attend_gradient, parts_of

RANDOM = np.random.default_rng(5)

SHAPES = {  # batch, heads, groups, time, places, width, value width
    "small": (3, 4, 4, 5, 7, 6, 2),
    "one of each": (1, 1, 1, 1, 1, 1, 1),
    "one block": (2, 2, 2, 64, 128, 32, 32),
    "ends": (2, 2, 2, 70, 140, 16, 17),
    "many blocks": (1, 2, 1, 200, 300, 24, 40),
    "more queries": (1, 2, 2, 150, 20, 8, 8),
}
MASKS = {"all": None, "places": (1, 0, 0, 1), "any": (1, 1, 1, 1)}


def graph_of(operation, arrays, params):
    inputs = tuple(Node(None, (), {}, type_of(array)) for array in arrays)
    kind = operation.type_rule(*(node.type for node in inputs), **params)
    return Graph("one", inputs, (Node(operation, inputs, params, kind),))


def run(operation, arrays, params, threads=2):
    return NativeProgram(graph_of(operation, arrays, params), threads)(arrays)[0]


def arrays_of(shape, mask, dtype):
    batch, heads, groups, time, places, width, values = shape
    sizes = [(heads, time, width), (groups, places, width), (groups, places, values)]
    arrays = [RANDOM.normal(size=(batch, *size)).astype(dtype) for size in sizes]
    if mask is None:
        return arrays
    whole = (batch, heads, time, places)
    own = [n if there else 1 for n, there in zip(whole, mask, strict=True)]
    return [*arrays, RANDOM.uniform(size=own) < 0.6]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_directions_are_their_definitions(shape, mask, causal, dtype):
    arrays, params = arrays_of(shape, mask, dtype), {"causal": causal, "scale": 0.4}
    tolerance = 1e-12 if dtype == np.float64 else 4e-5
    expected = attend.value(*arrays, **params)
    got = run(attend, arrays, params)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    given = [RANDOM.normal(size=expected.shape).astype(dtype), expected, *arrays]
    shapes = [array.shape for array in arrays[:3]]
    ours = parts_of(np, run(attend_gradient, given, params), shapes)
    theirs = parts_of(np, attend_gradient.value(*given, **params), shapes)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_large_scores_do_not_overflow():
    q, k, v = arrays_of(SHAPES["many blocks"], None, np.float32)
    params = {"causal": False, "scale": 50.0}
    got = run(attend, [q, k, v], params)
    exact = attend.value(*(x.astype(float) for x in (q, k, v)), **params)
    assert np.isfinite(got).all()
    np.testing.assert_allclose(got[..., :-1], exact[..., :-1], atol=2e-3)


def test_queries_that_see_nothing_have_neither_result_nor_gradient():
    q, k, v = arrays_of(SHAPES["ends"], None, np.float64)
    mask = np.ones((2, 1, 70, 1), bool)
    mask[:, :, ::3] = False
    params = {"causal": False, "scale": 1.0}
    result = run(attend, [q, k, v, mask], params)
    assert not result[:, :, ::3].any()
    packed = run(attend_gradient, [np.ones_like(result), result, q, k, v, mask], params)
    by_q = parts_of(np, packed, [q.shape, k.shape, v.shape])[0]
    assert not by_q[:, :, ::3].any() and by_q[:, :, 1::3].any()


def loss(q, k, v):
    return gd.sum(gd.attention(q, k, v, causal=True) ** 2)


def test_threads_do_not_change_the_bits():
    arrays = arrays_of(SHAPES["many blocks"], None, np.float32)
    function = gd.value_and_grad(loss, (0, 1, 2))
    results = [gd.compile(function, backend="native", threads=n)(*arrays) for n in (1, 2, 3, 7)]
    for other in results[1:]:
        np.testing.assert_array_equal(other[0], results[0][0])
        for a, b in zip(results[0][1], other[1], strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_weights_of_all_queries_are_never_in_memory():
    """1024 queries by 1024 places and two heads would take 8 MB; all there is takes a tenth."""
    arrays = arrays_of((1, 2, 2, 1024, 1024, 16, 16), None, np.float32)
    params = {"causal": True, "scale": 0.25}
    forward = NativeModule(graph_of(attend, arrays, params), host())
    given = [np.zeros((1, 2, 1024, 17), np.float32)] * 2
    backward = NativeModule(graph_of(attend_gradient, [*given, *arrays], params), host())
    for module in (forward, backward):
        assert module.arena_size + module.private_size < 2 * 1024 * 1024 * 4 / 10
