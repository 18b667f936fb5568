"""The loop around the step: one call of fit, epoch by epoch, until there is a reason to stop."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from gradiente.base.errors import NonFiniteError
from gradiente.data.batches import epoch_order
from gradiente.data.sampling import Sampling
from gradiente.data.stream import Stream
from gradiente.train.callbacks import Callback, in_order, listens, tell
from gradiente.train.diagnosis import non_finite_weights, remedy
from gradiente.train.history import History, Row
from gradiente.train.history_flow import FlowSampling, Look, mean_flow
from gradiente.train.inputs import Samples
from gradiente.train.learner import EVALUATION_BATCH, Learner
from gradiente.train.measure import mean_loss, values_of
from gradiente.train.pace import Pace
from gradiente.train.position import Position
from gradiente.train.progress import Progress
from gradiente.train.state import WEIGHTS, State
from gradiente.train.step import NONE_FAILED
from gradiente.train.stream_samples import parts_of
from gradiente.train.unfinished import Unfinished, remembered, remind

INTERRUPTED = "interrupted by the user"


@dataclass(frozen=True)
class Plan:
    """What one call of fit was asked to do.

    validation_stream: the stream of which `validation` is the first part, if it is one.
    """

    data: Samples
    validation: Samples | None
    epochs: int
    batch_size: int
    shuffle: bool
    callbacks: list[Callback]
    max_seconds: float | None
    flow: FlowSampling
    sampling: Sampling | None = None
    validation_stream: Stream | None = None

    @property
    def is_watched(self) -> bool:
        """Whether somebody looks at the network, or changes it, between epochs."""
        return any(callback.touches_network for callback in self.callbacks)

    @property
    def count(self) -> int:
        """How many samples an epoch has."""
        return self.data.count

    @property
    def batches(self) -> int:
        """How many batches an epoch has."""
        return -(-self.data.count // self.batch_size)


class Run:
    """One call of fit. trainer: what callbacks are given; stopped: why it ends, once it does.

    Raises `DataError` if an epoch is open that went through other batches.
    """

    def __init__(self, trainer: Any, learner: Learner, history: History, plan: Plan):
        self.trainer = trainer
        self.learner = learner
        self.history = history
        self.plan = plan
        self.stopped: str | None = None
        self.best: State | None = None
        self.best_loss = np.inf
        self.deadline = np.inf
        self.last = 0  # the number of the last epoch
        self.epoch = self.done = 0  # the one at work, and how many of its batches are done
        self.rate: float | None = None
        self.began = 0.0  # when the epoch at work began, on a clock
        self.is_over = False
        self.callbacks = in_order(plan.callbacks)
        if learner.position is not None:
            learner.position.check(plan.batch_size, plan.count, plan.shuffle)
        self.flow: list[Look] = []  # of the batches of the epoch that were looked at
        self.pace = Pace(one_by_one=listens(plan.callbacks, "on_batch_end"))

    def through(self, progress: Progress) -> None:
        """All epochs, until one of the reasons to stop."""
        learner, plan = self.learner, self.plan
        untrained, compilations = learner.is_untrained, learner.compilations
        if plan.max_seconds is not None:
            self.deadline = time.monotonic() + plan.max_seconds
        first = self.history[-1]["epoch"] + 1 if len(self.history) else 1
        self.last = first + plan.epochs - 1
        self.history.stopped = None
        try:
            self._tell("on_fit_begin")
            self._go_on()
            for epoch in range(first, self.last + 1):
                if self.stopped is None:
                    self._epoch(epoch, progress)
        except KeyboardInterrupt:
            if self.best is not None:
                learner.go_back(self.best)
            self.stopped = INTERRUPTED
            progress.message("interrupted: the best weights so far are kept")
        except NonFiniteError:
            if untrained and self.best is None:
                learner.forget()
            else:
                learner.go_back(self.best)
            self.stopped = "the loss became infinite or NaN"
            raise
        except BaseException as error:
            self.stopped = self.stopped or f"{type(error).__name__} was raised"
            raise
        finally:
            self.done, self.is_over = 0, True  # an epoch that was left is not gone on with
            self.history.stopped = self.stopped or "all epochs done"
            self.history.compilations += learner.compilations - compilations
            self.history.profile = learner.profile()
            learner.publish()
            self._tell("on_fit_end")

    @property
    def position(self) -> Position | None:
        """Where the training stands in the middle of an epoch; `None` between epochs."""
        plan = self.plan
        if self.learner.position is not None:
            return self.learner.position  # it has not begun yet
        if self.done == 0:
            return None
        size, count = plan.batch_size, plan.count
        return Position(self.epoch, self.done, size, count, plan.shuffle, self.rate, self.stopped)

    @cached_property
    def first(self) -> Samples:
        """Samples that are like all batches."""
        return self.plan.data.first(self.plan.batch_size)

    @cached_property
    def work(self) -> float:
        """The weights of the network times the samples of a batch."""
        return float(self.learner.recipe.network.count * self.plan.batch_size)

    @property
    def is_ending(self) -> bool:
        """Whether no epoch follows those that are done."""
        done = self.history[-1]["epoch"] if len(self.history) else 0
        return self.stopped is not None or done >= self.last

    @property
    def unfinished(self) -> Unfinished | None:
        """What this fit goes on with if it is interrupted now; `None` if there is no more to do."""
        if self.learner.unfinished is not None:
            return self.learner.unfinished  # it has not begun yet
        if self.is_over or (self.done == 0 and self.is_ending):
            return None
        plan, best = self.plan, self.best
        return Unfinished(
            plan.batch_size,
            plan.count,
            plan.shuffle,
            seconds=time.monotonic() - self.began if self.done else 0.0,
            best_loss=float(self.best_loss),
            best=best and {part: best[part] for part in WEIGHTS},
            flow=self.flow if self.done else [],
            callbacks=remembered(self.callbacks),
        )

    def _go_on(self) -> None:
        """Take up what an interrupted fit remembered, if this is the same one."""
        plan, before = self.plan, self.learner.unfinished
        if before is None or not before.is_of(plan.batch_size, plan.count, plan.shuffle):
            return
        self.best, self.best_loss = before.best, before.best_loss
        remind(self.callbacks, before.callbacks)

    def _begin_epoch(self, epoch: int) -> None:
        """Begin an epoch, or what is left of one that was interrupted."""
        learner, plan = self.learner, self.plan
        self.epoch, self.began, self.flow = epoch, time.monotonic(), []
        self._tell("on_epoch_begin", epoch)
        position = learner.begin_epoch(self.first, watched=plan.is_watched)
        before, learner.unfinished = learner.unfinished, None
        self.rate = learner.learning_rate
        if position is not None:
            self.done, self.rate = position.batches, position.learning_rate
            self.stopped = self.stopped or position.stopping
            if before is not None:
                self.began -= before.seconds
                self.flow = list(before.flow)

    def _tell(self, event: str, *args: Any) -> None:
        tell(self.callbacks, event, self.trainer, *args)

    def _epoch(self, epoch: int, progress: Progress) -> None:
        learner, plan = self.learner, self.plan
        self._begin_epoch(epoch)
        progress.begin_epoch(epoch, self.last, plan.batches)
        sums = self._batches(epoch, progress)
        self._refuse_weights(epoch)
        row: Row = {"epoch": epoch, "learning_rate": self.rate}
        row.update(values_of(sums, learner.recipe.metrics))
        if plan.validation is not None:
            row.update(self._validate(plan.validation, epoch))
        row["seconds"] = time.monotonic() - self.began
        self._finish(row, progress)

    def _order(self, epoch: int) -> np.ndarray:
        if self.plan.sampling is not None:
            return self.plan.sampling.order(self.learner.recipe.seed, epoch)
        if self.plan.shuffle:
            return epoch_order(self.plan.data.count, self.learner.recipe.seed, epoch)
        return np.arange(self.plan.data.count)

    def _batches(self, epoch: int, progress: Progress) -> Any:
        """What is left of a pass over the samples; returns the sums over all of it."""
        learner, plan = self.learner, self.plan
        sums = learner.sums
        if self.done:
            progress.advance(self.done, mean_loss(sums), samples=0)
        if learner.recipe.optimizer.search is not None and not self.done:
            return self._iteration(epoch, progress)
        order = self._order(epoch)
        assert learner.state is not None
        whole = max(plan.data.count // plan.batch_size, 1)
        before, rest = int(learner.state["batches"]) - self.done, plan.batches > whole
        due = plan.flow.due(before, whole, work=self.work, rest=rest)
        while self.done < plan.batches:
            rows, update = self._next(order, self.done, due)
            if self.done in due:
                self.flow.append(learner.flow(plan.data.rows(rows[0])))
            with self.pace:
                sums = learner.learn(plan.data, rows, update, plan.batch_size)
            self.pace.count(len(rows))
            self.done += len(rows)
            self._refuse_loss(sums, epoch)
            progress.advance(len(rows), mean_loss(sums), samples=rows.size)
            self._tell("on_batch_end", self.done)
            self._tell("on_pause", self.done)
            if time.monotonic() > self.deadline:
                self.stopped = "the time allowed has passed"
                if not update:
                    learner.flush()
                break
        return sums

    def _iteration(self, epoch: int, progress: Progress) -> Any:
        """One iteration over all samples of an optimizer that searches; returns their sums."""
        learner, plan = self.learner, self.plan
        sums, reason = learner.search(plan.data, plan.batch_size)
        self._refuse_loss(sums, epoch)
        progress.advance(plan.batches, mean_loss(sums), samples=plan.data.count)
        if time.monotonic() > self.deadline:
            reason = reason or "the time allowed has passed"
        self.stopped, self.done = self.stopped or reason, plan.batches
        self._tell("on_batch_end", plan.batches)
        self._tell("on_pause", plan.batches)
        return sums

    def _refuse_loss(self, sums: Any, epoch: int) -> None:
        if sums["failed"] != NONE_FAILED:
            self._fail(
                f"the loss became infinite or NaN in epoch {epoch}, batch "
                f"{int(sums['failed']) + 1} of {self.plan.batches}"
            )

    def _next(self, order: np.ndarray, done: int, due: list[int]) -> tuple[np.ndarray, bool]:
        """The places of the samples of the next batches, and whether each ends with an update.

        due: batches that are looked at before they are learned from, and so come first.
        """
        plan, accumulate = self.plan, self.learner.recipe.accumulate
        size, full = plan.batch_size, plan.data.count // plan.batch_size
        update = (done + 1) % accumulate == 0 or done + 1 == plan.batches
        until_due = min((place - done for place in due if place > done), default=full)
        steps = max(min(self.pace.steps, full - done, until_due), 1)
        if accumulate > 1:
            until_update = accumulate - 1 - done % accumulate
            steps = 1 if update else min(steps, until_update, plan.batches - 1 - done)
        rows = order[done * size : (done + steps) * size]
        return rows.reshape(steps, -1), update

    def _validate(self, validation: Samples, epoch: int) -> Row:
        stream = self.plan.validation_stream
        parts = iter((validation,)) if stream is None else parts_of(stream)
        size = max(self.plan.batch_size, EVALUATION_BATCH)
        with self.learner.averaged():
            measured = self.learner.measure(next(parts), size, parts)
        if not np.isfinite(measured["loss"]):
            why = remedy(validation, self.learner.learning_rate, "validation data")
            raise NonFiniteError(f"the validation loss is infinite or NaN in epoch {epoch}. {why}")
        return {f"validation_{name}": value for name, value in measured.items()}

    def _finish(self, row: Row, progress: Progress) -> None:
        """Write the epoch down, keep what is best, and let everybody know."""
        self.done = 0
        self.history.append(row)
        self.history.flow += mean_flow(row["epoch"], self._kinds(), self.flow) if self.flow else []
        loss = float(row["loss"] if self.plan.validation is None else row["validation_loss"])
        self.learner.observe(loss)
        if loss < self.best_loss:
            last = row["epoch"] == self.last  # nothing follows that could be worse
            self.best, self.best_loss = None if last else self.learner.snapshot(self.best), loss
        if self.plan.is_watched:  # nobody else looks at the network before the end
            self.learner.publish()
        progress.end_epoch(self.history[-1])
        self._tell("on_epoch_end", self.history[-1])

    def _kinds(self) -> dict[str, str]:
        """What each layer is, by path."""
        modules = self.learner.recipe.network.modules()
        return {path: type(module).__name__ for path, module in modules.items()}

    def _refuse_weights(self, epoch: int) -> None:
        """The last update of an epoch may go wrong without a loss that shows it."""
        damaged = non_finite_weights(self.learner.weights())
        if damaged:
            where = f"{', '.join(damaged[:3])}{' and others' if len(damaged) > 3 else ''}"
            self._fail(f"weights became infinite or NaN at the end of epoch {epoch}: {where}")

    def _fail(self, what: str) -> NoReturn:
        why = remedy(self.plan.data, self.learner.learning_rate)
        raise NonFiniteError(f"{what}. {why} The network has its best finite weights back.")
