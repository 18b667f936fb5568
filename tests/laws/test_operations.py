"""Every operation means the same everywhere: compiled, traced, or called on plain arrays.

The cases are the registry's own: an operation declared with examples is tested from then on.
"""

import itertools
import math
from functools import partial

import numpy as np
import pytest

import gradiente as gd
from gradiente.backends.registry import BACKENDS
from gradiente.base.errors import TypeMismatchError
from gradiente.base.types import type_of
from gradiente.ops.algebra import STRUCTURAL_WORDS, WORDS
from gradiente.ops.elementwise import INTEGER_ONLY, input_dtypes
from gradiente.ops.operation import DOMAINS, OPERATIONS, draw
from gradiente.trace.functions import FUNCTIONS, Tensor, bind, m
from gradiente.trace.tensor import constant

DTYPES = [np.dtype(name) for name in ("float32", "float64", "int32", "int64", "uint8", "bool")]
# need functions of the user's; tested in tests/gradient
BY_HAND = {"custom_gradient", "checkpoint", "scan", "attend_gradient"}

# The standard's elementwise functions that make sense for real, integer and boolean arrays.
STANDARD = """
    abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_invert
    bitwise_or bitwise_right_shift bitwise_xor ceil clip copysign cos cosh divide equal exp expm1
    floor floor_divide greater greater_equal hypot isfinite isinf isnan less less_equal log log1p
    log2 log10 logaddexp logical_and logical_not logical_or logical_xor maximum minimum multiply
    negative nextafter not_equal positive pow reciprocal remainder round sign signbit sin sinh
    square sqrt subtract tan tanh trunc
    sum mean var std prod max min argmax argmin any all cumulative_sum
    reshape permute_dims broadcast_to broadcast_arrays squeeze expand_dims concat stack flip roll
    tile repeat moveaxis matrix_transpose matmul tensordot vecdot take take_along_axis
    sort argsort where astype
"""
BEYOND_THE_STANDARD = """
    erf sigmoid softplus logaddexp rsqrt relu silu gelu logsumexp softmax log_softmax einsum pad
    split gather scatter_add one_hot top_k
"""


def cases():
    for operation in OPERATIONS.values():
        for number, sample in enumerate(operation.examples):
            shaped = any(isinstance(item, tuple) for item in sample.inputs)
            for dtype in DTYPES if shaped else DTYPES[:1]:
                name = f"{operation.name}-{number}-{dtype}"
                yield pytest.param(operation, sample, dtype, id=name)


def ids(operation):
    return operation.name


ELEMENTWISE = [op for op in OPERATIONS.values() if op.family == "elementwise"]
FORMULAS = [op for op in ELEMENTWISE if op.name != "cast"]
COMPOSITES = [op for op in OPERATIONS.values() if op.family == "composite"]


def definition(operation, arrays, params):
    """The operation's own value in NumPy, after the conversions its family prescribes."""
    if operation in FORMULAS:
        targets = input_dtypes(operation, tuple(array.dtype for array in arrays))
        arrays = [array.astype(t) for array, t in zip(arrays, targets, strict=True)]
    with np.errstate(all="ignore"):
        return np.asarray(operation.value(*arrays, **params))


def traced(operation, arrays, params):
    """The value inside a function of which a gradient is being taken."""

    def body(one):
        tensors = [Tensor(constant(array)) for array in arrays]
        result = bind(operation, *tensors, **params)
        assert isinstance(result, Tensor)
        return one, result

    return gd.grad(body, has_aux=True)(1.0)[1]


@pytest.fixture(scope="session")
def same(equal_to_rounding):
    """Equal in shape, type and every bit (all NaN count as equal)."""
    return partial(equal_to_rounding, units=0)


@pytest.fixture(params=BACKENDS)
def backend(request):
    """The name of each backend."""
    return request.param


@pytest.fixture
def near(same, equal_to_rounding, backend):
    """What a backend promises: the reference every bit, others to be equal to rounding."""
    return (
        (lambda got, expected, terms=0: same(got, expected))
        if backend == "numpy"
        else equal_to_rounding
    )


def terms(operation, arrays, params):
    """The size of what is added up in a value, to which its rounding is relative."""
    floats = [np.abs(array) if array.dtype.kind == "f" else array for array in arrays]
    if operation.family == "structural":
        return definition(operation, floats, params)
    if operation.family == "composite" or operation.name == "gelu":  # 1 + erf(x), x - log Σ exp x
        return 1.0 + max((np.max(array, initial=0.0) for array in floats), default=0.0)
    return 0.0


@pytest.mark.parametrize(("operation", "sample", "dtype"), list(cases()))
def test_an_operation_means_the_same_everywhere(operation, sample, dtype, backend, same, near):
    arrays = draw(sample, np.random.default_rng(0), dtype)
    copies = [array.copy() for array in arrays]

    def apply(*inputs):
        return bind(operation, *inputs, **sample.params)

    compiled = gd.compile(apply, backend=backend)
    try:
        expected_type = operation.type_rule(*map(type_of, arrays), **sample.params)
    except TypeMismatchError as refusal:
        for run in (apply, compiled):
            with pytest.raises(TypeMismatchError) as caught:
                run(*arrays)
            assert str(refusal).split(".")[0] in str(caught.value)
        return
    expected = definition(operation, arrays, sample.params)
    assert type_of(expected) == expected_type
    for result in (apply(*arrays), traced(operation, arrays, sample.params)):
        same(result, expected)
    near(compiled(*arrays), expected, terms(operation, arrays, sample.params))
    assert compiled.variants == 1
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
        assert not np.shares_memory(compiled(*arrays), array)
        assert not np.shares_memory(traced(operation, arrays, sample.params), array)


@pytest.mark.parametrize("operation", list(OPERATIONS.values()), ids=ids)
def test_an_operation_has_examples_and_a_summary(operation):
    assert operation.examples or operation.name in BY_HAND
    assert all(sample.domain in DOMAINS for sample in operation.examples)
    assert operation.summary or operation.family == "elementwise"
    takes_integers = operation in ELEMENTWISE and operation.name not in ("cast", "where")
    if operation in INTEGER_ONLY:
        assert any(sample.domain in ("integers", "shifts") for sample in operation.examples)
    elif takes_integers and operation.pullback is None and "is" not in operation.name:
        floats = [s for s in operation.examples if s.domain not in ("integers", "shifts")]
        assert floats, "an operation of floating numbers needs floating examples"


@pytest.mark.parametrize("operation", FORMULAS, ids=ids)
def test_formulas_use_the_words_of_the_algebra_and_no_others(operation):
    class Spoken:
        def __getattr__(self, word):
            assert word in WORDS, f"`{word}` is no word of formulas"
            return WORDS[word]

    arrays = draw(operation.examples[-1], np.random.default_rng(0))
    if operation in INTEGER_ONLY:
        arrays = [array.astype(np.int64) for array in arrays]
    value = np.asarray(operation.formula(Spoken(), *arrays))
    assert type_of(value) == operation.type_rule(*map(type_of, arrays))


@pytest.mark.parametrize("operation", COMPOSITES, ids=ids)
def test_bodies_use_the_words_of_the_algebra_and_no_others(operation):
    class Spoken:
        def __getattr__(self, word):
            assert word in WORDS or word in STRUCTURAL_WORDS, f"`{word}` is no word of bodies"
            return {**WORDS, **STRUCTURAL_WORDS}[word]

    for sample in operation.examples:
        arrays = draw(sample, np.random.default_rng(0))
        value = np.asarray(operation.body(Spoken(), *arrays, **sample.params))
        assert type_of(value) == operation.type_rule(*map(type_of, arrays), **sample.params)


def test_every_word_of_bodies_is_a_function_of_traced_values():
    assert {*WORDS, *STRUCTURAL_WORDS} <= set(FUNCTIONS)


@pytest.mark.parametrize("name", (STANDARD + BEYOND_THE_STANDARD).split())
def test_the_functions_of_the_standard_stand_at_the_top(name):
    assert callable(getattr(gd, name))
    assert name in dir(gd)
    assert getattr(gd, name).__doc__


def composite_cases():
    for operation in COMPOSITES:
        for number, sample in enumerate(operation.examples):
            yield pytest.param(operation, sample, id=f"{operation.name}-{number}")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("operation", "sample"), list(composite_cases()))
def test_a_composite_and_its_body_are_one_function(operation, sample, dtype):
    """Value, type, gradient by hand and its gradient equal those of the body, traced."""
    random = np.random.default_rng(0)
    x, *rest = draw(sample, random, dtype)
    params = sample.params
    weight = random.normal(size=operation.value(x, *rest, **params).shape).astype(dtype)
    direction = random.normal(size=x.shape).astype(dtype)
    tolerance = 1e-12 if dtype == np.float64 else 2e-5

    def whole(x):
        return bind(operation, x, *rest, **params)

    def opened(x):
        return operation.body(m, x, *rest, **params)

    def results(function):
        loss = lambda x: gd.sum(function(x) * weight)  # noqa: E731
        value = gd.compile(function)(x)
        return value, gd.grad(loss)(x), gd.hvp(loss, (x,), (direction,))[0]

    for got, expected in zip(results(whole), results(opened), strict=True):
        assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
        assert np.any(expected != 0)


# -- values that are not finite ------------------------------------------------------------------

SPECIAL = (np.nan, np.inf, -np.inf, -0.0, 0.0, 1.5, -2.0)
WITH_NUMPY = [op for op in FORMULAS if op not in INTEGER_ONLY and callable(getattr(np, op.name, 0))]
LIMITS = {
    "sigmoid": (0.0, 0.5, 1.0),
    "softplus": (0.0, math.log(2.0), math.inf),
    "relu": (0.0, 0.0, math.inf),
    "rsqrt": (math.nan, math.inf, 0.0),
    "silu": (math.nan, 0.0, math.inf),
    "gelu": (math.nan, 0.0, math.inf),
    "erf": (-1.0, 0.0, 1.0),
}


def special(arity, dtype):
    rows = itertools.product(SPECIAL, repeat=arity)
    return [np.array(column, dtype) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("operation", WITH_NUMPY, ids=ids)
def test_values_that_are_not_finite_are_numpys(operation, dtype, backend, same, near):
    ours, numpys = FUNCTIONS[operation.name], getattr(np, operation.name)
    arity = operation.formula.__code__.co_argcount - 1
    arrays = special(arity, dtype)
    if operation.name == "where":
        arrays[0] = arrays[0] > 0
    with np.errstate(all="ignore"):
        expected = numpys(*arrays)
    same(ours(*arrays), expected)
    near(gd.compile(lambda *inputs: ours(*inputs), backend=backend)(*arrays), expected)
    same(traced(operation, arrays, {}), expected)


def test_operations_without_a_numpy_function_have_their_limits_stated():
    without = {op.name for op in FORMULAS} - {op.name for op in WITH_NUMPY}
    assert without - {op.name for op in INTEGER_ONLY} == set(LIMITS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LIMITS)
def test_values_at_infinity_and_zero(name, dtype, backend):
    x = np.array([-np.inf, 0.0, np.inf, np.nan], dtype)
    expected = np.array([*LIMITS[name], np.nan], dtype)
    for run in (FUNCTIONS[name], gd.compile(FUNCTIONS[name], backend=backend)):
        got = run(x)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, expected, rtol=1e-6)


# NumPy rounds the reciprocal of an integer to an integer, and counts the square of a boolean.
UNLIKE_NUMPY = {"reciprocal": "iub", "square": "b"}


def test_reciprocals_of_integers_are_fractions(same):
    same(gd.reciprocal(np.array([1, 2, 4])), np.array([1.0, 0.5, 0.25]))
    same(gd.square(np.array([True, False])), np.array([True, False]))


def integer_cases():
    for operation, dtype in itertools.product(WITH_NUMPY, DTYPES[2:]):
        if dtype.kind not in UNLIKE_NUMPY.get(operation.name, ""):
            yield pytest.param(operation, dtype, id=f"{operation.name}-{dtype}")


@pytest.mark.parametrize(("operation", "dtype"), list(integer_cases()))
def test_integers_and_booleans_are_numpys(operation, dtype, backend, same, near):
    """The same value and type as NumPy's function of that name, or both refuse."""
    numpys = getattr(np, operation.name)
    arity = operation.formula.__code__.co_argcount - 1
    random = np.random.default_rng(0)
    arrays = [random.integers(0, 5, (4, 5)).astype(dtype) for _ in range(arity)]
    try:
        with np.errstate(all="ignore"):
            expected = numpys(*arrays)
    except TypeError:
        with pytest.raises(TypeMismatchError, match="is not defined for"):
            bind(operation, *arrays)
        return
    same(bind(operation, *arrays), expected)
    near(gd.compile(lambda *inputs: bind(operation, *inputs), backend=backend)(*arrays), expected)
