"""The loop around the step: epochs, validation, stopping, and what the user does with the result."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.base.errors import GradienteError, InvalidArgumentError, NonFiniteError
from gradiente.base.trees import map_tree
from gradiente.data.batches import epoch_order
from gradiente.metrics.metric import METRICS, Metric
from gradiente.nn.module import Module
from gradiente.nn.sequential import Sequential
from gradiente.nn.summary import Summary, summary
from gradiente.optimizers.adam import Adam
from gradiente.optimizers.compose import chain
from gradiente.optimizers.optimizer import Optimizer
from gradiente.optimizers.transforms import clip_by_global_norm
from gradiente.schedules.plateau import ReduceOnPlateau
from gradiente.train.callbacks import Callback, EarlyStopping, as_callback
from gradiente.train.checkpoint import read_checkpoint, write_checkpoint
from gradiente.train.history import History, Row
from gradiente.train.inputs import Samples, divided, non_finite_inputs, samples
from gradiente.train.progress import Progress
from gradiente.train.step import NONE_FAILED, Loss, Recipe, State, compiled

EVALUATION_BATCH = 1024  # samples at once where nothing is trained


class Trainer:
    """Trains a network: one compiled step, repeated over shuffled batches.

    network: a Module, or any function of one array made of layers.
    loss: (prediction, target) -> number, as in `gradiente.losses`; with weights it also takes
        sample_weight=.
    optimizer: from `gradiente.optimizers`; Adam with learning rate 0.001 by default.
    metrics: from `gradiente.metrics`.
    seed: determines the starting weights, the order of the samples and every random layer: the same
        seed gives the same bits.
    clip_norm: gradients are shortened to this global norm before the update.
    accumulate: how many batches make one update; their gradients are averaged, weighted exactly.
    backend: what the step runs on, as in `gd.compile`.

    The network trains in the data type of its inputs: float64 arrays train in float64.
    """

    def __init__(
        self,
        network: Any,
        loss: Loss,
        optimizer: Optimizer | None = None,
        metrics: Sequence[Metric] = (),
        seed: int = 0,
        clip_norm: float | None = None,
        accumulate: int = 1,
        backend: str | None = None,
    ):
        if accumulate < 1:
            raise InvalidArgumentError(f"accumulate is at least 1 batch, got {accumulate}.")
        self.network = network if isinstance(network, Module) else Sequential(network)
        self.seed = seed
        self.accumulate = accumulate
        self.history = History()
        optimizer = optimizer if optimizer is not None else Adam(1e-3)
        self.optimizer = (
            optimizer if clip_norm is None else chain(clip_by_global_norm(clip_norm), optimizer)
        )
        self.recipe = Recipe(self.network, loss, self.optimizer, _checked_metrics(metrics))
        self.compiled = compiled(self.recipe, backend)
        self.state: State | None = None
        self._stop: str | None = None
        self._sums: Any = None

    # -- training ----------------------------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any,
        *,
        epochs: int = 10,
        batch_size: int = 32,
        validation: Any = None,
        sample_weight: Any = None,
        early_stopping: int | EarlyStopping | None = None,
        callbacks: Sequence[Any] = (),
        max_seconds: float | None = None,
        shuffle: bool = True,
        verbose: bool | None = None,
    ) -> History:
        """Train for a number of epochs more; returns the history of all epochs so far.

        x, y: arrays with the samples along the first axis; trees of arrays for several inputs.
        validation: (x, y) or (x, y, sample_weight) to be measured after each epoch, or the fraction
            of the samples to set aside for that.
        early_stopping: how many epochs without improvement of the validation loss end the training,
            with the best weights put back; or an `EarlyStopping`.
        callbacks: see `gradiente.train.callbacks`; functions of (trainer, row) will do.
        max_seconds: training ends after the batch during which this much time has passed.
        verbose: `None` shows a progress bar in a terminal or notebook; `True` prints lines
            elsewhere; `False` is silent.

        Ctrl-C ends the training, keeps the best weights and returns the history. A loss that is no
        longer finite raises `NonFiniteError`, with the weights of the best epoch put back.
        """
        if epochs < 1 or batch_size < 1:
            raise InvalidArgumentError("fit needs at least 1 epoch and batches of at least 1.")
        data = samples(x, y, sample_weight)
        validated: Samples | None = None
        if isinstance(validation, float):
            data, validated = divided(data, validation, self.seed)
        elif validation is not None:
            validated = samples(*validation)
        self._prepare(data.rows(np.arange(min(batch_size, data.count))))
        listed = [as_callback(item) for item in callbacks]
        if early_stopping is not None:
            stopping = (
                early_stopping
                if isinstance(early_stopping, EarlyStopping)
                else EarlyStopping(early_stopping)
            )
            listed.append(stopping)
        deadline = None if max_seconds is None else time.monotonic() + max_seconds
        run = _Run(self, data, validated, batch_size, shuffle, listed, deadline)
        with Progress(verbose) as progress:
            return run.through(epochs, progress)

    def stop(self, reason: str) -> None:
        """End the training after the current epoch; for callbacks."""
        self._stop = reason

    def _prepare(self, batch: Samples) -> None:
        """Create the parameters and the state when the first data arrive."""
        if self.state is None:
            self.network.initialize(batch.x, seed=self.seed)
            self.state = self.recipe.initial_state(self.seed, self.accumulate)
        if self._sums is None:
            self._sums = self.recipe.empty_sums(self.state, (batch.x, batch.y, batch.weight))

    # -- using the network -------------------------------------------------------------------------

    def evaluate(
        self, x: Any, y: Any, sample_weight: Any = None, batch_size: int = EVALUATION_BATCH
    ) -> dict[str, Any]:
        """Loss and metrics on given data, exact over all samples: {"loss": ..., name: ...}."""
        data = samples(x, y, sample_weight)
        self._prepare(data.rows(np.arange(min(batch_size, data.count))))
        return self._measured(data, batch_size)

    def _measured(self, data: Samples, batch_size: int) -> dict[str, Any]:
        reports, pieces = [], []
        for batch in data.batches(np.arange(data.count), batch_size):
            report, piece = self.compiled.evaluate(
                self._without_sums(), (batch.x, batch.y, batch.weight)
            )
            reports.append(report)
            pieces.append(piece)
        total = map_tree(lambda *parts: sum(parts), *reports) if reports else {}
        return self._values(total, pieces)

    def _values(self, sums: Any, pieces: list[Any] | None = None) -> dict[str, Any]:
        """Loss and metrics from what has been added up."""
        values: dict[str, Any] = {"loss": float(sums["loss"] / sums["weight"])}
        for metric in self.recipe.metrics:
            if metric.combine == "sum":
                values[metric.name] = metric.value(sums["metrics"][metric.name])
            elif pieces is not None:
                collected = metric.combined([piece[metric.name] for piece in pieces])
                values[metric.name] = metric.value(collected)
        return values

    def _without_sums(self) -> State:
        assert self.state is not None
        return {name: part for name, part in self.state.items() if name != "sums"}

    def predict(self, x: Any, batch_size: int = EVALUATION_BATCH) -> Any:
        """The raw outputs of the network (logits, for classification), as arrays."""
        data = samples(x)
        if self.state is None:
            self.network.initialize(data.rows(np.arange(1)).x, seed=self.seed)
            self.state = self.recipe.initial_state(self.seed, self.accumulate)
        parts = [
            self.compiled.predict(self._without_sums(), batch.x)
            for batch in data.batches(np.arange(data.count), batch_size)
        ]
        return map_tree(lambda *rows: np.concatenate(rows), *parts)

    def weights(self) -> dict[str, np.ndarray]:
        """Parameters and buffers as they are now, by path; copies."""
        assert self.state is not None
        parts = ("parameters", "fixed", "buffers")
        return {path: np.array(v) for part in parts for path, v in self.state[part].items()}

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Put parameters and buffers back, in the state and in the network."""
        assert self.state is not None
        for part in ("parameters", "fixed", "buffers"):
            self.state[part] = {path: np.array(weights[path]) for path in self.state[part]}
        self._publish()

    def _publish(self) -> None:
        """Show the state in the attributes of the network."""
        values = self.weights()
        for slot in self.network.slots():
            slot.fill(values[slot.path])

    @property
    def learning_rate(self) -> float | None:
        """The learning rate of the next update; `None` if groups of parameters differ in it."""
        if self.state is None:
            return None
        rate = self.optimizer.rate(self.state["optimizer"])
        return None if rate is None else float(rate)

    def summary(self, x: Any = None) -> Summary:
        """A table of layers, output shapes, parameters and bytes, for inputs like x."""
        return summary(self.network, x)

    # -- saving ------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write everything that training continues from into one file, without code in it.

        The file appears whole or not at all. Raises `RunError` if it cannot be written.
        """
        if self.state is None:
            raise GradienteError("there is nothing to save yet: train, or evaluate, first.")
        facts = {"seed": self.seed, "accumulate": self.accumulate}
        write_checkpoint(Path(path), self._without_sums(), self.history, facts)

    @classmethod
    def load(
        cls, path: str | Path, network: Any = None, *, net: Any = None, **options: Any
    ) -> "Trainer":
        """A trainer that continues bit for bit where the saved one stopped.

        network (or net=): built as before; options: as in the constructor, as before: loss, optimizer,
        metrics. Raises `RunError` if the file is damaged or does not fit the network.
        """
        state, history, facts = read_checkpoint(Path(path))
        facts = {name: int(facts[name]) for name in ("seed", "accumulate")}
        trainer = cls(network if network is not None else net, **{**facts, **options})
        trainer.network.load_state({**state["parameters"], **state["fixed"], **state["buffers"]})
        trainer.state = state
        trainer.history = history
        return trainer

    def __repr__(self) -> str:
        return (
            f"Trainer({self.network!r}, optimizer={self.optimizer!r}, seed={self.seed}, "
            f"{len(self.history)} epochs done)"
        )


def _checked_metrics(metrics: Sequence[Metric]) -> list[Metric]:
    for metric in metrics:
        if not isinstance(metric, Metric):
            name = getattr(metric, "__name__", repr(metric))
            hint = f"; call it first: {name}(...)" if metric in METRICS.values() else ""
            raise InvalidArgumentError(f"`{name}` is not a metric of gradiente.metrics{hint}.")
    names = [metric.name for metric in metrics]
    if len(set(names)) < len(names):
        raise InvalidArgumentError(f"two metrics have the same name: {', '.join(names)}.")
    return list(metrics)


class _Run:
    """One call of fit."""

    def __init__(
        self,
        trainer: Trainer,
        data: Samples,
        validation: Samples | None,
        batch_size: int,
        shuffle: bool,
        callbacks: list[Callback],
        deadline: float | None,
    ):
        self.trainer = trainer
        self.data = data
        self.validation = validation
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.callbacks = callbacks
        self.deadline = deadline
        self.best: tuple[float, dict[str, np.ndarray]] | None = None

    def through(self, epochs: int, progress: Progress) -> History:
        """All epochs, until one of the reasons to stop."""
        trainer = self.trainer
        trainer._stop = None
        first = len(trainer.history) + 1
        last = first + epochs - 1
        try:
            for callback in self.callbacks:
                callback.on_fit_begin(trainer)
            for epoch in range(first, last + 1):
                self._epoch(epoch, last, progress)
                if trainer._stop is not None:
                    break
        except KeyboardInterrupt:
            trainer._stop = "interrupted by the user"
            self._restore_best()
            progress.message("interrupted: the best weights so far are kept")
        except NonFiniteError:
            self._restore_best()
            raise
        finally:
            trainer._publish()
            for callback in self.callbacks:
                callback.on_fit_end(trainer)
        trainer.history.stopped = trainer._stop or "all epochs done"
        return trainer.history

    def _epoch(self, epoch: int, last: int, progress: Progress) -> None:
        trainer = self.trainer
        assert trainer.state is not None
        started = time.monotonic()
        rate = trainer.learning_rate
        batches = -(-self.data.count // self.batch_size)
        progress.begin_epoch(epoch, last, batches)
        for callback in self.callbacks:
            callback.on_epoch_begin(trainer, epoch)
        order = np.arange(self.data.count)
        if self.shuffle:
            order = epoch_order(self.data.count, trainer.seed, epoch)
        trainer.state["sums"] = trainer._sums
        self._batches(order, epoch, batches, progress)
        row: Row = {"epoch": epoch, "learning_rate": rate, **trainer._values(trainer.state["sums"])}
        if self.validation is not None:
            measured = trainer._measured(self.validation, max(self.batch_size, EVALUATION_BATCH))
            row.update({f"validation_{name}": value for name, value in measured.items()})
        row["seconds"] = time.monotonic() - started
        self._finish(row, progress)

    def _batches(self, order: np.ndarray, epoch: int, batches: int, progress: Progress) -> None:
        trainer = self.trainer
        for number, batch in enumerate(self.data.batches(order, self.batch_size), 1):
            updates = number % trainer.accumulate == 0 or number == batches
            step = trainer.compiled.update if updates else trainer.compiled.accumulate
            trainer.state = step(trainer.state, (batch.x, batch.y, batch.weight))
            sums = trainer.state["sums"]
            if sums["failed"] != NONE_FAILED:
                raise NonFiniteError(self._diagnosis(epoch, int(sums["failed"]) + 1, batches))
            progress.advance(1, sums["loss"] / sums["weight"], samples=batch.count)
            for callback in self.callbacks:
                callback.on_batch_end(trainer, number)
            if self.deadline is not None and time.monotonic() > self.deadline:
                trainer.stop("the time allowed has passed")
                if not updates:
                    trainer.state = trainer.compiled.flush(trainer.state)
                break

    def _finish(self, row: Row, progress: Progress) -> None:
        trainer = self.trainer
        trainer.history.append(row)
        monitored = row.get("validation_loss", row["loss"])
        if self.best is None or monitored < self.best[0]:
            self.best = (monitored, trainer.weights())
        self._observe_plateau(monitored)
        trainer._publish()
        progress.end_epoch(trainer.history[-1])
        for callback in self.callbacks:
            callback.on_epoch_end(trainer, trainer.history[-1])

    def _observe_plateau(self, monitored: float) -> None:
        """Let a schedule that watches the loss scale the learning rate, in the state."""
        schedule, state = self.trainer.optimizer.learning_rate, self.trainer.state
        if not isinstance(schedule, ReduceOnPlateau) or state is None:
            return
        before = {name: float(value) for name, value in state.get("plateau", {}).items()}
        plateau = schedule.observe(before or schedule.init(), monitored)
        state["plateau"] = {name: np.array(value, np.float64) for name, value in plateau.items()}
        state["optimizer"] = {
            **state["optimizer"],
            "rate_scale": np.array(plateau["scale"], np.float64),
        }

    def _restore_best(self) -> None:
        if self.best is not None:
            self.trainer.set_weights(self.best[1])

    def _diagnosis(self, epoch: int, batch: int, batches: int) -> str:
        rate = self.trainer.learning_rate
        damaged = non_finite_inputs(self.data)
        if damaged:
            cause = (
                f"{' and '.join(damaged)} contain{'s' if len(damaged) == 1 else ''} NaN or "
                "infinity: clean the data first."
            )
        else:
            now = "" if rate is None else f" (now {rate:g})"
            cause = (
                f"Try a learning rate ten times smaller{now}, clip_norm=1.0, inputs scaled to mean "
                "0 and variance 1, or check the loss for log(0) and division by 0."
            )
        return (
            f"the loss became infinite or NaN in epoch {epoch}, batch {batch} of {batches}. {cause}"
        )
