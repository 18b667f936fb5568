"""One call of fit on a stream: the batches of an epoch come chunk by chunk."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from gradiente.base.errors import DataError, InvalidArgumentError, NonFiniteError
from gradiente.base.trees import map_tree
from gradiente.data.prefetch import prefetched
from gradiente.data.stream import Stream
from gradiente.optimizers.optimizer import Optimizer
from gradiente.train.diagnosis import remedy
from gradiente.train.inputs import Samples
from gradiente.train.loop import Plan, Run
from gradiente.train.measure import mean_loss
from gradiente.train.position import Position
from gradiente.train.step import NONE_FAILED
from gradiente.train.stream_samples import samples_of_chunks


@dataclass(frozen=True)
class StreamPlan(Plan):
    """What one call of fit was asked to do with a stream; data: the first chunk of it."""

    stream: Stream | None = None

    @property
    def count(self) -> int:
        """How many samples an epoch has; 0 where that is not known."""
        return 0 if self.stream is None or self.stream.count is None else self.stream.count

    @property
    def batches(self) -> int:
        """How many batches an epoch has; 0 where that is not known."""
        return -(-self.count // self.batch_size)


class StreamRun(Run):
    """Epochs over a stream: what is left of a chunk goes into the first batch of the next one.

    Batches, losses and metrics are those of one array with the samples in the same order, except
    that the smaller last batch of an epoch may be rounded otherwise: it has a program of its own.
    While the steps of a chunk run, the next one is read. A checkpoint in the middle of an epoch
    holds the place in it if the stream knows its length; chunks before it are read and passed over.
    """

    plan: StreamPlan

    @property
    def position(self) -> Position | None:
        """Where the training stands in the middle of an epoch, if that can be said."""
        return super().position if self.plan.count else None

    def _batches(self, epoch: int, progress: Any) -> Any:
        """What is left of a pass over the stream; returns the sums over all of it."""
        plan, learner = self.plan, self.learner
        assert plan.stream is not None
        chunks = plan.stream.chunks(learner.recipe.seed, epoch, plan.shuffle)
        if self.done:
            progress.advance(self.done, mean_loss(learner.sums), samples=0)
        ahead = prefetched(whole_batches(chunks, plan, self.done * plan.batch_size))
        with closing(ahead) as pieces:  # type: ignore[type-var]
            for self._piece in pieces:
                self._steps(self._piece, epoch, progress)
                if self._is_late():
                    self.stopped = "the time allowed has passed"
                    break
        if not self.done:
            raise DataError(
                f"the stream gave no samples in epoch {epoch}: its function has to begin anew "
                "whenever it is called."
            )
        if self.done % learner.recipe.accumulate:
            learner.flush()
        return learner.sums

    def _steps(self, piece: Samples, epoch: int, progress: Any) -> None:
        """All batches of a piece, or as many as the time allows."""
        learner, plan, begun = self.learner, self.plan, self.done
        accumulate, batches = learner.recipe.accumulate, -(-piece.count // plan.batch_size)
        assert learner.state is not None
        whole, before = piece.count // plan.batch_size, int(learner.state["batches"])
        due = plan.flow.due(before, whole, len(self.flow), self.work, rest=batches > whole)
        order = np.arange(piece.count)
        while self.done < begun + batches and not (self.done > begun and self._is_late()):
            within = self.done - begun
            update = (self.done + 1) % accumulate == 0
            steps = self._together(piece, within, due)
            if accumulate > 1:
                steps = 1 if update else min(steps, accumulate - 1 - self.done % accumulate)
            rows = order[within * plan.batch_size : (within + steps) * plan.batch_size]
            if within in due:
                self.flow.append(learner.flow(piece.rows(rows[: plan.batch_size])))
            with self.pace:
                sums = learner.learn(piece, rows.reshape(steps, -1), update, plan.batch_size)
            self.pace.count(steps)
            self.done += steps
            self._refuse_loss(sums, epoch)
            progress.advance(steps, mean_loss(sums), samples=rows.size)
            self._tell("on_batch_end", self.done)
            self._tell("on_pause", self.done)

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


def whole_batches(chunks: Iterator[Any], plan: StreamPlan, skipped: int) -> Iterator[Samples]:
    """The samples of all chunks in order, in pieces of whole batches; the last has what is left.

    skipped: so many samples at the beginning are passed over.
    """
    rest: Samples | None = None
    with closing(samples_of_chunks(chunks, plan.data)) as parts:  # type: ignore[type-var]
        for part in parts:
            passed = min(skipped, part.count)
            piece, skipped = _cut(part, passed, part.count), skipped - passed
            piece = piece if rest is None else _joined(rest, piece)
            whole = piece.count // plan.batch_size * plan.batch_size
            rest = _cut(piece, whole, piece.count)
            if whole:
                yield _cut(piece, 0, whole)
    if rest is not None and rest.count:
        yield rest


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
            "no fraction of a stream can be set aside: give validation=(x, y), or a stream."
        )
    if optimizer.search is not None:
        raise InvalidArgumentError(
            f"{optimizer!r} works on all samples at once, and a stream never has them: use "
            "another optimizer."
        )
