"""The registry of operations, and the examples operations are tried with."""

import numpy as np
import pytest

from gradiente.base.errors import GradienteError, TypeMismatchError
from gradiente.base.types import ArrayType, type_of
from gradiente.ops import elementwise, shape
from gradiente.ops.operation import (
    DOMAINS,
    OPERATIONS,
    Operation,
    broadcast_shapes,
    declare,
    draw,
    example,
    operation,
    promote,
)

RANDOM = np.random.default_rng(0)


@pytest.fixture
def registry():
    """Whatever a test declares is forgotten."""
    before = dict(OPERATIONS)
    yield OPERATIONS
    OPERATIONS.clear()
    OPERATIONS.update(before)


def test_a_name_is_declared_once(registry):
    with pytest.raises(GradienteError, match="`tanh` is declared twice"):
        declare(Operation("tanh", np.tanh, lambda x: x))


def test_declaring_makes_an_entry_with_all_its_parts(registry):
    @operation(example((2,), scale=3))
    def scaled_(x, *, scale):
        """y = s x"""
        return x * scale

    @scaled_.type
    def _(x, *, scale):
        return x

    @scaled_.local_gradient
    def _(m, g, y, x, *, scale):
        return (g * scale,)

    assert registry["scaled"] is scaled_
    assert scaled_.summary == "y = s x"
    assert repr(scaled_) == "<operation scaled>"
    (x,) = draw(scaled_.examples[0], RANDOM)
    np.testing.assert_array_equal(scaled_.value(x, **scaled_.examples[0].params), 3 * x)
    assert scaled_.type_rule(type_of(x), scale=3) == type_of(x)
    assert scaled_.pullback(None, 2.0, None, x, scale=3) == (6.0,)


def test_an_operation_without_a_type_rule_says_so(registry):
    @operation(example((2,)))
    def forgotten(x):
        return x

    with pytest.raises(GradienteError, match="without a type rule"):
        forgotten.type_rule(ArrayType((2,), np.dtype(float)))


@pytest.mark.parametrize("domain", DOMAINS)
def test_examples_are_drawn_from_their_domain(domain):
    low, high = DOMAINS[domain]
    (x,) = draw(example((1000,), domain=domain), RANDOM)
    assert (x.min() >= low, x.max() <= high) == (True, True)
    assert x.max() - x.min() > 0.9 * (high - low)


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8", "bool"])
def test_examples_are_drawn_in_any_data_type(dtype):
    x, fixed = draw(example((100,), [1, 2]), RANDOM, dtype)
    assert x.dtype == dtype
    assert len(np.unique(x)) > 1
    assert fixed.tolist() == [1, 2]
    assert draw(example(()), RANDOM)[0].shape == ()


def test_one_row_is_all_an_elementwise_function_needs(registry):
    """Value, type, broadcasting and the chain rule come with the family."""
    import gradiente as gd
    from gradiente.trace.functions import bind

    row = elementwise.elementwise(
        "softsign", lambda m, x: x / (1 + m.abs(x)), lambda m, x, y: 1 / (1 + m.abs(x)) ** 2
    )
    x = np.linspace(-2, 2, 6).reshape(2, 3)
    np.testing.assert_array_equal(bind(row, x), x / (1 + abs(x)))
    assert gd.compile(lambda x: bind(row, x))(x.astype(np.float32)).dtype == np.float32
    assert gd.verify(lambda x: bind(row, x), x)
    assert gd.verify(gd.grad(lambda x: gd.sum(bind(row, x) ** 2)), x)
    assert row.examples


def test_inputs_are_converted_to_the_type_of_the_value():
    def converted(op, *names):
        found = elementwise.input_dtypes(op, tuple(map(np.dtype, names)))
        return [dtype.name for dtype in found]

    assert converted(elementwise.add, "int32", "float32") == ["float64", "float64"]
    assert converted(elementwise.less, "int8", "uint8") == ["int16", "int16"]
    assert converted(elementwise.exp, "int64") == ["float64"]
    assert converted(elementwise.isnan, "float32") == ["float32"]
    assert converted(elementwise.where, "float32", "int8", "float32") == ["bool"] + 2 * ["float32"]
    assert converted(elementwise.logical_and, "float32", "bool") == ["float32", "float32"]
    with pytest.raises(
        TypeMismatchError, match="`left_shift` is not defined for float64 and int64"
    ):
        converted(elementwise.left_shift, "float64", "int64")


def test_promotion_and_broadcasting_of_types():
    assert promote(ArrayType((), np.dtype("i4")), ArrayType((3,), np.dtype("f4"))) == np.float64
    assert broadcast_shapes((3, 1), (4,)) == (3, 4)
    assert broadcast_shapes() == ()
    with pytest.raises(ValueError, match="broadcast"):
        broadcast_shapes((3,), (4,))


def test_gaps_of_padding_and_steps_of_slices_undo_each_other():
    x = np.arange(6.0).reshape(2, 3)
    wide = shape.pad.value(x, before=(1, 0), after=(2, 1), gaps=(2, 1))
    assert wide.shape == (1 + 4 + 2, 0 + 5 + 1)
    assert wide.sum() == x.sum()
    back = shape.slice_.value(wide, starts=(1, 0), stops=(5, 5), steps=(3, 2))
    np.testing.assert_array_equal(back, x)
