"""Sums of products: matrix products, einsum and their relatives, all by one matrix product."""

from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError, UnsupportedFunctionError
from gradiente.base.source import current_source
from gradiente.ops import contract
from gradiente.trace.axes import listed, one_axis, shape_of
from gradiente.trace.tensor import bind, function, m, same_dtype


@function(np.matmul)
def matmul(a: Any, b: Any) -> Any:
    """The matrix product over the last two axes; leading axes broadcast; vectors as in NumPy."""
    if not shape_of(a) or not shape_of(b):
        raise ShapeError(
            "a matrix product needs axes; write `a * b` for numbers." + current_source().explain()
        )
    a, b = same_dtype(a, b)
    row, column = len(shape_of(a)) == 1, len(shape_of(b)) == 1
    y = bind(
        contract.matmul,
        m.expand_dims(a, 0) if row else a,
        m.expand_dims(b, 1) if column else b,
    )
    y = m.squeeze(y, axis=-2) if row else y
    return m.squeeze(y, axis=-1) if column else y


@function(np.dot)
def dot(a: Any, b: Any) -> Any:
    """NumPy's dot: the product of numbers, of vectors and of matrices."""
    if not shape_of(a) or not shape_of(b):
        return m.multiply(*same_dtype(a, b))
    if len(shape_of(b)) <= 2:
        return m.matmul(a, b)
    return m.tensordot(a, b, axes=([-1], [-2]))


@function(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """Σ a b over all elements."""
    return m.matmul(m.ravel(a), m.ravel(b))


@function(np.inner)
def inner(a: Any, b: Any) -> Any:
    """The product summed over both last axes."""
    if not shape_of(a) or not shape_of(b):
        return m.multiply(*same_dtype(a, b))
    return m.tensordot(a, b, axes=([-1], [-1]))


@function(np.vecdot)
def vecdot(a: Any, b: Any, axis: int = -1) -> Any:
    """Σ a b along one axis; the others broadcast."""
    products = m.multiply(*same_dtype(a, b))
    return m.cast(m.sum(products, axis=axis), products.dtype)


@function(np.outer)
def outer(a: Any, b: Any) -> Any:
    """All products of an element of a with an element of b."""
    return m.expand_dims(m.ravel(a), 1) * m.expand_dims(m.ravel(b), 0)


@function(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The product summed over pairs of axes: how many at the joint, or which with which."""
    a_rank, b_rank = len(shape_of(a)), len(shape_of(b))
    if isinstance(axes, int | np.integer):
        axes = range(-axes, 0), range(axes)
    ours = [one_axis(axis, a_rank) for axis in listed(axes[0])]
    theirs = [one_axis(axis, b_rank) for axis in listed(axes[1])]
    summed = [shape_of(a)[axis] for axis in ours]
    if summed != [shape_of(b)[axis] for axis in theirs] or len({*ours}) < len(ours):
        raise ShapeError(
            f"`tensordot` sums over pairs of axes of equal length; axes {ours} of {shape_of(a)} "
            f"and {theirs} of {shape_of(b)} are not." + current_source().explain()
        )
    letters = [chr(97 + i) for i in range(a_rank + b_rank)]
    a_word, b_word = letters[:a_rank], letters[a_rank:]
    for our, their in zip(ours, theirs, strict=True):
        b_word[their] = a_word[our]
    shared = {a_word[our] for our in ours}
    result = [letter for letter in a_word + b_word if letter not in shared]
    return m.einsum(f"{''.join(a_word)},{''.join(b_word)}->{''.join(result)}", a, b)


def _wrong(subscripts: str, complaint: str) -> ShapeError:
    return ShapeError(f"einsum '{subscripts}': {complaint}.{current_source().explain()}")


def _parse(subscripts: str, operands: tuple[Any, ...]) -> tuple[list[str], str]:
    """Words without ellipsis and without implicit result, in NumPy's own reading."""
    subscripts = subscripts.replace(" ", "")
    words, arrow, result = subscripts.partition("->")
    inputs = words.split(",")
    if len(inputs) != len(operands):
        raise _wrong(subscripts, f"it names {len(inputs)} arrays, got {len(operands)}")
    spare = [chr(c) for c in range(65, 91) if chr(c) not in subscripts]
    rank = max(
        (len(shape_of(x)) - len(w.replace("...", "")) for x, w in zip(operands, inputs, strict=True)
         if "..." in w),
        default=0,
    )  # fmt: skip
    ellipsis = "".join(spare[:rank])
    full = []
    for x, word in zip(operands, inputs, strict=True):
        missing = len(shape_of(x)) - len(word.replace("...", ""))
        full.append(word.replace("...", ellipsis[rank - missing :] if missing > 0 else ""))
        if len(full[-1]) != len(shape_of(x)):
            raise _wrong(
                subscripts, f"'{word}' has {len(word)} letters for an array of shape {shape_of(x)}"
            )
    everything = "".join(full)
    if not arrow:
        once = sorted(c for c in set(everything) - set(ellipsis) if everything.count(c) == 1)
        return full, ellipsis + "".join(once)
    if ellipsis and "..." not in result:
        raise _wrong(subscripts, "the axes that '...' stands for must be in the result")
    result = result.replace("...", ellipsis)
    for letter in result:
        if letter not in everything or result.count(letter) > 1:
            raise _wrong(subscripts, f"the result must take '{letter}' from the inputs, and once")
    return full, result


def _check_lengths(words: list[str], operands: list[Any], subscripts: str) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for word, x in zip(words, operands, strict=True):
        for letter, length in zip(word, shape_of(x), strict=True):
            if lengths.setdefault(letter, length) != length:
                if 1 in (lengths[letter], length):
                    lengths[letter] = max(lengths[letter], length)
                    continue
                raise _wrong(
                    subscripts, f"axis '{letter}' has length {lengths[letter]} and {length}"
                )
    return lengths


def _diagonals(word: str, x: Any) -> tuple[str, Any]:
    """Repeated letters become one axis, along the diagonal."""
    for letter in dict.fromkeys(word):
        while word.count(letter) > 1:
            first, second = word.index(letter), word.rindex(letter)
            n = shape_of(x)[first]
            index: list[Any] = [slice(None)] * len(word)
            index[first] = index[second] = np.arange(n)
            x = m.getitem(x, tuple(index))
            rest = word[:first] + word[first + 1 : second] + word[second + 1 :]
            place = first if second == first + 1 else 0  # separated index arrays go in front
            word = rest[:place] + letter + rest[place:]
    return word, x


def _reduced(word: str, x: Any, keep: set[str]) -> tuple[str, Any]:
    """Sum over the letters nobody else needs."""
    lone = tuple(i for i, letter in enumerate(word) if letter not in keep)
    if lone:
        x = m.sum(x, axis=lone)
    return "".join(letter for letter in word if letter in keep), x


def _ordered(word: str, x: Any, order: str) -> Any:
    return m.transpose(x, tuple(word.index(letter) for letter in order))


def _pair(a_word: str, a: Any, b_word: str, b: Any, keep: set[str]) -> tuple[str, Any]:
    """One contraction as a batched matrix product."""
    a_word, a = _reduced(a_word, a, keep | set(b_word))
    b_word, b = _reduced(b_word, b, keep | set(a_word))
    batch = "".join(c for c in a_word if c in b_word and c in keep)
    summed = "".join(c for c in a_word if c in b_word and c not in keep)
    rows = "".join(c for c in a_word if c not in b_word)
    columns = "".join(c for c in b_word if c not in a_word)
    lengths = dict(zip(a_word + b_word, shape_of(a) + shape_of(b), strict=True))

    def shape(*groups: str) -> tuple[int, ...]:
        return tuple(int(np.prod([lengths[c] for c in g], dtype=np.int64)) for g in groups)

    batch_shape = tuple(lengths[c] for c in batch)
    left = m.reshape(_ordered(a_word, a, batch + rows + summed), batch_shape + shape(rows, summed))
    right = m.reshape(
        _ordered(b_word, b, batch + summed + columns), batch_shape + shape(summed, columns)
    )
    word = batch + rows + columns
    return word, m.reshape(m.matmul(left, right), tuple(lengths[c] for c in word))


@function(np.einsum)
def einsum(subscripts: str, *operands: Any, optimize: Any = True) -> Any:
    """Einstein's summation: letters name axes, repeated and omitted letters are summed over.

    Contracts two operands at a time, in the order `np.einsum_path` finds best.
    """
    if not isinstance(subscripts, str):
        raise UnsupportedFunctionError(
            "`np.einsum` on a traced value takes its subscripts as text: "
            "`np.einsum('ij,jk->ik', a, b)`." + current_source().explain()
        )
    words, result = _parse(subscripts, operands)
    operands = tuple(same_dtype(*operands))
    lengths = _check_lengths(words, list(operands), subscripts)
    pairs = []
    for word, x in zip(words, operands, strict=True):
        squeezed = [i for i, c in enumerate(word) if shape_of(x)[i] == 1 and lengths[c] != 1]
        trimmed = "".join(c for i, c in enumerate(word) if i not in squeezed)
        pairs.append(_diagonals(trimmed, m.squeeze(x, axis=tuple(squeezed)) if squeezed else x))
    for chosen in _path(pairs, result):
        taken = [pairs.pop(i) for i in sorted(chosen, reverse=True)][::-1]
        keep = set(result).union(*(set(word) for word, _ in pairs))
        (a_word, a), *others = taken
        for i, (b_word, b) in enumerate(others):
            later = keep.union(*(set(word) for word, _ in others[i + 1 :]))
            a_word, a = _pair(a_word, a, b_word, b, later)
        pairs.append((a_word, a))
    word, x = _reduced(*pairs[0], set(result))
    # Sums of booleans and small integers are wider than the products NumPy returns.
    x = m.cast(_ordered(word, x, result), operands[0].dtype)
    return m.broadcast_to(x, tuple(lengths[c] for c in result))


def _path(pairs: list[tuple[str, Any]], result: str) -> list[tuple[int, ...]]:
    if len(pairs) == 1:
        return []
    if len(pairs) == 2:
        return [(0, 1)]
    dummies = [np.broadcast_to(np.float32(0), shape_of(x)) for _, x in pairs]
    words = ",".join(word for word, _ in pairs)
    present = "".join(c for c in result if any(c in word for word, _ in pairs))
    path = np.einsum_path(f"{words}->{present}", *dummies, optimize="greedy")[0]
    return [tuple(step) for step in path[1:]]
