"""Counter-based random numbers: element i is a pure function of the key and i.

Philox 4x32-10: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as
easy as 1, 2, 3", SC 2011. A key is two uint32 words. Nothing is stored and nothing is consumed, so
the numbers do not depend on the number of threads or on the order of evaluation.

Where a key is taken, a row of keys is too: each gives what it gives by itself.
"""

from typing import Any

import numpy as np

from gradiente.base.errors import TypeMismatchError
from gradiente.base.types import ArrayType, Shape
from gradiente.ops.operation import example, operation

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_INCREMENTS = (0x9E3779B9, 0xBB67AE85)
LOW_WORD = np.uint64(0xFFFFFFFF)
WORD_BITS = np.uint64(32)

# The third word of the counter says what the numbers are for, so that streams never meet.
DRAW, FOLD = 0, 1


def philox(key: np.ndarray, counter: tuple[Any, Any, Any, Any]) -> tuple[np.ndarray, ...]:
    """Four uint32 words for each counter (four arrays of words, broadcast together).

    key: (..., 2); the axes before the last broadcast with the counters.
    """
    keys = np.asarray(key, np.uint64)
    k0, k1 = keys[..., 0], keys[..., 1]
    a, b, c, d, _ = np.broadcast_arrays(*(np.asarray(word, np.uint64) for word in counter), k0)
    for _ in range(ROUNDS):
        first, second = a * np.uint64(MULTIPLIERS[0]), c * np.uint64(MULTIPLIERS[1])
        a = (second >> WORD_BITS) ^ b ^ k0
        c = (first >> WORD_BITS) ^ d ^ k1
        b, d = second & LOW_WORD, first & LOW_WORD
        k0 = (k0 + np.uint64(KEY_INCREMENTS[0])) & LOW_WORD
        k1 = (k1 + np.uint64(KEY_INCREMENTS[1])) & LOW_WORD
    return tuple(word.astype(np.uint32) for word in (a, b, c, d))


@operation(
    example(np.array([1, 2], np.uint32), shape=(3, 5)),
    example(np.zeros(2, np.uint32), shape=()),
    example(np.arange(6, dtype=np.uint32).reshape(3, 2), shape=(2, 5)),
)
def random_bits(key: Any, *, shape: Shape) -> Any:
    """Uniform uint32 words: element 4i + j is word j of Philox at counter i.

    key: (2,) -> (*shape); or (keys, 2) -> (keys, *shape)
    """
    key = np.asarray(key)
    size = int(np.prod(shape, dtype=np.int64))
    blocks = np.arange((size + 3) // 4, dtype=np.uint64)
    words = philox(key[..., np.newaxis, :], (blocks & LOW_WORD, blocks >> WORD_BITS, DRAW, 0))
    apart = np.stack(words, axis=-1).reshape(*key.shape[:-1], 4 * len(blocks))
    return apart[..., :size].reshape((*key.shape[:-1], *shape))


def _require_key(key: ArrayType) -> None:
    if key.dtype != np.uint32 or key.ndim not in (1, 2) or key.shape[-1] != 2:
        raise TypeMismatchError(
            f"a random key is two uint32 words, not {key}: `gd.random.key(seed)` makes one."
        )


@random_bits.type
def _(key: ArrayType, *, shape: Shape) -> ArrayType:
    _require_key(key)
    return ArrayType((*key.shape[:-1], *shape), np.dtype(np.uint32))


@operation(
    example(np.array([1, 2], np.uint32), np.array(7, np.int64)),
    example(np.arange(6, dtype=np.uint32).reshape(3, 2), np.array([7, 2, 7], np.int64)),
)
def fold_in(key: Any, number: Any) -> Any:
    """A new key from a key and a number: the step, the layer, the sample.

    key: (2,), number: () -> (2,); or key: (keys, 2), number: (keys,) -> (keys, 2)
    """
    number = np.asarray(number).astype(np.uint64)
    words = philox(key, (number & LOW_WORD, number >> WORD_BITS, FOLD, 0))
    return np.stack(words[:2], axis=-1)


@fold_in.type
def _(key: ArrayType, number: ArrayType) -> ArrayType:
    _require_key(key)
    if number.shape != key.shape[:-1] or number.dtype.kind not in "iu":
        raise TypeMismatchError(f"`fold_in` takes one integer for each key, not {number}.")
    return key
