"""The symbolic array a function sees while it is traced, and how operations are recorded on it.

A `Tensor` is a node of the graph. It takes part in ordinary NumPy: operators, `np.tanh(x)`,
`np.mean(x, axis=0)`, `x @ w`, `x[..., 0]`. The functions themselves live in the other files of
this folder and enter the tables `FUNCTIONS` and `NUMPY_FUNCTIONS`, from which operators, methods
and NumPy's dispatch look them up.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np

from gradiente.base.errors import (
    ConcreteValueError,
    GradienteError,
    ImmutableTensorError,
    TypeMismatchError,
    UnknownNameError,
    UnsupportedFunctionError,
)
from gradiente.base.source import current_source
from gradiente.base.types import ArrayType, is_weak, type_of
from gradiente.graph.evaluate import evaluate
from gradiente.graph.node import Node
from gradiente.ops.elementwise import cast, input_dtypes, where
from gradiente.ops.identity import stop_gradient
from gradiente.ops.operation import Operation
from gradiente.trace.advice import advice_for

FUNCTIONS: dict[str, Callable[..., Any]] = {}
NUMPY_FUNCTIONS: dict[Any, Callable[..., Any]] = {}


def function(*numpy_functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function into the tables, and let the given NumPy functions lead to it."""

    def decorate(definition: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS[definition.__name__.rstrip("_")] = definition
        for numpy_function in numpy_functions:
            NUMPY_FUNCTIONS[numpy_function] = definition
        return definition

    return decorate


class Mathematics:
    """The words of local gradients: every function of the library, on arrays and on Tensors."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        try:
            return FUNCTIONS[name]
        except KeyError:
            raise UnknownNameError(f"there is no function called `{name}`.") from None

    @staticmethod
    def bind(operation: Operation, *inputs: Any, **params: Any) -> Any:
        """Apply one operation of the registry."""
        return bind(operation, *inputs, **params)


m = Mathematics()

FLOATING_ADVICE = (
    "Use NumPy functions (np.sin, not math.sin; np.stack([...]), not np.array([...])); to look at "
    "a number under `grad`, print it, or write `{word}(gd.stop_gradient(x))`."
)
INTEGER_ADVICE = (
    "Choose elements by a traced index with `np.take(a, i, axis=0)`; sizes, axes and counts must "
    "be fixed before compiling, for example with `functools.partial(f, n=3)`."
)


class Tensor:
    """An array of known shape and data type inside a traced function.

    Under `grad` its value can be had (printing it, `if x > 0:`); under `compile` there is none.
    weak: it stands for a Python number, whose data type gives way to that of arrays.
    """

    __slots__ = ("node", "weak")

    # Operators are set below, from tables; these are named for the type checker.
    __add__: Callable[..., Any]
    __lt__: Callable[..., Any]
    __ge__: Callable[..., Any]
    __and__: Callable[..., Any]

    def __init__(self, node: Node, weak: bool = False):
        self.node = node
        self.weak = weak

    @property
    def type(self) -> ArrayType:
        """Shape and data type together."""
        return self.node.type

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.node.type.shape

    @property
    def dtype(self) -> np.dtype:
        """The data type of the elements."""
        return self.node.type.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.node.type.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.node.type.size

    @property
    def T(self) -> Any:
        """The axes in reverse order."""
        return FUNCTIONS["transpose"](self)

    @property
    def mT(self) -> Any:
        """The last two axes exchanged."""
        return FUNCTIONS["matrix_transpose"](self)

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """The same values in another data type."""
        return FUNCTIONS["cast"](self, dtype)

    def __getitem__(self, index: Any) -> Any:
        return FUNCTIONS["getitem"](self, index)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeMismatchError("a value without axes has no length." + self._where())
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    # -- what would need, or destroy, the numbers ----------------------------------------------

    def _where(self) -> str:
        return current_source().explain()

    def _known(self) -> np.ndarray | None:
        if not self.node.concrete:
            return None
        evaluate([self.node])
        return self.node.value

    def __bool__(self) -> bool:
        value = self._known()
        if value is None:
            raise ConcreteValueError(
                f"Python needs True or False here, but this {self.type} has no value while the "
                "function is being compiled or mapped. Choose between values with "
                "`gd.where(condition, a, b)`, or make the choice outside the compiled function."
                + self._where()
            )
        return bool(value)

    def _number(self, word: str) -> np.ndarray:
        value = self._known()
        floating = self.type.is_floating
        if value is not None and (self.node.operation is stop_gradient or not floating):
            return value
        reason = "would lose its gradient" if value is not None else "has no value yet"
        advice = FLOATING_ADVICE.format(word=word) if floating else INTEGER_ADVICE
        raise ConcreteValueError(
            f"`{word}` wants plain numbers, but this {self.type} is being traced and {reason}. "
            + advice
            + self._where()
        )

    def __float__(self) -> float:
        return float(self._number("float"))

    def __int__(self) -> int:
        return int(self._number("int"))

    def __index__(self) -> int:
        return self._number("int").__index__()

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.asarray(self._number("np.asarray"), dtype=dtype)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise ImmutableTensorError(
            "a traced value cannot be assigned to. Write `x = gd.where(mask, new, x)`, "
            "`x = gd.scatter_add(x, indices, values)`, or build the parts and join them with "
            "`np.concatenate` or `np.stack`." + self._where()
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        hint = advice_for(name) or "NumPy's functions can be used on it: np.sum(x), np.tanh(x), …"
        raise AttributeError(f"a traced value has no attribute `{name}`. {hint}" + self._where())

    def __repr__(self) -> str:
        value = self._known()
        if value is None:
            return f"Tensor({self.type})"
        return f"Tensor({self.type}, value={np.array2string(value, threshold=20, precision=6)})"

    def __format__(self, specification: str) -> str:
        value = self._known()
        if value is None or not specification:
            return repr(self)
        return format(value[()], specification)

    # -- NumPy's protocols ----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if options.get("out") is not None:
            raise ImmutableTensorError(
                "an array cannot be updated in place with a traced value; "
                "write `a = a + b` instead of `a += b`." + self._where()
            )
        if method == "__call__":
            return _dispatch(ufunc, f"np.{ufunc.__name__}", inputs, options)
        if method == "reduce":
            options.setdefault("axis", 0)
        return _dispatch((ufunc, method), f"np.{ufunc.__name__}.{method}", inputs, options)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        package = getattr(func, "__module__", "numpy") or "numpy"
        prefix = package.replace("numpy", "np", 1)
        return _dispatch(func, f"{prefix}.{func.__name__}", args, kwargs)


def _dispatch(key: Any, name: str, args: Any, options: dict[str, Any]) -> Any:
    """Call our function for a NumPy function, or say what to write instead."""
    ours = NUMPY_FUNCTIONS.get(key)
    if ours is None:
        advice = advice_for(name) or (
            "Write it with the functions gradiente has (dir(gd) lists them), or compute it "
            "outside the traced function."
        )
        raise UnsupportedFunctionError(
            f"`{name}` cannot be applied to a traced value. {advice}{current_source().explain()}"
        )
    code = ours.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    absent = np._NoValue
    options = {
        word: value
        for word, value in options.items()
        if value is not absent and (value is not None or word in known)
    }
    unknown = [f"{word}=" for word in sorted(options) if word not in known]
    if len(args) > code.co_argcount and not code.co_flags & inspect.CO_VARARGS:
        unknown.append(f"more than {code.co_argcount} arguments by position")
    if unknown:
        raise UnsupportedFunctionError(
            f"`{name}` on a traced value does not take {' or '.join(unknown)}; it takes "
            f"{', '.join(known)}.{current_source().explain()}"
        )
    return ours(*args, **options)


# What the operators take; anything else may know what to do with a Tensor itself.
OPERANDS = (Tensor, np.ndarray, np.generic, bool, int, float, list, tuple)


def _operator(name: str, swapped: bool = False) -> Callable[..., Any]:
    def method(self: Tensor, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        return FUNCTIONS[name](other, self) if swapped else FUNCTIONS[name](self, other)

    return method


OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "power",
    "matmul": "matmul",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "left_shift",
    "rshift": "right_shift",
}
COMPARISONS = {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}
UNARY = {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_not"}
METHODS = [
    "sum",
    "mean",
    "var",
    "std",
    "prod",
    "max",
    "min",
    "argmax",
    "argmin",
    "any",
    "all",
    "cumsum",
    "reshape",
    "ravel",
    "flatten",
    "transpose",
    "swapaxes",
    "squeeze",
    "repeat",
    "take",
    "clip",
    "round",
    "dot",
    "copy",
    "argsort",
]


def _unary(name: str) -> Callable[..., Any]:
    return lambda self, *args, **options: FUNCTIONS[name](self, *args, **options)


for _word, _name in OPERATORS.items():
    setattr(Tensor, f"__{_word}__", _operator(_name))
    setattr(Tensor, f"__r{_word}__", _operator(_name, swapped=True))
for _word, _name in COMPARISONS.items():
    setattr(Tensor, f"__{_word}__", _operator(_name))
for _word, _name in UNARY.items():
    setattr(Tensor, f"__{_word}__", _unary(_name))
for _name in METHODS:
    setattr(Tensor, _name, _unary(_name))
Tensor.__hash__ = object.__hash__  # type: ignore[method-assign]


def same_dtype(*arrays: Any) -> list[Any]:
    """All in the data type NumPy gives to their mixture (a bare number counts as an array)."""
    dtypes = [x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype for x in arrays]
    dtype = np.result_type(*dtypes)
    return [
        x if own == dtype and hasattr(x, "dtype") else FUNCTIONS["cast"](x, dtype)
        for x, own in zip(arrays, dtypes, strict=True)
    ]


def floating(x: Any) -> Any:
    """Integers and booleans as float64, as in NumPy's mean."""
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    return FUNCTIONS["cast"](x, np.float64) if dtype.kind in "biu" else x


# -- recording -----------------------------------------------------------------------------------


def constant(value: Any, dtype: Any = None) -> Node:
    """A node for an array of the surrounding program, copied so that it cannot change later."""
    array = _array(value, dtype or type_of(value).dtype)
    array.flags.writeable = False
    return Node(None, (), {}, type_of(array), value=array)


def _array(value: Any, dtype: Any = None) -> np.ndarray:
    """A new array of a value, in the data type of what it meets."""
    try:
        return np.array(value, dtype=dtype)
    except OverflowError:
        raise TypeMismatchError(
            f"{value} does not fit into {np.dtype(dtype)}; convert the array to a wider data type "
            "first." + current_source().explain()
        ) from None


def _node(value: Any) -> Node:
    return value.node if isinstance(value, Tensor) else constant(value)


def _record(operation: Operation, inputs: tuple[Node, ...], params: dict[str, Any]) -> Node:
    try:
        result = operation.type_rule(*(node.type for node in inputs), **params)
    except GradienteError as error:
        raise _located(error) from None
    return Node(operation, inputs, params, result, current_source())


def _located(error: GradienteError) -> GradienteError:
    """The same error, ending with the user's line."""
    return type(error)(f"{error}{current_source().explain()}")


def bind(operation: Operation, *inputs: Any, **params: Any) -> Any:
    """Apply an operation: record it if an input is a Tensor, else compute it at once."""
    if not any(isinstance(value, Tensor) for value in inputs):
        return _compute(operation, inputs, params)
    if operation.family == "elementwise":
        return _bind_elementwise(operation, inputs, params)
    return Tensor(_record(operation, tuple(map(_node, inputs)), params))


def _compute(operation: Operation, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
    if operation.family == "elementwise" and operation is not cast:
        inputs = _converted(operation, inputs)
    types = [type_of(value) for value in inputs]
    arrays = [np.asarray(value, kind.dtype) for value, kind in zip(inputs, types, strict=True)]
    try:
        operation.type_rule(*types, **params)  # for its error messages
        with np.errstate(all="ignore"):
            return np.asarray(operation.value(*arrays, **params))[()]
    except GradienteError as error:
        raise _located(error) from None


def _weak(value: Any) -> bool:
    return value.weak if isinstance(value, Tensor) else is_weak(value)


def _kind(value: Any) -> Any:
    """What takes part in NumPy's promotion: a data type, or the type of a Python number."""
    if isinstance(value, Tensor):
        return NUMBER_TYPES[value.dtype.kind] if value.weak else value.dtype
    if is_weak(value):
        return bool if isinstance(value, bool) else int if isinstance(value, int) else float
    return type_of(value).dtype


NUMBER_TYPES = {"b": bool, "i": int, "u": int, "f": float}


def _targets(operation: Operation, inputs: tuple[Any, ...]) -> tuple[np.dtype, ...]:
    """The data type each input of an elementwise operation is converted to."""
    try:
        return _converted_dtypes(operation, tuple(map(_kind, inputs)))
    except GradienteError as error:
        raise _located(error) from None


@lru_cache(maxsize=4096)
def _converted_dtypes(operation: Operation, kinds: tuple[Any, ...]) -> tuple[np.dtype, ...]:
    first = 1 if operation is where else 0
    common = np.result_type(*(kind() if isinstance(kind, type) else kind for kind in kinds[first:]))
    own = (common if isinstance(kind, type) else kind for kind in kinds[first:])
    return input_dtypes(operation, (*[np.dtype(bool)] * first, *own))


def _converted(operation: Operation, inputs: tuple[Any, ...]) -> tuple[np.ndarray, ...]:
    targets = _targets(operation, inputs)
    return tuple(
        _array(value, target) if is_weak(value) else np.asarray(value, dtype=target)
        for value, target in zip(inputs, targets, strict=True)
    )


def _cast_node(value: Any, target: np.dtype) -> Node:
    if not isinstance(value, Tensor):
        return constant(value, target)
    if value.dtype == target:
        return value.node
    return _record(cast, (value.node,), {"dtype": target})


def _bind_elementwise(operation: Operation, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
    weak = all(map(_weak, inputs))
    if operation is cast:
        node = inputs[0].node
        if node.type.dtype == params["dtype"]:
            return Tensor(node)
        return Tensor(_record(operation, (node,), params))
    targets = _targets(operation, inputs)
    nodes = tuple(map(_cast_node, inputs, targets))
    return Tensor(_record(operation, nodes, params), weak)
