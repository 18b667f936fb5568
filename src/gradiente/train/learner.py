"""A network, the state of its training, and the compiled functions that work on both.

Outside a fit the network holds the weights: whoever changes them, or freezes some, changes what is
trained next. During a fit the state holds them, and the network gets copies after every epoch.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from gradiente.backends.compilations import Compilations
from gradiente.backends.compile import compile
from gradiente.backends.profile import Profile, merged
from gradiente.backends.steps import CompiledSteps, TimedVariants
from gradiente.base.errors import GradienteError, IndexRangeError, RunError
from gradiente.base.trees import flatten, map_tree
from gradiente.nn.tree import configuration
from gradiente.optimizers.optimizer import Optimizer
from gradiente.train.checkpoint import flat
from gradiente.train.flow import flow_function
from gradiente.train.full_batch import Evaluated, FullBatch, iteration
from gradiente.train.history_flow import Look
from gradiente.train.inputs import Samples
from gradiente.train.measure import measured
from gradiente.train.position import Position
from gradiente.train.state import (
    WEIGHTS,
    State,
    carried,
    observed,
    plateau_of,
    state_of,
    weights_of,
    with_rate_scale,
)
from gradiente.train.step import Recipe, compiled
from gradiente.train.unfinished import Unfinished

INSIDE = ("sums", "accumulated")  # parts of a state that matter in the middle of an epoch only
EVALUATION_BATCH = 1024  # samples at once where nothing is trained


class Learner:
    """What a trainer and its loop work with; the recipe says what is trained, and how."""

    def __init__(self, recipe: Recipe, backend: str | None, threads: int | None = None):
        self.recipe = recipe
        self.backend = backend
        self.threads = threads
        self.compiled = compiled(recipe, backend, threads)
        self._flow = compile(flow_function(recipe), backend, threads)
        self.plateau = plateau_of(recipe.optimizer)
        self.state: State | None = None
        self.position: Position | None = None  # in an epoch that was begun by another learner
        self.unfinished: Unfinished | None = None  # what a fit in another process goes on with
        self._configuration: Any = None
        self._empty_sums: Any = None
        self._published: State | None = None  # the state the network shows
        self._fitting = False
        self._averaging = False
        self._searched: tuple[Samples, Evaluated] | None = None
        self._former = Compilations()  # of functions that have been replaced
        self._timed: TimedVariants | None = None
        self.latest: CompiledSteps | None = None  # what ran last: `update` or `gather`

    # -- between the network and the state ---------------------------------------------------------

    def prepare(self, x: Any) -> None:
        """Create what the network lacks for inputs like x; compile anew if its settings changed."""
        network = self.recipe.network
        if self._configuration != configuration(network):
            network.initialize(x, seed=self.recipe.seed)
            self._configuration = configuration(network)
            self._empty_sums = None
            self._former = self.compilations
            self.compiled = compiled(self.recipe, self.backend, self.threads)
            self._flow = compile(flow_function(self.recipe), self.backend, self.threads)

    def adopt(self) -> State:
        """Take over what the network holds now: other weights, other frozen parameters."""
        recipe, before = self.recipe, self.state
        state = state_of(recipe.network, recipe.optimizer, recipe.seed, recipe.accumulate, before)
        if before is not None and self.position is not None and "accumulated" in state:
            state["accumulated"] = carried(state["accumulated"], before["accumulated"])
        self.state = state
        return state

    def publish(self) -> None:
        """Show the state in the attributes of the network."""
        if self.state is None or self.state is self._published:
            return
        values = {path: v for part in WEIGHTS for path, v in self.state[part].items()}
        for slot in self.recipe.network.slots():
            if slot.path in values:
                slot.fill_with_copy(np.asarray(values[slot.path]))
        self._published = self.state

    @contextmanager
    def fitting(self, profiled: bool = False) -> Iterator[None]:
        """Let the state hold the weights inside; the network has them again afterwards.

        profiled: whether the steps measure themselves.
        Raises `GradienteError` if the state holds them already.
        """
        if self._fitting:
            raise GradienteError("this trainer is in the middle of a fit; fits cannot be nested.")
        self._fitting, self._empty_sums = True, None
        self._timed = {} if profiled else None
        try:
            yield
        finally:
            self.publish()
            self._fitting, self._timed, self._searched = False, None, None

    def weights(self) -> State:
        """The parts of the state that the network consists of, as they are now.

        Inside `averaged` with the averages of the optimizer in place of the parameters.
        """
        if self._averaging:
            state = self.state if self._fitting and self.state is not None else self.adopt()
            averages = self.recipe.optimizer.averaged(state["optimizer"], state["parameters"])
            return {part: state[part] for part in WEIGHTS} | {"parameters": averages}
        if self._fitting and self.state is not None:
            return {part: self.state[part] for part in WEIGHTS}
        return weights_of(self.recipe.network)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Let `weights`, and what works with them, use the averages of the optimizer inside."""
        before, self._averaging = self._averaging, self.recipe.optimizer.average is not None
        try:
            yield
        finally:
            self._averaging = before

    def load(self, weights: dict[str, np.ndarray]) -> None:
        """Set all weights, by path, in the network and in the state."""
        self.recipe.network.load_state(weights)
        if self.state is not None:
            self.adopt()

    def snapshot(self, into: State | None = None) -> State:
        """A copy of the weights, to come back to; in the arrays of an earlier one, if there is."""
        assert self.state is not None
        return _copied({part: self.state[part] for part in WEIGHTS}, into)

    def go_back(self, weights: State | None) -> None:
        """Continue from a snapshot, or from what the network holds if there is none.

        Moments that are no longer finite would spoil what follows: they start anew.
        """
        if self.state is None:
            return
        weights = weights or map_tree(np.array, weights_of(self.recipe.network))
        optimizer = self.state["optimizer"]
        if not all(np.all(np.isfinite(leaf)) for leaf in flatten(optimizer)[0]):
            fresh = self.recipe.optimizer.init(weights["parameters"])
            optimizer = {**fresh, "step": optimizer["step"], "rate_scale": optimizer["rate_scale"]}
        self.state = {**self.state, **weights, "optimizer": optimizer}

    def forget(self) -> None:
        """Begin again with what the network holds, as if nothing had been trained."""
        self.state = None
        self.adopt()

    @property
    def is_fitting(self) -> bool:
        """True inside `fitting`."""
        return self._fitting

    @property
    def is_untrained(self) -> bool:
        """True before the first batch."""
        return self.state is None or int(self.state["batches"]) == 0

    def resumable(self, inside: bool = False) -> State:
        """Everything training continues from; inside: in the middle of an epoch.

        Between epochs there are no sums, and no gradients that wait for an update.
        Raises `GradienteError` if the network has no parameters yet.
        """
        if self.state is None and not self.recipe.network.parameters():
            raise GradienteError("there is nothing to save yet: train first.")
        state = self.state if self._fitting and self.state is not None else self.adopt()
        left_out = () if inside else INSIDE
        return {part: v for part, v in state.items() if part not in left_out}

    def resume(self, state: State, position: Position | None = None) -> None:
        """Continue from what `resumable` gave, inside an epoch if there is a position.

        Raises `RunError` if the optimizer keeps other things than the one it was saved with, and
        the errors of `Module.load_state` if it is the state of another network.
        """
        weights = {path: v for part in WEIGHTS for path, v in state[part].items()}
        network = self.recipe.network
        network.load_state(weights, buffers=state["buffers"], frozen=state["fixed"])
        expected = self.adopt()
        for part in ("optimizer", "plateau"):
            if _types(expected.get(part, {})) != _types(state.get(part, {})):
                raise RunError("the optimizer is another one.")
        if position is not None and _types(expected.get("accumulated", {})) != _types(
            state.get("accumulated", {})
        ):
            raise GradienteError("gradients of other batches wait for an update in it.")
        self.state, self.position = state, position
        self.adopt()

    def apart(self, optimizer: Optimizer, x: Any) -> "Learner":
        """A learner that goes on from here by itself with another optimizer of the same slots.

        It has copies of everything; the network, and this learner, never see what it does.
        Raises `GradienteError` in the middle of a fit.
        """
        if self._fitting:
            raise GradienteError("this trainer is in the middle of a fit: try it afterwards.")
        self.prepare(x)
        recipe = replace(self.recipe, optimizer=optimizer)
        other = Learner(recipe, self.backend, self.threads)
        other.prepare(x)
        other.state = None if self.state is None else map_tree(np.array, self.state)
        other.adopt()
        return other

    # -- training ----------------------------------------------------------------------------------

    def begin_epoch(self, batch: Samples, watched: bool = True) -> Position | None:
        """Take over what callbacks did to the network, if there are any; add up anew.

        Returns the position if an epoch goes on that was begun by another learner. Raises
        `RunError` if that had other metrics.
        """
        if watched or self.state is None:
            self.prepare(batch.x)
            self.adopt()
        state = self.state
        assert state is not None
        if self._empty_sums is None:
            self._empty_sums = self.recipe.empty_sums(self.weights(), batch.as_tuple())
        position, self.position = self.position, None
        if position is None:
            # A search has kept those of its last evaluation; else the same arrays serve again.
            kept = self.recipe.optimizer.search is not None
            sums = _copied(self._empty_sums, None if kept else state.get("sums"))
            self.state = {**state, "sums": sums}
        elif _types(state.get("sums", {})) != _types(self._empty_sums):
            self.position = position
            raise RunError(
                "this training stands in the middle of an epoch that was begun with other metrics, "
                "or with another loss: give the same, or set `trainer.position = None`."
            )
        return position

    @property
    def sums(self) -> Any:
        """Loss, weight, penalty and metrics of the epoch so far."""
        assert self.state is not None
        return self.state["sums"]

    def learn(self, data: Samples, order: np.ndarray, update: bool, batch_size: int) -> Any:
        """One step for each row of `order`, (steps, batch) places in the data.

        update: whether each ends with one, as the last batch of an epoch does, which may be smaller
        than `batch_size`. Returns the sums so far.
        """
        whole = min(batch_size, data.count) if update else None
        with _explained():
            for steps, rows in self._programs(order, update):
                self.state = steps.run(self.state, data.as_tuple(), rows, self._timed, whole)
                self.latest = steps
        assert self.state is not None
        return self.state["sums"]

    def _programs(
        self, order: np.ndarray, update: bool
    ) -> Iterator[tuple[CompiledSteps, np.ndarray]]:
        """What runs the rows of an order: some updates begin with a look at the curvature."""
        curvature, compiled = self.recipe.optimizer.curvature, self.compiled
        if curvature is None or not update:
            yield compiled.update if update else compiled.gather, order
            return
        assert self.state is not None
        first = int(self.state["optimizer"]["step"])
        due = (first + np.arange(len(order))) % curvature.every == 0
        for rows in np.split(np.arange(len(order)), np.flatnonzero(np.diff(due)) + 1):
            yield compiled.observing_update if due[rows[0]] else compiled.update, order[rows]

    def search(self, data: Samples, batch_size: int) -> tuple[Any, str | None]:
        """One iteration of an optimizer that searches, over all samples.

        Returns the sums over them at the new weights, and why it is the last, if it is.
        """
        assert self.state is not None
        known = None if self._searched is None or self._searched[0] is not data else self._searched
        with _explained():
            evaluate = FullBatch(self.compiled.gather, self.state, data, batch_size, self._timed)
            searched = iteration(self.recipe.optimizer, self.state, evaluate, known and known[1])
        self.state, self._searched = searched.state, (data, searched.evaluated)
        self.latest = self.compiled.gather
        return self.state["sums"], searched.stopped

    def flush(self) -> None:
        """Update with the gradients that are waiting."""
        self.state = self.compiled.flush(self.state)

    def observe(self, loss: float) -> None:
        """Show the loss of an epoch to a schedule that watches it."""
        if self.plateau is not None and self.state is not None:
            self.state = observed(self.state, self.plateau, loss)

    @property
    def learning_rate(self) -> float | None:
        """The rate of the next update; `None` before the first fit, or if groups differ in it."""
        if self.state is None:
            return None
        rate = self.recipe.optimizer.rate(self.state["optimizer"])
        return None if rate is None else float(rate)

    def set_learning_rate(self, rate: float) -> None:
        """Scale the learning rate so that the next update has the given one."""
        if self.state is None and self.recipe.network.parameters():
            self.adopt()
        now = self.learning_rate
        if self.state is None or not now:
            raise GradienteError(
                "there is no learning rate to change: training has not begun, groups of parameters "
                "have different ones, or it is 0."
            )
        scale = float(self.state["optimizer"]["rate_scale"])
        self.state = with_rate_scale(self.state, scale * rate / now)

    # -- looking into it ---------------------------------------------------------------------------

    @property
    def compilations(self) -> Compilations:
        """What compiling has cost so far."""
        return self._former + self.compiled.compilations + self._flow.compilations

    def flow(self, batch: Samples) -> Look:
        """What the gradient does in each layer on a batch; nothing changes."""
        assert self.state is not None
        parts = (*WEIGHTS, "optimizer", "key", "batches")
        with _explained():
            found = self._flow({part: self.state[part] for part in parts}, batch.as_tuple())
        return {layer: [float(number) for number in row] for layer, row in found.items()}

    def profile(self) -> Profile | None:
        """Where the time of this fit went; `None` if it is not profiled."""
        return merged(steps.profile() for steps in self._timed.values()) if self._timed else None

    # -- using -------------------------------------------------------------------------------------

    def measure(
        self, data: Samples, batch_size: int, more: Iterable[Samples] = ()
    ) -> dict[str, Any]:
        """Loss and metrics over all samples, those of further parts included."""
        parts = chain((data,), more)
        batches = (b for part in parts for b in part.batches(np.arange(part.count), batch_size))
        with _explained():
            evaluate, metrics = self.compiled.evaluate, self.recipe.metrics
            return measured(evaluate, self.weights(), batches, metrics)

    def predict(self, data: Samples, batch_size: int, more: Iterable[Samples] = ()) -> Any:
        """The outputs of the network, in the order of the samples; of further parts as well."""
        weights = self.weights()
        outputs = [
            self.compiled.predict(weights, batch.x)
            for part in chain((data,), more)
            for batch in part.batches(np.arange(part.count), batch_size)
        ]
        return map_tree(lambda *rows: np.concatenate(rows), *outputs)


@contextmanager
def _explained() -> Iterator[None]:
    """Say what an index out of range means: the numbers are seen only when the step runs."""
    try:
        yield
    except IndexRangeError as error:
        raise IndexRangeError(
            f"{error}\nClasses in y are numbered from 0 to the number of outputs - 1, and so are "
            "the entries of an Embedding; use ignore_index= for targets that do not count."
        ) from None


def _copied(state: Any, into: Any) -> Any:
    """The tree with its arrays copied into those of another tree where they fit."""
    if isinstance(state, dict):
        known = into if isinstance(into, dict) else {}
        return {name: _copied(value, known.get(name)) for name, value in state.items()}
    value = np.asarray(state)
    fits = isinstance(into, np.ndarray) and (into.shape, into.dtype) == (value.shape, value.dtype)
    if not fits:
        return np.array(value)
    np.copyto(into, value)
    return into


def _types(part: State) -> dict[str, Any]:
    return {path: (v.shape, v.dtype) for path, v in flat(part).items()}
