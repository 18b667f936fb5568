"""Losses of sequences whose output is longer than the target, with the alignment unknown."""

from functools import partial

import numpy as np

from gradiente.base.arguments import check_count
from gradiente.base.batch import Array, working_dtype
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.gradient.scan import scan
from gradiente.losses.classes import at_label
from gradiente.losses.loss import declare, loss
from gradiente.trace.functions import m

FAR = -1e30  # the logarithm of an impossible path; adding to it loses nothing that counts
IMPOSSIBLE = 1e20


@declare
@loss
def ctc(
    prediction: Array,
    target: Array,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    mask: Array | None = None,
) -> Array:
    """Connectionist temporal classification: how unlikely the labels are, however they are aligned.

        l = -log Σ Πₜ softmax(z[t])[aₜ] / length

    over all sequences a of labels and blanks that become the target when repetitions are merged and
    blanks then dropped; the forward algorithm in the logarithm. Divided by the length of the target
    as in PyTorch's mean, where Keras and Optax do not divide.
    prediction: logits z (n, time, classes). target: labels (n, length), filled up with -1.
    blank: the class that stands for no label. mask: (n, time), false after the end of a sequence.
    zero_infinity: a target that is too long for its sequence counts 0, instead of infinity.
    Graves et al., ICML 2006. `torch.nn.CTCLoss`, which takes log-probabilities (time, n, classes).
    """
    logits, labels, length = _checked(prediction, target, blank)
    samples, time, _ = logits.shape
    # States: blank, first label, blank, second label, …, blank.
    spaced = np.stack([np.full_like(labels, blank), labels], axis=2).reshape((samples, -1))
    states = np.concatenate([spaced, np.full_like(labels[:, :1], blank)], axis=1)
    emitted = np.take_along_axis(
        m.log_softmax(logits),
        np.broadcast_to(states[:, None, :], (samples, time, states.shape[1])),
        axis=2,
    )
    skip = np.pad((states[:, 2:] != states[:, :-2]) & (states[:, 2:] != blank), [(0, 0), (2, 0)])
    alpha = np.where(np.arange(states.shape[1]) < 2, emitted[:, 0], FAR)
    rounds = np.moveaxis(emitted[:, 1:], 1, 0)
    alive = np.ones((samples, time), bool) if mask is None else mask
    if time > 1:
        alpha, _ = scan(partial(_forward, skip), alpha, (rounds, np.moveaxis(alive[:, 1:], 1, 0)))
    last = at_label(alpha, 2 * length)
    previous = np.where(length > 0, at_label(alpha, np.maximum(2 * length - 1, 0)), FAR)
    values = -np.logaddexp(last, previous)
    impossible = 0.0 if zero_infinity else np.inf
    values = np.where(values < IMPOSSIBLE, values, impossible)
    return values / np.maximum(length, 1).astype(values.dtype)


def _forward(skip: Array, alpha: Array, frame: tuple[Array, Array]) -> tuple[Array, None]:
    """One frame: a state is reached from itself, the one before, or across a blank."""
    emitted, alive = frame
    jumped = np.where(skip, _shifted(alpha, 2), FAR)
    reached = np.logaddexp(np.logaddexp(alpha, _shifted(alpha, 1)), jumped)
    return np.where(alive[:, None], reached + emitted, alpha), None


def _shifted(alpha: Array, places: int) -> Array:
    """Every state gets what was `places` before it."""
    gap = np.full_like(alpha[:, :places], FAR)
    return np.concatenate([gap, alpha[:, :-places]], axis=1)


def _checked(prediction: Array, target: Array, blank: int) -> tuple[Array, Array, Array]:
    """Floating logits, labels with blanks for what fills them up, and their number."""
    if prediction.ndim != 3 or target.ndim != 2 or target.shape[0] != prediction.shape[0]:
        raise ShapeError(
            f"ctc needs logits (n, time, classes) and labels (n, length), but prediction has shape "
            f"{prediction.shape} and target has shape {target.shape}."
        )
    if target.dtype.kind not in "iu":
        raise TypeMismatchError(f"labels must be integers, but target has type {target.dtype}.")
    if check_count("blank", blank) >= prediction.shape[-1]:
        raise InvalidArgumentError(
            f"`blank` is {blank}, but there are {prediction.shape[-1]} classes."
        )
    given = target >= 0
    length = np.sum(given.astype(np.int64), axis=1)
    logits = prediction.astype(working_dtype(prediction, target))
    return logits, np.where(given, target, blank).astype(np.int64), length
