"""Stretches of a long sequence, each with what follows at every place; nothing is copied."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_count
from gradiente.base.errors import DataError


def next_token_windows(tokens: Any, length: int, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """x[i] = tokens[i s … i s + length - 1],  y[i] = tokens[i s + 1 … i s + length]

    What a language model learns from: x and, at each of its places, the token that comes next.

        x, y = next_token_windows(tokens, 64)
        trainer.fit(x, y)                         # loss=losses.cross_entropy, over all places

    tokens: integers, (count,); length: places of a window; stride: how far apart windows begin. By
    default they begin everywhere; with stride=length they lie side by side, and each token is
    predicted once.
    x, y: (windows, length), read-only views into the tokens, which take no memory of their own.

    Raises `DataError` for what is no sequence of integers or too short for one window,
    `InvalidArgumentError` for lengths and strides below 1.
    """
    tokens = np.asarray(tokens)
    length = check_count("length", length, at_least=1)
    stride = check_count("stride", stride, at_least=1)
    if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
        raise DataError(
            "a sequence of tokens is an array of integers with one axis, got "
            f"{tokens.dtype} of shape {tokens.shape}."
        )
    if len(tokens) <= length:
        raise DataError(
            f"a window of {length} tokens and the one that follows need {length + 1} tokens, got "
            f"{len(tokens)}."
        )
    windows = np.lib.stride_tricks.sliding_window_view(tokens, length + 1)[::stride]
    return windows[:, :-1], windows[:, 1:]
