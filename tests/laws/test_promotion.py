"""Data types mix as in NumPy 2; Python numbers give way, also when they are traced.

Types are known when a function has been traced, so the backend that compiles nothing tells them.
"""

import operator

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import TypeMismatchError

NAMES = ["bool", "uint8", "int8", "int32", "int64", "float16", "float32", "float64"]
FUNCTIONS = [
    np.add,
    np.multiply,
    np.divide,
    np.subtract,
    np.maximum,
    np.power,
    np.floor_divide,
    np.remainder,
    np.less,
    np.equal,
    np.arctan2,
    np.logaddexp,
    np.logical_and,
    np.bitwise_or,
    np.left_shift,
    np.matmul,
    lambda a, b: np.where(a, b, a),
    lambda a, b: np.concatenate([a, b]),
    lambda a, b: np.einsum("i,i", a, b),
]


def name_of(item):
    name = getattr(item, "__name__", None) or f"{type(item).__name__}-{item!r}"
    return name if name != "<lambda>" else f"row {item.__code__.co_firstlineno}"


def outcome(function, *args):
    """The data type of the result, or that it is refused."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(function(*args)).dtype
    except TypeError:
        return "refused"


@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_arrays_mix_as_in_numpy(function):
    arrays = [np.array([1, 0, 1], name) for name in NAMES]
    compiled = gd.compile(lambda a, b: function(a, b), "numpy")
    expected = {(a.dtype, b.dtype): outcome(function, a, b) for a in arrays for b in arrays}
    got = {(a.dtype, b.dtype): outcome(compiled, a, b) for a in arrays for b in arrays}
    assert got == expected
    assert len(set(expected.values())) > 1 or function in (np.less, np.equal, np.logical_and)


SCALARS = [True, 2, 2.5, np.float32(2.5), np.float64(2.5), np.int8(2), np.uint8(2), np.bool_(True)]
OPERATORS = [operator.add, operator.mul, operator.truediv, operator.pow, operator.lt, operator.sub]


@pytest.mark.parametrize("function", OPERATORS, ids=name_of)
@pytest.mark.parametrize("scalar", SCALARS, ids=name_of)
def test_scalars_mix_as_in_numpy(scalar, function):
    """Written into the function, on either side, or traced as an argument of it."""
    for name in NAMES:
        array = np.array([1, 0, 1], name)
        for swap in (False, True):

            def mixed(array, number, swap=swap):
                return function(number, array) if swap else function(array, number)

            expected = outcome(mixed, array, scalar)
            if (name, function, scalar, swap) == ("bool", operator.pow, 2, False):
                expected = np.power(array, scalar).dtype  # of `**`, NumPy makes int8
            fixed = gd.compile(lambda array, mixed=mixed: mixed(array, scalar), "numpy")
            traced = gd.compile(mixed, "numpy")
            assert outcome(fixed, array) == expected, (name, swap)
            assert outcome(traced, array, scalar) == expected, (name, swap)


def test_float32_stays_float32_beside_python_numbers():
    x = np.ones(3, np.float32)

    def step(x, rate, count):
        decayed = rate * 0.5 ** (count + 1) / (1 + rate)
        return x - decayed * x, gd.where(x > rate, x, 0.0), np.maximum(x, rate), x**count

    for result in (*gd.compile(step)(x, 0.1, 3), *step(x, 0.1, 3)):
        assert result.dtype == np.float32


def test_functions_of_a_python_number_stay_as_weak_as_it_is():
    """NumPy would make float64 of `np.sqrt(rate)`; a schedule must not widen the network."""
    x = np.ones(3, np.float32)
    assert gd.compile(lambda x, rate: x * np.sqrt(rate))(x, 0.25).dtype == np.float32
    assert gd.compile(lambda x, rate: x * gd.stop_gradient(rate))(x, 0.25).dtype == np.float32
    assert gd.compile(lambda rate: np.sqrt(rate))(0.25).dtype == np.float64
    g = gd.grad(lambda rate, x: gd.sum(gd.stop_gradient(rate) * rate * x))(0.25, x)
    assert g.dtype == np.float64
    np.testing.assert_allclose(g, 0.75)


def test_a_numpy_float64_is_no_python_float():
    x = np.ones(3, np.float32)
    assert (x * np.float64(0.5)).dtype == np.float64
    assert gd.compile(lambda x: x * np.float64(0.5))(x).dtype == np.float64
    assert gd.compile(lambda x, s: x * s)(x, np.float64(0.5)).dtype == np.float64
    assert gd.grad(lambda x: gd.sum(x * np.float64(0.5)))(x).dtype == np.float32


@pytest.mark.parametrize("number", [300, -1, 2**70])
@pytest.mark.parametrize("function", [operator.add, operator.mul, operator.lt], ids=name_of)
def test_a_python_int_that_does_not_fit_is_refused(function, number):
    x = np.ones(3, np.uint8)
    for run in (gd.compile(lambda x: function(x, number)), lambda x: bound(function, x, number)):
        with pytest.raises(TypeMismatchError, match=rf"{number} does not fit into uint8") as caught:
            run(x)
        assert f'File "{__file__}"' in str(caught.value)


def bound(function, x, number):
    names = {operator.add: gd.add, operator.mul: gd.multiply, operator.lt: gd.less}
    return names[function](x, number)


def test_integers_wrap_as_in_numpy():
    x = np.array([250, 100], np.uint8)
    np.testing.assert_array_equal(gd.compile(lambda x: x + 10)(x), x + np.uint8(10), strict=True)
    np.testing.assert_array_equal(gd.compile(lambda x: x * x)(x), x * x, strict=True)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int64"])
def test_indices_of_a_narrow_type_reach_long_axes(dtype):
    x = np.arange(900.0).reshape(300, 3)
    i = np.array([0, 100, 127], dtype)
    np.testing.assert_array_equal(gd.compile(lambda x, i: x[i])(x, i), x[i])
    np.testing.assert_array_equal(gd.take(x, i, axis=0), x[i])
    np.testing.assert_array_equal(gd.compile(lambda x, i: x[i, i % 3])(x, i), x[i, i % 3])
    np.testing.assert_array_equal(gd.one_hot(i, 300).argmax(-1), i)
    g = gd.grad(lambda x: gd.sum(x[i] * 2.0))(x)
    assert g.sum() == 18.0


def test_arrays_of_another_byte_order_are_taken():
    x = np.arange(3.0).astype(">f8")
    got = gd.compile(lambda x: (x * 2, np.reshape(x, (3, 1)), x[1:]))(x)
    for one, other in zip(got, (x * 2, x.reshape(3, 1), x[1:]), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == np.float64
        assert one.dtype.isnative
    assert gd.grad(lambda x: gd.sum(x * x + x[::-1]))(x).tolist() == [1.0, 3.0, 5.0]
    assert gd.add(x, 1).dtype.isnative
