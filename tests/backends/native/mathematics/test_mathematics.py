"""The native words: how exact they are, NumPy at the ends of every range, integers, all targets."""

import ctypes
import itertools
import re
from dataclasses import dataclass, replace

import llvmlite.binding as llvm
import numpy as np
import pytest

from gradiente.backends.native.language.emit import OPERATORS, Code, Value
from gradiente.backends.native.language.kind import INDEX, Kind
from gradiente.backends.native.machine.engine import compile_text
from gradiente.backends.native.machine.target import Target, host
from gradiente.backends.native.mathematics.algebra import Algebra
from gradiente.base.errors import TypeMismatchError
from gradiente.ops.algebra import NUMPY, WORDS
from gradiente.ops.elementwise import INTEGER_ONLY, input_dtypes
from gradiente.ops.operation import OPERATIONS
from gradiente.ops.special import erf

LANES = (1, 4, 8, 16)
SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


# -- running a formula -----------------------------------------------------------------------------


def written(formula, dtypes, result, lanes, target=None) -> str:
    """A module with a loop that computes a formula of arrays, a vector at a time."""
    parameters = [("ptr noalias", f"p{i}") for i in range(len(dtypes) + 1)]
    code = Code("formula", [*parameters, ("i64", "stop")], target)
    with code.loop(Value(code, "%stop", INDEX), step=lanes) as loop:
        inputs = [
            code.load(f"%p{i}", loop.index, Kind(np.dtype(dtype), lanes))
            for i, dtype in enumerate(dtypes)
        ]
        value = code.convert(formula(Algebra(code), *inputs), np.dtype(result))
        value = code.as_kind(value, Kind(np.dtype(result), lanes))
        code.store(value, f"%p{len(dtypes)}", loop.index)
    return "\n".join([*sorted(code.declarations), code.text()])


class Compiled:
    """A formula as native code, called with arrays."""

    def __init__(self, formula, *dtypes, result=None, lanes=16, target=None):
        self.dtypes, self.lanes = [np.dtype(dtype) for dtype in dtypes], lanes
        self.result = np.dtype(result or dtypes[0])
        library = compile_text(written(formula, dtypes, self.result, lanes, target))
        pointers = [ctypes.c_void_p] * (len(dtypes) + 1)
        self.function = library.function("formula", *pointers, ctypes.c_int64)

    def __call__(self, *arrays):
        padded = len(arrays[0]) + -len(arrays[0]) % self.lanes
        inputs = [np.ones(padded, dtype) for dtype in self.dtypes]
        for whole, array in zip(inputs, arrays, strict=True):
            whole[: len(array)] = array
        output = np.empty(padded, self.result)
        self.function(*(array.ctypes.data for array in (*inputs, output)), padded)
        return output[: len(arrays[0])]


def errors(got, exact, dtype):
    """The distance of results from exact values, in units of the last place of those."""
    largest = np.finfo(dtype).max
    with np.errstate(all="ignore"):
        unit = np.spacing(np.minimum(np.abs(exact), largest).astype(dtype)).astype(np.float64)
        distance = np.abs(got.astype(np.float64) - exact) / unit
        overflows = np.isinf(exact.astype(dtype))
    right = np.isinf(got) & (np.sign(got) == np.sign(exact))
    edge = np.where(np.abs(got) == largest, 1.0, np.inf)
    distance = np.where(overflows, np.where(right, 0.0, edge), distance)
    nan, expected = np.isnan(got), np.isnan(exact)
    return np.where(nan | expected, np.where(nan & expected, 0.0, np.inf), distance)


def worst(got, exact, inputs, dtype, bound, name):
    """Assert a bound; the message says where it is exceeded."""
    distance = errors(got, exact, dtype)
    place = int(np.argmax(distance))
    at = [array[place] for array in inputs]
    message = f"{name}{at}: {got[place]!r} is {distance[place]:.3g} ulp from {exact[place]!r}"
    assert distance[place] <= bound, message


# -- functions of one number -----------------------------------------------------------------------


@dataclass(frozen=True)
class Function:
    """A word, its reference in float64, the largest errors allowed, and where it exists."""

    exact: object
    single: float
    double: float
    low: float = -np.inf


FUNCTIONS = {
    "sqrt": Function(np.sqrt, 0.5, 0.5),
    "exp": Function(np.exp, 1.0, 1.0),
    "expm1": Function(np.expm1, 1.5, 2.0),
    "log": Function(np.log, 1.0, 1.0),
    "log1p": Function(np.log1p, 1.5, 1.5),
    "log2": Function(np.log2, 0.51, 0.6),
    "log10": Function(np.log10, 0.51, 0.6),
    "sin": Function(np.sin, 1.7, 1.0),
    "cos": Function(np.cos, 1.7, 1.0),
    "tan": Function(np.tan, 0.51, 2.1),
    "asin": Function(np.arcsin, 0.51, 2.0),
    "acos": Function(np.arccos, 0.51, 2.0),
    "atan": Function(np.arctan, 0.51, 1.0),
    "sinh": Function(np.sinh, 2.2, 2.2),
    "cosh": Function(np.cosh, 1.5, 1.5),
    "tanh": Function(np.tanh, 2.5, 2.0),
    "asinh": Function(np.arcsinh, 0.51, 2.0),
    "acosh": Function(np.arccosh, 0.51, 2.0),
    "atanh": Function(np.arctanh, 0.51, 2.0),
    "erf": Function(erf, 1.3, 2.5),
    # Below -87, e⁻ˣ overflows in its formula.
    "sigmoid": Function(lambda x: 1 / (1 + np.exp(-x)), 2.5, 2.5, low=-87.0),
}


def neighbours(points, count):
    """float32 numbers around points."""
    bits = np.array(points, np.float32).view(np.int32)[:, None] + np.arange(-count, count)
    return bits.astype(np.int32).ravel().view(np.float32)


def stratified():
    """float32 numbers of every sign and exponent, and many where formulas change."""
    random = np.random.default_rng(0)
    upper = np.repeat(np.arange(512, dtype=np.uint32) << 23, 600)
    every = (upper | random.integers(0, 1 << 23, upper.size, dtype=np.uint32)).view(np.float32)
    moderate = random.uniform(-20, 20, 100_000).astype(np.float32)
    points = [
        0.25,
        0.35,
        0.5,
        0.66,
        0.7071,
        0.875,
        1.0,
        1.4142,
        2.0,
        2.4142,
        3.93,
        9.0,
        88.7,
        2**28,
    ]
    quarters = np.arange(1, 200) * (np.pi / 2)
    near = [neighbours(points, 1000), neighbours(quarters, 20), neighbours([103.9, 2.0**15], 1000)]
    near = np.concatenate(near)
    return np.concatenate([every, moderate, near, -near])


STRATIFIED = stratified()


@pytest.mark.parametrize("fuses", [True, False])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_functions_are_within_their_bounds(name, fuses):
    function = FUNCTIONS[name]
    if fuses and not host().fuses:
        pytest.skip("this CPU does not multiply and add in one instruction")
    x = STRATIFIED
    x = x[~(x <= function.low)]
    target = replace(host(), fuses=fuses, scales=fuses and host().scales)
    got = Compiled(OPERATIONS[name].formula, np.float32, target=target)(x)
    with np.errstate(all="ignore"):
        exact = function.exact(x.astype(np.float64))
    worst(got, exact, [x], SINGLE, function.single, name)


@pytest.fixture
def opted_in(request):
    """Only with `-m slow`: minutes for each function."""
    if "slow" not in request.config.getoption("markexpr"):
        pytest.skip("takes minutes; run with -m slow")


@pytest.mark.slow
@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_numbers_of_float32_are_within_the_bounds(name):
    function, compiled = FUNCTIONS[name], Compiled(OPERATIONS[name].formula, np.float32)
    chunk = 1 << 22
    for start in range(0, 1 << 32, chunk):
        x = np.arange(start, start + chunk, dtype=np.uint32).view(np.float32)
        x = x[~(x <= function.low)]
        if x.size:
            with np.errstate(all="ignore"):
                exact = function.exact(x.astype(np.float64))
            worst(compiled(x), exact, [x], SINGLE, function.single, name)


HALVES = np.arange(1 << 16, dtype=np.uint16).view(np.float16)


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"sigmoid"}))  # that is several steps
def test_all_numbers_of_float16(name):
    function = FUNCTIONS[name]
    with np.errstate(all="ignore"):
        exact = function.exact(HALVES.astype(np.float64))
    got = Compiled(OPERATIONS[name].formula, np.float16)(HALVES)
    worst(got, exact, [HALVES], np.dtype(np.float16), 0.501, name)


# -- float64, against numbers of 140 bits ----------------------------------------------------------


def doubles(low, high):
    """float64 numbers of many sizes, of moderate size, near 1 and near multiples of π/2."""
    random = np.random.default_rng(1)
    powers = 2.0 ** np.arange(-1022, 1024, 16)
    x = np.concatenate([
        2.0 ** random.uniform(-60, 60, 300), 2.0 ** random.uniform(-1022, 1023, 200),
        random.uniform(0, 3, 400), random.uniform(0, 30, 200), random.uniform(0, 720, 200),
        1 - 2.0 ** random.uniform(-52, -1, 100), 1 + 2.0 ** random.uniform(-52, -1, 100),
        np.arange(1, 100) * (np.pi / 2), powers, powers * np.pi,
        random.integers(1, 2**50, 20) * 5e-324,
    ])  # fmt: skip
    x = np.concatenate([x, -x])
    return x[(x >= low) & (x <= high) & np.isfinite(x)]


REAL = {"asin": (-1, 1), "acos": (-1, 1), "atanh": (-1 + 1e-15, 1 - 1e-15), "acosh": (1, np.inf)}
REAL |= dict.fromkeys(("log", "log2", "log10", "sqrt"), (5e-324, np.inf))
REAL |= {"log1p": (-1 + 1e-15, np.inf), "sigmoid": (-700.0, np.inf)}


def precisely(mpmath, name):
    by_hand = {
        "log2": lambda x: mpmath.log(x) / mpmath.log(2),
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    }
    return by_hand.get(name) or getattr(mpmath, name)


def precise_errors(mpmath, got, inputs, function):
    """Errors in units of the last place of float64, against a function of `mpmath`."""
    largest = mpmath.mpf(np.finfo(np.float64).max)
    distances = []
    for result, *given in zip(got, *inputs, strict=True):
        exact = function(*(mpmath.mpf(float(x)) for x in given))
        if abs(exact) > largest:
            distances.append(0.0 if np.isinf(result) and (result > 0) == (exact > 0) else np.inf)
            continue
        exponent = max(mpmath.frexp(exact)[1] if exact else -1021, -1021)
        error = abs(mpmath.mpf(float(result)) - exact) if np.isfinite(result) else mpmath.inf
        distances.append(float(error * mpmath.mpf(2) ** (53 - exponent)))
    return np.array(distances)


def assert_precise(got, inputs, name, bound):
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workprec(140):
        distances = precise_errors(mpmath, got, inputs, precisely(mpmath, name))
    place = int(np.argmax(distances))
    at = [x[place] for x in inputs]
    assert distances[place] <= bound, f"{name}{at}: {got[place]!r}, {distances[place]:.3g} ulp"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64_functions_are_within_their_bounds(name):
    x = doubles(*REAL.get(name, (-np.inf, np.inf)))
    got = Compiled(OPERATIONS[name].formula, np.float64, lanes=8)(x)
    assert_precise(got, [x], name, FUNCTIONS[name].double)


def pairs():
    """Pairs of positive float64 numbers: of many sizes, and near 1 with large exponents."""
    random = np.random.default_rng(2)
    sizes = 2.0 ** random.uniform(-300, 300, (2, 300))
    all_sizes = 2.0 ** random.uniform(-1070, 1023, (2, 300))
    near = np.stack([random.uniform(0.9, 1.1, 300), random.uniform(-1e3, 1e3, 300)])
    decay = np.stack([np.full(300, 0.999), random.integers(1, 5000, 300)])
    usual = np.stack([random.uniform(0, 100, 300), random.uniform(-100, 100, 300)])
    return np.concatenate([sizes, all_sizes, near, decay, usual], axis=1)


BINARY = {
    "power": (lambda m, a, b: a**b, 1.1),
    "atan2": (lambda m, a, b: m.atan2(a, b), 1.5),
    "hypot": (lambda m, a, b: m.hypot(a, b), 0.6),
}


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_numbers_are_within_their_bounds(name):
    formula, bound = BINARY[name]
    a, b = pairs()
    assert_precise(Compiled(formula, np.float64, np.float64, lanes=8)(a, b), [a, b], name, bound)
    numpys = {"atan2": np.arctan2}.get(name) or getattr(np, name)
    with np.errstate(all="ignore"):
        a, b = a.astype(np.float32), b.astype(np.float32)
        exact = numpys(a.astype(np.float64), b.astype(np.float64))
    got = Compiled(formula, np.float32, np.float32)(a, b)
    worst(got, exact, [a, b], SINGLE, 0.51, name)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_logaddexp_is_as_exact_as_its_largest_term(dtype):
    random = np.random.default_rng(3)
    a, b = random.normal(size=(2, 5000)).astype(dtype) * 20
    got = Compiled(lambda m, a, b: m.logaddexp(a, b), dtype, dtype)(a, b)
    exact = np.logaddexp(a.astype(np.longdouble), b.astype(np.longdouble))
    scale = np.maximum(np.maximum(abs(a), abs(b)), 1)
    assert np.max(np.abs(got - exact) / scale) < 2 * np.finfo(dtype).eps


@pytest.mark.parametrize("exponent", [-2, -1, -0.5, 0, 0.5, 1, 2, 3, 7, 2.5])
def test_powers_with_known_exponents(exponent):
    x = np.concatenate([doubles(-np.inf, np.inf), [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0]])
    got = Compiled(lambda m, x: x**exponent, np.float64, lanes=8)(x)
    with np.errstate(all="ignore"):
        exact = np.power(x, np.full(x.size, float(exponent)))
    worst(got, exact, [x], DOUBLE, 2.1, f"power by {exponent} ")
    np.testing.assert_array_equal(np.signbit(got[exact == 0]), np.signbit(exact[exact == 0]))


# -- quotients and remainders ----------------------------------------------------------------------


@pytest.mark.parametrize("fuses", [host().fuses, False])
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_remainders_are_exact(dtype, fuses):
    random = np.random.default_rng(4)
    with np.errstate(all="ignore"):
        moderate = random.normal(size=(2, 2000)) * 10
        a, b = np.concatenate([pairs(), moderate], axis=1).astype(dtype)
    a, b = np.concatenate([a, -a, a]), np.concatenate([b, b, -b])
    target = replace(host(), fuses=fuses)
    with np.errstate(all="ignore"):
        got = Compiled(lambda m, a, b: a % b, dtype, dtype, target=target)(a, b)
        np.testing.assert_array_equal(got, np.remainder(a, b))
        got = Compiled(lambda m, a, b: a // b, dtype, dtype, target=target)(a, b)
        np.testing.assert_allclose(got, np.floor_divide(a, b), rtol=2 * np.finfo(dtype).eps)


INTEGERS = [np.dtype(f"{kind}{size}") for kind in ("int", "uint") for size in (8, 16, 32, 64)]
INTEGER_FORMULAS = {
    "floor_divide": (lambda m, a, b: a // b, np.floor_divide),
    "remainder": (lambda m, a, b: a % b, np.remainder),
    "power": (lambda m, a, b: a ** (b & 15), lambda a, b: np.power(a, b & 15)),
    "halves": (lambda m, a, b: a // 2 + a % 7, lambda a, b: a // 2 + a % 7),
    "maximum": (lambda m, a, b: m.maximum(a, b), np.maximum),
    "minimum": (lambda m, a, b: m.minimum(a, b), np.minimum),
    "abs": (lambda m, a, b: m.abs(a), lambda a, b: np.abs(a)),
    "sign": (lambda m, a, b: m.sign(a), lambda a, b: np.sign(a)),
    "round": (lambda m, a, b: m.floor(m.round(a)), lambda a, b: a),
    "left_shift": (lambda m, a, b: a << b, np.left_shift),
    "right_shift": (lambda m, a, b: a >> b, np.right_shift),
    "where": (lambda m, a, b: m.where(a > b, a, 5), lambda a, b: np.where(a > b, a, 5)),
}  # fmt: skip


def integers(dtype):
    """All pairs of small and extreme integers."""
    limits = np.iinfo(dtype)
    values = [0, 1, 2, 3, 5, 7, 10, 100, limits.max, limits.max - 1, limits.min, limits.min + 1]
    values += [-1, -2, -3, -7] if limits.min else []
    columns = zip(*itertools.product(values, repeat=2), strict=True)
    return [np.array(column, dtype) for column in columns]


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("name", INTEGER_FORMULAS)
def test_integers_are_numpys(name, dtype):
    formula, numpys = INTEGER_FORMULAS[name]
    a, b = integers(dtype)
    with np.errstate(all="ignore"):
        expected = numpys(a, b)
    for lanes in (1, 16):
        np.testing.assert_array_equal(Compiled(formula, dtype, dtype, lanes=lanes)(a, b), expected)


def test_negative_powers_of_integers_are_rounded_towards_zero():
    a, b = np.array([-3, -1, -1, 1, 2, 0]), np.array([-1, -3, -2, -7, -1, -1])
    got = Compiled(lambda m, a, b: a**b, np.int64, np.int64)(a, b)
    np.testing.assert_array_equal(got, [0, -1, 1, 1, 0, 0])


# -- every word and operation ----------------------------------------------------------------------

ELEMENTWISE = [op for op in OPERATIONS.values() if op.family == "elementwise" and op.name != "cast"]
SPECIAL = (np.nan, np.inf, -np.inf, -0.0, 0.0, 1.5, -2.0, 1.0, -1.0, 0.5, 3.0, 1e30, -1e30, 1e-42)


def arguments(operation, dtype):
    """All combinations of special values, and the result NumPy has for them."""
    arity = operation.formula.__code__.co_argcount - 1
    values = SPECIAL if arity < 3 else SPECIAL[:7]
    if dtype.kind != "f":
        values = (0, 1, 2, 3)
    rows = zip(*itertools.product(values, repeat=arity), strict=True)
    with np.errstate(all="ignore"):
        arrays = [np.array(column).astype(dtype) for column in rows]
        dtypes = input_dtypes(operation, (dtype,) * arity)
        arrays = [array.astype(one) for array, one in zip(arrays, dtypes, strict=True)]
        return arrays, np.asarray(operation.formula(NUMPY, *arrays))


def equal(got, expected):
    """Equal; floating-point numbers to a few units, but NaN, infinities and zeros exactly."""
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(got, expected)
        return
    settled = ~np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(got), ~settled)
    np.testing.assert_array_equal(np.signbit(got[settled]), np.signbit(expected[settled]))
    np.testing.assert_array_equal(got == 0, expected == 0)
    info = np.finfo(expected.dtype)
    smallest = 2 * float(info.smallest_subnormal)
    np.testing.assert_allclose(got, expected, rtol=8 * float(info.eps), atol=smallest)


def accepted(operation, dtype):
    """Whether NumPy takes such values."""
    arity = operation.formula.__code__.co_argcount - 1
    try:
        input_dtypes(operation, (dtype,) * arity)
    except TypeMismatchError:
        return False
    return True


CASES = [
    pytest.param(operation, np.dtype(name), id=f"{operation.name}-{name}")
    for operation in ELEMENTWISE
    for name in ("float16", "float32", "float64", "int8", "int32", "uint8", "bool")
    if accepted(operation, np.dtype(name))
]


@pytest.mark.parametrize(("operation", "dtype"), CASES)
def test_special_values_are_numpys_for_any_number_of_lanes(operation, dtype):
    arrays, expected = arguments(operation, dtype)
    dtypes = [array.dtype for array in arrays]
    for lanes in LANES:
        compiled = Compiled(operation.formula, *dtypes, result=expected.dtype, lanes=lanes)
        equal(compiled(*arrays), expected)


def test_the_native_words_are_the_words_of_formulas():
    assert set(WORDS) == Algebra.WORDS
    assert {"//", "%", "**"} == set(OPERATORS)
    algebra = Algebra(Code("empty", []))
    assert all(callable(getattr(algebra, word)) for word in WORDS)
    with pytest.raises(AttributeError, match="`sinc` is no word of formulas"):
        algebra.sinc  # noqa: B018


# -- targets ---------------------------------------------------------------------------------------

LINUX, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
TARGETS = {
    "sse2": Target(LINUX, "x86-64", "", 16, 16, fuses=False),
    "avx2": Target(LINUX, "x86-64-v3", "", 32, 16),
    "avx512": Target(LINUX, "x86-64-v4", "", 64, 32, scales=True),
    "neon": Target(ARM, "generic", "", 16, 32),
}
CALL = re.compile(r"^\s+(?:callq?|jmp|bl|b)\s+\*?([A-Za-z_]\w*)", re.MULTILINE)


@pytest.fixture(scope="module")
def machines():
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    made = {}
    for name, target in TARGETS.items():
        try:
            found = llvm.Target.from_triple(target.triple)
        except RuntimeError:  # this LLVM was built without it
            continue
        made[name] = found.create_target_machine(cpu=target.cpu, features=target.features, opt=3)
    return made


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("name", TARGETS)
def test_no_target_calls_a_function_for_any_word(name, lanes, machines):
    """All formulas of float32 and float64 numbers, and those of integers, as machine code."""
    if name not in machines:
        pytest.skip("this LLVM has no such target")
    for operation in ELEMENTWISE:
        integer = operation in INTEGER_ONLY or operation.name in ("floor_divide", "remainder")
        for dtype in (np.dtype(np.int32),) if integer else (SINGLE, DOUBLE):
            arity = operation.formula.__code__.co_argcount - 1
            dtypes = input_dtypes(operation, (dtype,) * arity)
            text = written(operation.formula, dtypes, dtype, lanes, TARGETS[name])
            module = llvm.parse_assembly(text)
            module.verify()
            module.triple = TARGETS[name].triple
            called = CALL.findall(machines[name].emit_assembly(module))
            assert not called, f"{operation.name} of {dtype} calls {called}"
