"""What cannot be traced is refused in words: what was asked, the user's line, what to write."""

import ast
import functools
import math
import re
from pathlib import Path

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import (
    ConcreteValueError,
    GradienteError,
    ImmutableTensorError,
    IndexRangeError,
    InvalidArgumentError,
    ShapeError,
    TypeMismatchError,
    UnknownNameError,
    UnsupportedFunctionError,
)
from gradiente.base.trees import flatten
from gradiente.trace.advice import ADVICE
from gradiente.trace.functions import NUMPY_FUNCTIONS, m

LINES = Path(__file__).read_text().splitlines()
KEY = gd.random.key(0)
X = np.arange(12.0).reshape(3, 4)
I = np.array([0, 5])  # noqa: E741


def assign(x):
    x[0] = 1.0  # here


def update(x):
    total = np.zeros((3, 4))
    total += x  # here
    return total


def choose(x):
    if x[0, 0] > 1:  # here
        return x
    return -x


def count(x):
    while x.sum() < 3:  # here
        x = x + 1


def several(x):
    return [
        x.sum() if x else 0,  # here
    ]


# A function, the error it gives under `compile`, and what the message must say.
UNDER_COMPILE = [
    # Python wants a number
    (lambda x: math.sin(x[0, 0]), ConcreteValueError, "`float`", "float64[]", "not math.sin"),
    (lambda x: float(x[0, 0]), ConcreteValueError, "`float`", "gd.stop_gradient(x)"),
    (lambda x: int(x[0, 0]), ConcreteValueError, "`int`", "has no value yet"),
    (lambda x: complex(x[0, 0]), ConcreteValueError, "has no value yet"),
    (lambda x: np.array([x[0], x[1]]), ConcreteValueError, "np.stack([...])"),
    (lambda x: np.asarray(x), ConcreteValueError, "`np.asarray`", "float64[3, 4]"),
    (lambda x: np.random.default_rng(0).normal(x), ConcreteValueError, "has no value yet"),
    (lambda x: list(range(x.argmax())), ConcreteValueError, "sizes, axes and counts"),
    (lambda x: X[x.argmax()], ConcreteValueError, "np.take(a, i, axis=0)"),
    (lambda x: [1, 2, 3][x.argmax()], ConcreteValueError, "int64[]"),
    (lambda x: x[x.argmax() :], ConcreteValueError, "sizes, axes and counts"),
    (lambda x: np.sum(x, axis=x.argmax()), ConcreteValueError, "functools.partial"),
    (lambda x: np.reshape(x, (x.argmax(), -1)), ConcreteValueError, "functools.partial"),
    (choose, ConcreteValueError, "True or False", "gd.where(condition, a, b)", "bool[]"),
    (count, ConcreteValueError, "True or False"),
    (several, ConcreteValueError, "True or False", "float64[3, 4]"),
    (lambda x: x[0, 0] > 1 and x, ConcreteValueError, "gd.where"),
    (lambda x: max(x[0, 0], x[0, 1]), ConcreteValueError, "gd.where"),
    (lambda x: 3.0 in x[0], ConcreteValueError, "gd.where"),
    (lambda x: assert_positive(x), ConcreteValueError, "outside the compiled function"),
    # in place
    (assign, ImmutableTensorError, "gd.where(mask, new, x)", "gd.scatter_add", "np.stack"),
    (update, ImmutableTensorError, "`a = a + b` instead of `a += b`"),
    (lambda x: np.add(x, 1, out=X), ImmutableTensorError, "in place"),
    # axes and lengths
    (lambda x: len(x[0, 0]), TypeMismatchError, "without axes has no length"),
    (lambda x: list(x[0, 0]), TypeMismatchError, "without axes has no length"),
    (lambda x: np.sum(x, axis=2), ShapeError, "axis 2 does not exist", "2 axes"),
    (lambda x: np.sum(x, axis=(0, -2)), ShapeError, "twice"),
    (lambda x: x + np.ones(3), ShapeError, "`add`", "[3, 4] and [3]", "one of them 1"),
    (lambda x: x @ np.ones((3, 2)), ShapeError, "(4)", "(3)", "[3, 4] @ [3, 2]"),
    (lambda x: x @ np.float64(2.0), ShapeError, "write `a * b`"),
    (lambda x: np.stack([x, x]) @ np.ones((3, 4, 1)), ShapeError, "leading axes", "[2, 3, 4]"),
    (lambda x: np.dot(x, x), ShapeError, "(4)", "(3)"),
    (lambda x: np.inner(x, np.ones((2, 3))), ShapeError, "`tensordot`", "equal length"),
    (lambda x: np.tensordot(x, np.ones((1, 2)), 1), ShapeError, "`tensordot`", "[1]", "(3, 4)"),
    (lambda x: np.reshape(x, (5, 2)), ShapeError, "12 elements", "(5, 2)", "10"),
    (lambda x: np.reshape(x, (5, -1)), ShapeError, "(5, -1)", "(3, 4)"),
    (lambda x: np.reshape(x, (-2, -6)), ShapeError, "(-2, -6)"),
    (lambda x: np.transpose(x, (0, 0)), ShapeError, "(0, 0)", "each axis"),
    (lambda x: np.moveaxis(x, 0, (0, 1)), ShapeError, "moveaxis"),
    (lambda x: np.broadcast_to(x, (2, 4)), ShapeError, "(3, 4)", "(2, 4)"),
    (lambda x: np.broadcast_arrays(x, np.ones(3)), ShapeError, "broadcast_arrays"),
    (lambda x: np.squeeze(x, axis=1), ShapeError, "length 1 can be squeezed"),
    (lambda x: np.concatenate([x, np.ones((2, 3))]), ShapeError, "along axis 0", "[2, 3]"),
    (lambda x: np.concatenate([x, np.ones(4)]), ShapeError, "`concatenate`"),
    (lambda x: gd.concatenate([]) + x, ShapeError, "nothing to concatenate"),
    (lambda x: np.stack([x, x[0]]), ShapeError, "`concatenate`"),
    (lambda x: np.split(x, 2), ShapeError, "length 3", "2 equal parts"),
    (lambda x: np.split(x, 0), ShapeError, "0 equal parts"),
    (lambda x: np.pad(x, -1), ShapeError, "`pad`", "-1"),
    (lambda x: np.max(x[:0]), ShapeError, "`max`", "without elements"),
    (lambda x: np.argmin(x[:, :0], axis=1), ShapeError, "`argmin`", "without elements"),
    (lambda x: np.average(x, weights=np.ones(3)), ShapeError, "weights of shape (3,)"),
    (lambda x: np.take_along_axis(x, np.array([0]), 1), ShapeError, "take_along_axis"),
    (lambda x: np.take_along_axis(x, np.zeros((2, 1), int), 1), ShapeError, "take_along_axis"),
    (lambda x: gd.softmax_cross_entropy(x, np.array([0, 1])), ShapeError, "shape [3]", "[2]"),
    (lambda x: gd.scatter_add(x, [0, 1], np.ones((3, 4))), ShapeError, "(3, 4)", "(2, 4)"),
    # einsum
    (lambda x: np.einsum("ij,jk->ik", x), ShapeError, "'ij,jk->ik'", "2 arrays, got 1"),
    (lambda x: np.einsum("ijk->i", x), ShapeError, "3 letters", "(3, 4)"),
    (lambda x: np.einsum("ii->i", x), ShapeError, "axis 'i'", "3", "4"),
    (lambda x: np.einsum("ij->k", x), ShapeError, "'k'"),
    (lambda x: np.einsum("ij->ii", x), ShapeError, "'i'", "once"),
    (lambda x: np.einsum("...j->j", x), ShapeError, "'...'"),
    (lambda x: np.einsum(x, [0, 1], [1, 0]), UnsupportedFunctionError, "'ij,jk->ik'"),
    # indices
    (lambda x: x[3], IndexRangeError, "index 3", "axis 0 of length 3"),
    (lambda x: x[:, -5], IndexRangeError, "index -5", "axis 1 of length 4"),
    (lambda x: x[0, 0, 0], IndexRangeError, "3 entries for 2 axes"),
    (lambda x: x[..., ...], IndexRangeError, "`...`"),
    (lambda x: x[[0, 3]], IndexRangeError, "index 3"),
    (lambda x: np.take(x, [4], axis=1), IndexRangeError, "index 4", "length 4"),
    (lambda x: x[x > 0], TypeMismatchError, "boolean mask", "gd.where(mask, x, 0.0)"),
    (lambda x: x[True], TypeMismatchError, "boolean mask"),
    (lambda x: x[np.array([True, False, True])], TypeMismatchError, "boolean mask"),
    (lambda x: x[np.array([0.0, 1.0])], TypeMismatchError, "integers", "`i.astype(int)`"),
    (lambda x: x[x[0]], TypeMismatchError, "integers, not float64"),
    (lambda x: x["a"], GradienteError, "indices must be integers"),
    # data types
    (lambda x: x & 1, TypeMismatchError, "`bitwise_and`", "float64 and float64"),
    (lambda x: -(x > 0), TypeMismatchError, "`negative`", "bool"),
    (lambda x: x + np.array(["a"] * 4), TypeMismatchError, "<U1", "numbers first"),
    (lambda x: x + np.array([1j] * 4), TypeMismatchError, "complex128"),
    (lambda x: x.astype(np.uint8) + 300, TypeMismatchError, "300 does not fit into uint8"),
    (lambda x: x.astype(int) ** -1, TypeMismatchError, "`a ** -1.0`"),
    (lambda x: gd.random.normal(KEY, (2,), np.float16) + x, TypeMismatchError, "float16"),
    (lambda x: gd.random.uniform(x[0], ()), TypeMismatchError, "gd.random.key(seed)"),
    (lambda x: gd.random.fold_in(KEY, x[0, 0]), TypeMismatchError, "one integer"),
    # functions and arguments we lack
    (lambda x: np.linalg.svd(x), UnsupportedFunctionError, "`np.linalg.svd`", "outside"),
    (lambda x: np.kron(x, x), UnsupportedFunctionError, "`np.kron`", "einsum"),
    (lambda x: np.fmod(x, 2), UnsupportedFunctionError, "`np.fmod`", "np.trunc(a / b)"),
    (lambda x: np.poly(x), UnsupportedFunctionError, "`np.poly`", "dir(gd)"),
    (lambda x: np.add.outer(x, x), UnsupportedFunctionError, "`np.add.outer`"),
    (lambda x: np.add.accumulate(x), UnsupportedFunctionError, "`np.add.accumulate`"),
    (lambda x: np.sum(x, where=x > 0), UnsupportedFunctionError, "`np.sum`", "where="),
    (lambda x: np.max(x, 0, None, True), UnsupportedFunctionError, "`np.max`", "by position"),
    (lambda x: np.reshape(x, (4, 3), order="F"), UnsupportedFunctionError, "order="),
    (lambda x: np.add(x, 1, dtype=np.float32), UnsupportedFunctionError, "`np.add`", "dtype="),
    (lambda x: np.where(x > 0), UnsupportedFunctionError, "gd.where(condition, a, b)"),
    (lambda x: np.pad(x, 1, mode="mean"), UnsupportedFunctionError, "mode='mean'", "reflect"),
    (lambda x: np.pad(x, 1, constant_values=(1, 2)), UnsupportedFunctionError, "several constants"),
    (lambda x: gd.top_k(x, 5), InvalidArgumentError, "k=5", "length 4"),
    (lambda x: x.detach(), AttributeError, "`detach`", "gd.stop_gradient(x)"),
    (lambda x: x.item(), AttributeError, "`item`", "gd.stop_gradient(x)"),
    (lambda x: x.backward(), AttributeError, "`backward`", "gd.grad(f)(x)"),
    (lambda x: x.nothing, AttributeError, "`nothing`", "np.tanh(x)"),
]  # fmt: skip


def assert_positive(x):
    assert np.all(x > 0)  # here


def line_of(function):
    """The line marked `# here` of a function, or that of a lambda."""
    if function.__name__ == "<lambda>":
        called = [name for name in function.__code__.co_names if name == "assert_positive"]
        return line_of(globals()[called[0]]) if called else function.__code__.co_firstlineno
    start = function.__code__.co_firstlineno
    return next(n for n in range(start, len(LINES)) if "# here" in LINES[n - 1])


def names(case):
    function = case[0]
    if function.__name__ != "<lambda>":
        return function.__name__
    return LINES[function.__code__.co_firstlineno - 1].strip()[:60]


def check(caught, function, phrases):
    text = str(caught.value)
    for phrase in phrases:
        assert phrase in text, text
    assert f'File "{__file__}", line {line_of(function)}' in text, text
    assert text.count("File ") == 1, text
    assert not re.search(r"\bNode\b|<node|Traced|array_function", text), text


@pytest.mark.parametrize("case", UNDER_COMPILE, ids=names)
def test_what_cannot_be_compiled_is_refused_in_words(case):
    function, error, *phrases = case
    with pytest.raises(error) as caught:
        gd.compile(function)(X)
    check(caught, function, phrases)


UNDER_GRAD = [
    (lambda x: math.sin(x[0, 0]), ConcreteValueError, "would lose its gradient", "np.sin"),
    (lambda x: np.asarray(x), ConcreteValueError, "would lose its gradient"),
    (assign, ImmutableTensorError, "gd.where(mask, new, x)"),
    (update, ImmutableTensorError, "`a = a + b`"),
    (lambda x: x[x > 0], TypeMismatchError, "boolean mask"),
    (lambda x: x + np.ones(3), ShapeError, "[3, 4] and [3]"),
]


@pytest.mark.parametrize("case", UNDER_GRAD, ids=names)
def test_what_would_lose_the_gradient_is_refused_in_words(case):
    function, error, *phrases = case
    with pytest.raises(error) as caught:
        gd.grad(function)(X)
    check(caught, function, phrases)


# Indices that are only known when the program runs.
AT_RUN_TIME = [
    (lambda x, i: x[i], "index 5", "length 3"),
    (lambda x, i: np.take(x, i, axis=1), "index 5", "length 4"),
    (lambda x, i: x[:, i], "index 5", "length 4"),
    (lambda x, i: x[[0, 1], i], "out of range"),
    (lambda x, i: x[i, [0, 1]], "out of range"),
    (lambda x, i: x[i, i - 5], "out of range"),
    (lambda x, i: x[-i], "out of range"),
    (lambda x, i: np.take_along_axis(x, i[None], 1), "index 5", "length 4"),
    (lambda x, i: gd.scatter_add(x, i, 1.0), "index 5", "length 3"),
    (lambda x, i: gd.softmax_cross_entropy(x[:2], i), "index 5", "length 4"),
]


@pytest.mark.parametrize("run", [gd.compile, lambda f: lambda x, i: gd.vjp(lambda x: f(x, i), x)])
@pytest.mark.parametrize("case", AT_RUN_TIME, ids=names)
def test_indices_out_of_range_are_found_when_the_program_runs(case, run):
    function, *phrases = case
    with pytest.raises(IndexRangeError) as caught:
        run(function)(X, I)
    check(caught, function, phrases)


# -- advice --------------------------------------------------------------------------------------


def attribute(dotted):
    return functools.reduce(getattr, dotted.split(".")[1:], np)


ADVISED = [name for name in ADVICE if name.startswith("np.") and name != "np.array"]


@pytest.mark.parametrize("name", ADVISED)
def test_a_numpy_function_we_lack_names_itself_and_a_replacement(name):
    lacking = attribute(name)
    assert lacking not in NUMPY_FUNCTIONS

    def calls(x):
        yield from ((x,) * count for count in range(1, 5))
        yield [x > 0, x > 0], [x, x]
        yield [x, x]

    def function(x):
        for arguments in calls(x):
            try:
                lacking(*arguments)
            except UnsupportedFunctionError:
                raise
            except Exception as other:  # too few arguments, or no traced value among them
                assert not isinstance(other, GradienteError)

    with pytest.raises(UnsupportedFunctionError) as caught:
        gd.compile(function)(X)
    assert f"`{name}`" in str(caught.value)
    assert ADVICE[name] in str(caught.value)


def snippets():
    for name, text in ADVICE.items():
        for snippet in re.findall(r"`([^`]+)`", text):
            if name.startswith("np.") and "=" not in re.sub(r"[<=>]=|\w+=", "", snippet):
                yield pytest.param(snippet, id=f"{name}: {snippet}")


@pytest.mark.parametrize("snippet", list(snippets()))
def test_the_replacements_advised_can_be_traced(snippet, equal_to_rounding):
    ast.parse(snippet, mode="eval")
    x = np.random.default_rng(0).random((4, 4))
    a, b = np.array([0.1, 0.2, 0.3, 0.4]), np.array([1.0, 2.0, 3.0, 4.0])
    if "np.einsum('ij,kl" in snippet:
        a, b = x, x
    values = {"x": x, "a": a, "b": b, "mask": x > 0.5, "labels": np.array([0, 1, 2, 0])}

    def run(values):
        return eval(snippet, {"np": np, "gd": gd}, values)

    with np.errstate(all="ignore"):
        plain = run(values)
    for backend, units in (("numpy", 0), ("native", 16)):
        compiled = gd.compile(run, backend=backend)(values)
        for one, other in zip(flatten(compiled)[0], flatten(plain)[0], strict=True):
            equal_to_rounding(one, other, units=units)


def test_a_word_that_does_not_exist_is_named():
    with pytest.raises(UnknownNameError, match="no function called `nonsense`"):
        m.nonsense(1.0)
    with pytest.raises(AttributeError, match="no attribute `nonsense`; dir"):
        gd.nonsense  # noqa: B018
