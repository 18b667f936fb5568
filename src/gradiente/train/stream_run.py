"""One call of fit on a stream: the batches of an epoch come chunk by chunk."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from gradiente.base.errors import DataError, InvalidArgumentError, NonFiniteError
from gradiente.base.trees import flatten, map_tree
from gradiente.data.prefetch import prefetched
from gradiente.data.stream import Stream
from gradiente.optimizers.optimizer import Optimizer
from gradiente.train.diagnosis import remedy
from gradiente.train.inputs import Samples, names_of, samples
from gradiente.train.loop import Plan, Run
from gradiente.train.measure import mean_loss
from gradiente.train.step import NONE_FAILED


@dataclass(frozen=True)
class StreamPlan(Plan):
    """What one call of fit was asked to do with a stream; data: the first chunk of it."""

    stream: Stream | None = None

    @property
    def batches(self) -> int:
        """How many batches an epoch has; 0 where that is not known."""
        count = self.stream.count if self.stream is not None else None
        return 0 if count is None else -(-count // self.batch_size)


class StreamRun(Run):
    """Epochs over a stream: what is left of a chunk goes into the first batch of the next one.

    Batches, losses and metrics are those of one array with the samples in the same order, except
    that the smaller last batch of an epoch may be rounded otherwise: it has a program of its own.
    While the steps of a chunk run, the next one is read.
    """

    plan: StreamPlan

    def _batches(self, epoch: int, progress: Any) -> Any:
        """One pass over the stream; returns the sums over it."""
        plan, learner = self.plan, self.learner
        assert plan.stream is not None
        chunks = plan.stream.chunks(learner.recipe.seed, epoch, plan.shuffle)
        done, sums = 0, None
        with closing(prefetched(whole_batches(chunks, plan))) as pieces:  # type: ignore[type-var]
            for self._piece in pieces:
                done, sums = self._steps(self._piece, epoch, done, progress)
                if self._is_late():
                    self.stopped = "the time allowed has passed"
                    break
        if sums is None:
            raise DataError(
                f"the stream gave no samples in epoch {epoch}: its function has to begin anew "
                "whenever it is called."
            )
        if done % learner.recipe.accumulate:
            learner.flush()
        return sums

    def _steps(self, piece: Samples, epoch: int, done: int, progress: Any) -> tuple[int, Any]:
        """All batches of a piece; returns how many were done in the epoch, and their sums."""
        learner, plan, sums, begun = self.learner, self.plan, None, done
        accumulate, batches = learner.recipe.accumulate, -(-piece.count // plan.batch_size)
        assert learner.state is not None
        whole, before = piece.count // plan.batch_size, int(learner.state["batches"])
        due = plan.flow.due(before, whole, len(self.flow))
        order = np.arange(piece.count)
        while done < begun + batches and not (sums is not None and self._is_late()):
            within = done - begun
            update = (done + 1) % accumulate == 0
            steps = self._together(piece, within, due)
            if accumulate > 1:
                steps = 1 if update else min(steps, accumulate - 1 - done % accumulate)
            rows = order[within * plan.batch_size : (within + steps) * plan.batch_size]
            if within in due:
                self.flow.append(learner.flow(piece.rows(rows[: plan.batch_size])))
            with self.pace:
                sums = learner.learn(piece, rows.reshape(steps, -1), update, plan.batch_size)
            self.pace.count(steps)
            done += steps
            self._refuse_loss(sums, epoch)
            progress.advance(steps, mean_loss(sums), samples=rows.size)
            self._tell("on_batch_end", done)
        return done, sums

    def _together(self, piece: Samples, within: int, due: list[int]) -> int:
        """How many batches of a piece may run at once: whole ones up to the next to look at."""
        whole = piece.count // self.plan.batch_size
        until_due = min((place - within for place in due if place > within), default=whole)
        return max(min(self.pace.steps, whole - within, until_due), 1)

    def _is_late(self) -> bool:
        return time.monotonic() > self.deadline

    def _refuse_loss(self, sums: Any, epoch: int) -> None:
        if sums["failed"] != NONE_FAILED:
            batch = int(sums["failed"]) + 1
            self._fail(f"the loss became infinite or NaN in epoch {epoch}, batch {batch}")

    def _fail(self, what: str) -> NoReturn:
        why = remedy(self._piece, self.learner.learning_rate)
        raise NonFiniteError(f"{what}. {why} The network has its best finite weights back.")


def first_samples(stream: Stream) -> Samples:
    """The first chunk, which says what samples are like. Raises `DataError` if there is none."""
    with closing(stream.chunks(0, 0, shuffle=False)) as chunks:  # type: ignore[type-var]
        for chunk in chunks:
            if _count(chunk):
                return samples(*chunk)
    raise DataError("the stream gave no samples: every chunk is empty, or there is none.")


def whole_batches(chunks: Iterator[Any], plan: StreamPlan) -> Iterator[Samples]:
    """The samples of all chunks in order, in pieces of whole batches; the last has what is left."""
    rest: Samples | None = None
    with closing(chunks):  # type: ignore[type-var]
        for number, chunk in enumerate(chunks, start=1):
            if not _count(chunk):
                continue
            piece = samples(*chunk)
            _refuse_others(piece, plan.data, number)
            piece = piece if rest is None else _joined(rest, piece)
            whole = piece.count // plan.batch_size * plan.batch_size
            rest = _cut(piece, whole, piece.count)
            if whole:
                yield _cut(piece, 0, whole)
    if rest is not None and rest.count:
        yield rest


def _count(chunk: Any) -> int:
    leaves = flatten(chunk)[0]
    return max((len(leaf) for leaf in leaves if np.ndim(leaf)), default=0)


def _refuse_others(piece: Samples, first: Samples, number: int) -> None:
    """All chunks have to fit the one program that was compiled for the first."""
    for part in ("x", "y", "weight"):
        ours, theirs = getattr(piece, part), getattr(first, part)
        if flatten(ours)[1] != flatten(theirs)[1]:
            raise DataError(f"chunk {number} does not have the {part} that the first one has.")
        names = names_of(part, ours)
        for name, leaf, other in zip(names, flatten(ours)[0], flatten(theirs)[0], strict=True):
            if leaf.shape[1:] != other.shape[1:] or leaf.dtype != other.dtype:
                raise DataError(
                    f"{name} of chunk {number} has samples of shape {leaf.shape[1:]} and type "
                    f"{leaf.dtype}, the first one of shape {other.shape[1:]} and {other.dtype}."
                )


def _cut(data: Samples, start: int, end: int) -> Samples:
    parts = [map_tree(lambda a: a[start:end], part) for part in data.as_tuple()]
    return Samples(*parts, count=end - start)


def _joined(first: Samples, second: Samples) -> Samples:
    def both(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.concatenate((a, b))

    pairs = zip(first.as_tuple(), second.as_tuple(), strict=True)
    return Samples(*(map_tree(both, a, b) for a, b in pairs), count=first.count + second.count)


def refuse_with_stream(optimizer: Optimizer, y: Any, others: dict[str, Any]) -> None:
    """Say what cannot be given beside a stream, and what to do instead."""
    if y is not None:
        raise InvalidArgumentError("a stream has the targets with it: leave out y.")
    if others["sample_weight"] is not None:
        raise InvalidArgumentError("weights come with a stream: let chunks be (x, y, weight).")
    if others["sampling"] is not None:
        raise InvalidArgumentError("a stream comes as it is: sampling= needs all samples at hand.")
    if isinstance(others["validation"], float | np.floating):
        raise InvalidArgumentError(
            "no fraction of a stream can be set aside: give validation=(x, y)."
        )
    if optimizer.search is not None:
        raise InvalidArgumentError(
            f"{optimizer!r} works on all samples at once, and a stream never has them: use "
            "another optimizer."
        )
