"""Stretches of a long sequence, each with what follows at every place; nothing is copied."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_count
from gradiente.base.errors import DataError, InvalidArgumentError


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


def series_windows(
    series: Any, length: int, horizon: int = 1, *, stride: int = 1, targets: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """x[i] = series[i s … i s + length - 1],  y[i] = the `horizon` steps that follow it

    What a forecast learns from. Keep the end of the series for validation and test: windows set
    aside at random overlap those that are learned from.

        x, y = series_windows(learned, 48, horizon=12)
        trainer.fit(x, y, validation=series_windows(later, 48, horizon=12))

    series: numbers over time, (time,) or (time, features); length: steps of a window; horizon: how
    many steps are to be foretold; stride: how far apart windows begin; targets: the features to
    foretell, by number: one, or a list; by default all.
    x: (windows, length, features), with one feature for a series of one axis. y: (windows, horizon)
    for a series of one axis or a single target, else (windows, horizon, targets). Read-only views
    into the series wherever possible.

    Raises `DataError` for what is no series of numbers or too short for one window,
    `InvalidArgumentError` for counts below 1 and features that do not exist.
    """
    array = np.asarray(series)
    length, horizon = (
        check_count(name, value, at_least=1)
        for name, value in (("length", length), ("horizon", horizon))
    )
    stride = check_count("stride", stride, at_least=1)
    if array.ndim not in (1, 2) or array.dtype.kind not in "biuf":
        raise DataError(
            "a series is an array of numbers, (time,) or (time, features), got "
            f"{array.dtype} of shape {array.shape}."
        )
    if len(array) < length + horizon:
        raise DataError(
            f"a window of {length} steps and the {horizon} that follow need {length + horizon} "
            f"steps, got {len(array)}."
        )
    columns = array if array.ndim == 2 else array[:, np.newaxis]
    whole = (length + horizon, columns.shape[1])
    windows = np.lib.stride_tricks.sliding_window_view(columns, whole)[::stride, 0]
    return windows[:, :length], _followed(windows[:, length:], array.ndim, targets)


def _followed(after: np.ndarray, axes: int, targets: Any) -> np.ndarray:
    """The features to foretell of what follows each window."""
    if targets is None:
        return after[..., 0] if axes == 1 else after
    features = after.shape[-1]
    chosen = np.asarray(targets)
    wrong = chosen.dtype.kind not in "iu" or chosen.ndim > 1 or chosen.size == 0
    if wrong or chosen.min() < 0 or chosen.max() >= features:
        raise InvalidArgumentError(
            f"`targets` is {targets!r}: it must be a number, or a list of numbers, of features "
            f"from 0 to {features - 1}."
        )
    return after[..., targets if chosen.ndim == 0 else chosen]
