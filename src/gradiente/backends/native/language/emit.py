"""Writing LLVM's language: typed values with operators, loops and branches as context managers.

The indentation of the Python that emits code is the loop nest of the code it emits. A value is a
scalar or a vector; the operators of Python choose the instruction by its type. Text is written
directly, because building it is several times faster than going through an object model.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.backends.native.language.convert import convert
from gradiente.backends.native.language.kind import BOOL, INDEX, Kind, literal, mangled
from gradiente.backends.native.machine.target import Target, host

ARITHMETIC = {"+": "add", "-": "sub", "*": "mul"}
BITWISE = {"&": "and", "|": "or", "^": "xor"}
ORDERED = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}

Operator = Callable[["Value", "Value"], "Value"]
OPERATORS: dict[str, Operator] = {}


def operator(sign: str) -> Callable[[Operator], Operator]:
    """Declare the meaning of `//`, `%` or `**`, which take more than an instruction."""

    def declare(function: Operator) -> Operator:
        OPERATORS[sign] = function
        return function

    return declare


class Value:
    """A value in a register, of a kind; arithmetic on it emits instructions."""

    __array_ufunc__ = None  # a NumPy number on the left leaves the operator to us
    __slots__ = ("code", "kind", "name", "number")

    def __init__(self, code: "Code", name: str, kind: Kind, number: Any = None):
        self.code = code
        self.name = name
        self.kind = kind
        self.number = number  # what a constant is; `None` if only the running code knows

    @property
    def dtype(self) -> np.dtype:
        """The data type of its elements."""
        return self.kind.dtype

    def _with(self, other: Any, swapped: bool = False) -> "tuple[Value, Value]":
        """Both operands: numbers become constants of this kind, scalars are repeated."""
        other = self.code.as_kind(other, self.kind)
        mine = self.code.as_kind(self, other.kind)
        return (other, mine) if swapped else (mine, other)

    def _arithmetic(self, sign: str, other: Any, swapped: bool = False) -> "Value":
        word = ("f" if self.kind.is_float else "") + ARITHMETIC[sign]
        if self.kind.is_boolean:
            word = {"+": "or", "*": "and", "-": "xor"}[sign]
        return self.code.binary(word, *self._with(other, swapped))

    def __add__(self, other: Any) -> "Value":
        return self._arithmetic("+", other)

    def __radd__(self, other: Any) -> "Value":
        return self._arithmetic("+", other, swapped=True)

    def __sub__(self, other: Any) -> "Value":
        return self._arithmetic("-", other)

    def __rsub__(self, other: Any) -> "Value":
        return self._arithmetic("-", other, swapped=True)

    def __mul__(self, other: Any) -> "Value":
        return self._arithmetic("*", other)

    def __rmul__(self, other: Any) -> "Value":
        return self._arithmetic("*", other, swapped=True)

    def __truediv__(self, other: Any) -> "Value":
        return self.code.binary("fdiv", *self._with(other))

    def __rtruediv__(self, other: Any) -> "Value":
        return self.code.binary("fdiv", *self._with(other, swapped=True))

    def __floordiv__(self, other: Any) -> "Value":
        return OPERATORS["//"](*self._with(other))

    def __rfloordiv__(self, other: Any) -> "Value":
        return OPERATORS["//"](*self._with(other, swapped=True))

    def __mod__(self, other: Any) -> "Value":
        return OPERATORS["%"](*self._with(other))

    def __rmod__(self, other: Any) -> "Value":
        return OPERATORS["%"](*self._with(other, swapped=True))

    def __pow__(self, other: Any) -> "Value":
        return OPERATORS["**"](*self._with(other))

    def __rpow__(self, other: Any) -> "Value":
        return OPERATORS["**"](*self._with(other, swapped=True))

    def __neg__(self) -> "Value":
        if self.kind.is_float:
            return self.code.assign(f"fneg {self.kind.text} {self.name}", self.kind)
        return 0 - self

    def __pos__(self) -> "Value":
        return self

    def _bitwise(self, sign: str, other: Any) -> "Value":
        return self.code.binary(BITWISE[sign], *self._with(other))

    def __and__(self, other: Any) -> "Value":
        return self._bitwise("&", other)

    def __or__(self, other: Any) -> "Value":
        return self._bitwise("|", other)

    def __xor__(self, other: Any) -> "Value":
        return self._bitwise("^", other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> "Value":
        return self._bitwise("^", True if self.dtype == BOOL else -1)

    def __lshift__(self, other: Any) -> "Value":
        return self._shift("shl", *self._with(other))

    def __rlshift__(self, other: Any) -> "Value":
        return self._shift("shl", *self._with(other, swapped=True))

    def __rshift__(self, other: Any) -> "Value":
        return self._shift("ashr" if self.kind.is_signed else "lshr", *self._with(other))

    def __rrshift__(self, other: Any) -> "Value":
        word = "ashr" if self.kind.is_signed else "lshr"
        return self._shift(word, *self._with(other, swapped=True))

    def _shift(self, word: str, a: "Value", b: "Value") -> "Value":
        """By the width or more, or by less than 0: no bit is left, but copies of the sign."""
        code, bits = self.code, self.kind.bits
        if b.number is not None and 0 <= b.number < bits:
            return code.binary(word, a, b)
        inside = code.compare("icmp ult", b, code.constant(bits, b.kind))
        if word == "ashr":
            return code.binary(word, a, code.select(inside, b, code.constant(bits - 1, b.kind)))
        return code.select(inside, code.binary(word, a, b), code.constant(0, a.kind))

    def _compare(self, sign: str, other: Any) -> "Value":
        a, b = self._with(other)
        if self.kind.is_float:
            word = {"==": "oeq", "!=": "une"}.get(sign) or "o" + ORDERED[sign]
            return self.code.compare(f"fcmp {word}", a, b)
        prefix = "s" if self.kind.is_signed else "u"
        word = {"==": "eq", "!=": "ne"}.get(sign) or prefix + ORDERED[sign]
        return self.code.compare(f"icmp {word}", a, b)

    def __eq__(self, other: object) -> "Value":  # type: ignore[override]
        return self._compare("==", other)

    def __ne__(self, other: object) -> "Value":  # type: ignore[override]
        return self._compare("!=", other)

    def __lt__(self, other: Any) -> "Value":
        return self._compare("<", other)

    def __le__(self, other: Any) -> "Value":
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> "Value":
        return self._compare(">", other)

    def __ge__(self, other: Any) -> "Value":
        return self._compare(">=", other)

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Loop:
    """A loop being written: its counter, and the values it carries from round to round."""

    index: Value
    carried: list[Value]
    following: list[Value]
    results: list[Value]

    def carry(self, *values: Value) -> None:
        """What the carried values are in the next round."""
        self.following = list(values)


class Code:
    """The body of one function for a target, this CPU if none is given, from top to bottom."""

    def __init__(
        self, name: str, parameters: Sequence[tuple[str, str]], target: Target | None = None
    ):
        self.name = name
        self.parameters = parameters
        self.target = target or host()
        self.lines: list[str] = []
        self.first: list[str] = []  # instructions before all others
        self.block = "entry"
        self.declarations: set[str] = set()
        self._count = 0

    # -- single instructions ---------------------------------------------------------------------

    def fresh(self, prefix: str = "v") -> str:
        """A name nothing else has."""
        self._count += 1
        return f"{prefix}{self._count}"

    def line(self, text: str) -> None:
        """Append an instruction without a result."""
        self.lines.append("  " + text)

    def assign(self, text: str, kind: Kind) -> Value:
        """Append an instruction; its result."""
        name = "%" + self.fresh()
        self.lines.append(f"  {name} = {text}")
        return Value(self, name, kind)

    def constant(self, number: Any, kind: Kind) -> Value:
        """A constant; it costs no instruction."""
        number = np.asarray(number).astype(kind.dtype)[()]
        return Value(self, literal(number, kind), kind, number)

    def index(self, number: int) -> Value:
        """A constant index."""
        return Value(self, str(int(number)), INDEX, np.int64(number))

    def counting(self, kind: Kind) -> Value:
        """A vector of integers: 0, 1, 2, …"""
        numbers = ", ".join(f"{kind.scalar} {i}" for i in range(kind.lanes))
        return Value(self, f"<{numbers}>", kind)

    def as_kind(self, value: Any, kind: Kind) -> Value:
        """A number as a constant, a scalar repeated over the lanes, a fitting value as it is."""
        if not isinstance(value, Value):
            known = type(value) is int and kind.is_index  # the most frequent ones
            return self.index(value) if known else self.constant(value, kind)
        if value.kind.lanes == 1 and kind.lanes > 1:
            return self.splat(value, kind.lanes)
        return value

    def binary(self, word: str, a: Value, b: Value) -> Value:
        """An instruction on two values of one kind; none for what is known of an index already."""
        if a.kind.is_index:
            known = _known(word, a, b)
            if known is not None:
                return known if isinstance(known, Value) else self.index(known)
        return self.assign(f"{word} {a.kind.text} {a.name}, {b.name}", a.kind)

    def compare(self, word: str, a: Value, b: Value) -> Value:
        """A comparison: booleans, as many as there are lanes."""
        return self.assign(f"{word} {a.kind.text} {a.name}, {b.name}", a.kind.with_dtype(BOOL))

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """a where the condition is true, b elsewhere."""
        return self.assign(
            f"select {condition.kind.text} {condition.name}, {a.kind.text} {a.name}, "
            f"{b.kind.text} {b.name}",
            a.kind,
        )

    def intrinsic(self, word: str, *values: Value, kind: Kind | None = None) -> Value:
        """A function LLVM knows, such as `fma` or `floor`, on values of one kind."""
        kind = kind or values[0].kind
        suffix = mangled(values[0].kind)
        types = ", ".join(value.kind.text for value in values)
        self.declarations.add(f"declare {kind.text} @llvm.{word}.{suffix}({types})")
        arguments = ", ".join(f"{value.kind.text} {value.name}" for value in values)
        return self.assign(f"call {kind.text} @llvm.{word}.{suffix}({arguments})", kind)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a · b + c, rounded once where the target can do so in one instruction, else twice."""
        return self.intrinsic("fma", a, b, c) if self.target.fuses else a * b + c

    def smaller(self, a: Value, b: Value) -> Value:
        """The smaller one of two indices."""
        return self.intrinsic("smin", a, b)

    def smallest(self, a: Value, b: int) -> Value:
        """The smaller one of an index and a number."""
        if a.number is not None:
            return self.index(min(int(a.number), b))
        return self.intrinsic("smin", a, self.index(b))

    def splat(self, value: Value, lanes: int) -> Value:
        """A scalar in all lanes of a vector."""
        if value.number is not None:
            return self.constant(value.number, value.kind.with_lanes(lanes))
        kind = value.kind.with_lanes(lanes)
        scalar = value.kind.scalar
        first = self.assign(f"insertelement {kind.text} poison, {scalar} {value.name}, i32 0", kind)
        return self.assign(
            f"shufflevector {kind.text} {first.name}, {kind.text} poison, "
            f"<{lanes} x i32> zeroinitializer",
            kind,
        )

    def bitcast(self, value: Value, dtype: Any) -> Value:
        """The same bits as another type of the same width."""
        kind = value.kind.with_dtype(np.dtype(dtype))
        return self.assign(f"bitcast {value.kind.text} {value.name} to {kind.text}", kind)

    def convert(self, value: Value, dtype: Any) -> Value:
        """The value in another data type, as NumPy's `astype`."""
        return convert(value, np.dtype(dtype))

    def element(self, value: Value, place: Value) -> Value:
        """One element of a vector; a scalar is its own."""
        if value.kind.lanes == 1:
            return value
        text = f"extractelement {value.kind.text} {value.name}, i64 {place.name}"
        return self.assign(text, value.kind.with_lanes(1))

    def with_element(self, value: Value, place: Value, one: Value) -> Value:
        """A vector with one element replaced; a scalar becomes it."""
        if value.kind.lanes == 1:
            return one
        return self.assign(
            f"insertelement {value.kind.text} {value.name}, {one.kind.text} {one.name}, "
            f"i64 {place.name}",
            value.kind,
        )

    # -- memory -----------------------------------------------------------------------------------

    def address(self, base: str, offset: Value, dtype: np.dtype) -> str:
        """A pointer to an element."""
        if offset.number == 0:
            return base
        stored = Kind(dtype).stored
        return self.assign(f"getelementptr {stored}, ptr {base}, i64 {offset.name}", INDEX).name

    def load(self, base: str, offset: Value, kind: Kind) -> Value:
        """Neighbouring elements, as many as there are lanes."""
        pointer = self.address(base, offset, kind.dtype)
        size = kind.dtype.itemsize
        loaded = self.assign(f"load {kind.stored}, ptr {pointer}, align {size}", kind)
        if kind.dtype != BOOL:
            return loaded
        return self.assign(f"trunc {kind.stored} {loaded.name} to {kind.text}", kind)

    def prefetch(self, base: str, offset: Value, dtype: np.dtype) -> None:
        """Ask for the cache line of an element that will be read, and perhaps written, soon."""
        self.declarations.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        pointer = self.address(base, offset, dtype)
        self.line(f"call void @llvm.prefetch.p0(ptr {pointer}, i32 0, i32 3, i32 1)")

    def store(self, value: Value, base: str, offset: Value) -> None:
        """Neighbouring elements put into memory."""
        kind, name = value.kind, value.name
        if kind.dtype == BOOL:
            name = self.assign(f"zext {kind.text} {name} to {kind.stored}", kind).name
        pointer = self.address(base, offset, kind.dtype)
        self.line(f"store {kind.stored} {name}, ptr {pointer}, align {kind.dtype.itemsize}")

    # -- control ---------------------------------------------------------------------------------

    def begin(self, block: str) -> None:
        """Start a basic block."""
        self.lines.append(f"{block}:")
        self.block = block

    @contextmanager
    def loop(
        self, stop: Any, start: Any = 0, step: int = 1, carried: Sequence[Value] = ()
    ) -> Iterator[Loop]:
        """`for index in range(start, stop, step)`; carried values are in `results` afterwards.

        start must be below stop at the first round unless the loop is to be skipped.
        """
        first, last = self.as_kind(start, INDEX), self.as_kind(stop, INDEX)
        known = first.number is not None and last.number is not None
        if known and 0 < last.number - first.number <= step:  # one round
            once = Loop(first, list(carried), list(carried), [])
            yield once
            once.results = once.following
            return
        label = self.fresh("loop")
        before = self.block
        self.line(f"br label %{label}.head")
        self.begin(f"{label}.head")
        index = Value(self, f"%{label}.index", INDEX)
        place = len(self.lines)
        self.lines.append("")  # the phi nodes, known when the body is written
        phis = [Value(self, f"%{label}.c{i}", value.kind) for i, value in enumerate(carried)]
        goes_on = index < last
        self.line(f"br i1 {goes_on.name}, label %{label}.body, label %{label}.end")
        self.begin(f"{label}.body")
        state = Loop(index, phis, list(phis), phis)
        yield state
        after = self.assign(f"add nsw i64 {index.name}, {step}", INDEX)
        nodes = [
            f"  {index.name} = phi i64 [ {first.name}, %{before} ], [ {after.name}, %{self.block} ]"
        ]
        for phi, initial, following in zip(phis, carried, state.following, strict=True):
            nodes.append(
                f"  {phi.name} = phi {phi.kind.text} [ {initial.name}, %{before} ], "
                f"[ {following.name}, %{self.block} ]"
            )
        self.lines[place] = "\n".join(nodes)
        self.line(f"br label %{label}.head")
        self.begin(f"{label}.end")

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Code that runs only if a (scalar) condition is true."""
        label = self.fresh("if")
        self.line(f"br i1 {condition.name}, label %{label}.then, label %{label}.end")
        self.begin(f"{label}.then")
        yield
        self.line(f"br label %{label}.end")
        self.begin(f"{label}.end")

    def text(self) -> str:
        """The whole function."""
        parameters = ", ".join(f"{kind} %{name}" for kind, name in self.parameters)
        body = "\n".join([*self.first, *self.lines])
        return f"define void @{self.name}({parameters}) {{\nentry:\n{body}\n  ret void\n}}\n"


def _known(word: str, a: Value, b: Value) -> Value | int | None:
    """The result on indices where it is one of them, or a constant."""
    x, y = a.number, b.number
    if x is not None and y is not None and word in ("add", "sub", "mul"):
        return int({"add": x + y, "sub": x - y, "mul": x * y}[word])
    if (y == 0 and word in ("add", "sub")) or (y == 1 and word == "mul"):
        return a
    if (x == 0 and word == "add") or (x == 1 and word == "mul"):
        return b
    return None
