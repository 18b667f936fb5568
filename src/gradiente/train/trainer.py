"""Training a network: what the user says, and what the user gets."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.backends.steps import CompiledSteps
from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import GradienteError, InvalidArgumentError, RunError
from gradiente.data.encode import Preprocessing
from gradiente.data.stream import Stream
from gradiente.losses.loss import find_loss
from gradiente.metrics.metric import METRICS, Metric
from gradiente.nn.module import Module
from gradiente.nn.summary import Summary, summary
from gradiente.optimizers.adam import Adam
from gradiente.optimizers.compose import chain
from gradiente.optimizers.optimizer import OPTIMIZERS, Kind, Optimizer
from gradiente.optimizers.transforms import clip_by_global_norm
from gradiente.train.callbacks import EarlyStopping, as_callbacks, as_early_stopping
from gradiente.train.checkpoint import Facts, Saved, read_checkpoint, write_checkpoint
from gradiente.train.checkpoint_folder import read_newest
from gradiente.train.description import completed, describe_recipe, doubted
from gradiente.train.history import History
from gradiente.train.history_flow import FlowSampling
from gradiente.train.inputs import (
    Samples,
    inputs,
    samples,
    sampling_of,
    with_chances,
    with_validation,
)
from gradiente.train.learner import EVALUATION_BATCH, Learner
from gradiente.train.learning_rates import LearningRateTest
from gradiente.train.loop import Plan, Run
from gradiente.train.penalties import ByPattern, checked
from gradiente.train.position import Position
from gradiente.train.progress import Progress
from gradiente.train.rate_finder import range_test, with_rate_tried
from gradiente.train.state import WEIGHTS, State, is_complete
from gradiente.train.step import Recipe
from gradiente.train.stream_run import StreamPlan, StreamRun, first_samples, refuse_with_stream
from gradiente.train.tables import (
    checked_preprocessing,
    encoded,
    encoded_inputs,
    encoded_validation,
    with_preprocessing,
    without_preprocessing,
)


class Trainer:
    """Trains a network: one compiled step, repeated over shuffled batches.

    network: a Module. It gets a batch of x: an array, or the tuple or dict of arrays given as x.
    loss: a function (prediction, target) -> number, as in `gradiente.losses`, or the name of one of
        those; with weights it also takes sample_weight=.
    optimizer: from `gradiente.optimizers`; Adam with learning rate 0.001 by default.
    metrics: from `gradiente.metrics`.
    seed: determines the starting weights, the order of the samples and every random layer: the same
        seed gives the same bits.
    clip_norm: gradients are shortened to this global norm before the update.
    accumulate: how many batches make one update; their gradients are averaged, weighted exactly.
    regularizers: penalties of parameters, by patterns of their paths: `{"*.weight":
        regularizers.L2(1e-4)}`. All that match a parameter are added to the loss that is trained
        on; the history shows their sum in a column of its own, "penalty".
    constraints: where parameters are put back after every update, by patterns as well:
        `{"*.weight": constraints.MaxNorm(3.0)}`.
    backend, threads: what the step runs on, as in `gd.compile`.
    preprocessing: of tables, from `data.fit_table`. `fit`, `evaluate` and `predict` then take
        tables, of pandas, polars or Arrow, or their files, in place of x and y; it is saved and
        loaded with the rest. `trainer.preprocessing.decode` turns outputs into what they mean.

    The network trains in the data type of its inputs: float64 arrays train in float64. Between fits
    the network may be changed: the next fit continues with the weights it has then, and with the
    parameters frozen that are frozen then.

    Raises `InvalidArgumentError` for arguments of another kind.
    """

    def __init__(
        self,
        network: Module,
        loss: Callable[..., Any] | str,
        optimizer: Optimizer | None = None,
        metrics: Sequence[Metric] = (),
        seed: int = 0,
        clip_norm: float | None = None,
        accumulate: int = 1,
        regularizers: ByPattern | None = None,
        constraints: ByPattern | None = None,
        backend: str | None = None,
        threads: int | None = None,
        preprocessing: Preprocessing | None = None,
    ):
        self.preprocessing = checked_preprocessing(preprocessing)
        optimizer = _checked_optimizer(optimizer)
        if clip_norm is not None:
            optimizer = chain(clip_by_global_norm(clip_norm), optimizer)
        if constraints and optimizer.search is not None:
            raise InvalidArgumentError(
                f"{optimizer.name} searches along a line, which constraints would bend: leave out "
                "constraints=, or use another optimizer."
            )
        recipe = Recipe(
            network=_checked_network(network),
            loss=_checked_loss(loss),
            optimizer=optimizer,
            metrics=_checked_metrics(metrics),
            seed=check_count("seed", seed),
            accumulate=check_count("accumulate", accumulate, at_least=1),
            regularizers=checked("regularizers", regularizers),
            constraints=checked("constraints", constraints),
        )
        self.history = History()
        self._learner = Learner(recipe, backend, threads)
        self._run: Run | None = None

    @property
    def network(self) -> Module:
        """The network that is trained."""
        return self._learner.recipe.network

    @property
    def optimizer(self) -> Optimizer:
        """The rule that moves the parameters, clipping included."""
        return self._learner.recipe.optimizer

    @property
    def state(self) -> State | None:
        """Everything that changes during training, as a tree; `None` before the first fit."""
        return self._learner.state

    @property
    def step(self) -> CompiledSteps:
        """The compiled training step that ran last.

        Raises `GradienteError` before the first fit.
        """
        if self._learner.latest is None:
            raise GradienteError("there is no training step yet: it is compiled in the first fit.")
        return self._learner.latest

    @property
    def learning_rate(self) -> float | None:
        """The learning rate of the next update; `None` before training, or if groups differ in it.

        Setting it scales the rate, and all that a schedule gives later, by one factor.
        """
        return self._learner.learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._learner.set_learning_rate(check_number("learning_rate", rate, above=0))

    @property
    def position(self) -> Position | None:
        """Where training stands in the middle of an epoch, which the next fit completes first.

        The rest of that epoch counts as the first of those asked for.

        `None` between epochs. Set it to `None` to begin a new epoch instead.
        """
        running = self._learner.is_fitting and self._run is not None
        return self._run.position if running and self._run else self._learner.position

    @position.setter
    def position(self, position: None) -> None:
        if position is not None:
            raise InvalidArgumentError("a position is set to None only: a new epoch begins then.")
        self._learner.position = None

    # -- training ----------------------------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int = 10,
        batch_size: int = 32,
        validation: Any = None,
        sample_weight: Any = None,
        early_stopping: int | EarlyStopping | None = None,
        callbacks: Sequence[Any] = (),
        max_seconds: float | None = None,
        shuffle: bool = True,
        sampling: Any = None,
        verbose: bool | None = None,
        profile: bool = False,
        flow: bool | int = True,
    ) -> History:
        """Train for a number of epochs more; returns the history of all epochs so far.

        x, y: arrays with the samples along the first axis; a tuple or dict of arrays for several
            inputs or targets. With preprocessing= x is a table, which has the targets too. Or x is
            a `data.Stream`, without y: data larger than memory.
        validation: (x, y) or (x, y, sample_weight), or a table, to be measured after each epoch, or
            the fraction of the samples to set aside for that.
        early_stopping: how many epochs without improvement of the validation loss end the training,
            with the best weights put back; or an `EarlyStopping`.
        callbacks: see `gradiente.train.callbacks`; functions of (trainer, row) will do.
        sampling: "balanced" draws every class of y equally often; a weight for each sample draws
            samples in this proportion. The training loss is that of what was drawn.
        max_seconds: training ends after the batch during which this much time has passed.
        verbose: `None` shows a progress bar in a terminal or notebook; `True` prints lines
            elsewhere; `False` is silent.
        profile: measure the training steps; `history.profile` says where their time went, and is
            printed at the end unless verbose is `False`. Results are the same bits.
        flow: look at the gradient in each layer on every hundredth batch, at most twice an epoch;
            on every so many, if a number is given. `history.flow` has it. Results are the same.

        Ctrl-C ends the training, keeps the weights of the best epoch and returns the history. A
        loss that is no longer finite raises `NonFiniteError`, with the best finite weights put
        back. Raises `DataError` for data that cannot be trained on.
        """
        data, validated = self._divided(x, y, sample_weight, sampling, validation, shuffle)
        kind = partial(StreamPlan, stream=x) if isinstance(x, Stream) else Plan
        plan = kind(
            data=data,
            validation=validated,
            epochs=check_count("epochs", epochs, at_least=1),
            batch_size=check_count("batch_size", batch_size, at_least=1),
            shuffle=shuffle,
            callbacks=as_early_stopping(early_stopping) + as_callbacks(callbacks),
            max_seconds=_checked_seconds(max_seconds),
            flow=FlowSampling(flow if isinstance(flow, bool) else check_count("flow", flow)),
            sampling=sampling_of(data, sampling),
        )
        return self._through(plan, profile, verbose)

    def _through(self, plan: Plan, profile: bool, verbose: bool | None) -> History:
        """Do what a plan says."""
        learner = self._learner
        with learner.fitting(profile), Progress(verbose) as progress:
            learner.prepare(plan.data.first(plan.batch_size).x)
            learner.adopt()
            kind = StreamRun if isinstance(plan, StreamPlan) else Run
            self._run = kind(self, learner, self.history, plan)
            self._run.through(progress)
        if self.history.profile is not None and verbose is not False:
            print(self.history.profile)
        return self.history

    def find_learning_rate(
        self,
        x: Any,
        y: Any = None,
        *,
        batch_size: int = 32,
        sample_weight: Any = None,
        lowest: float = 1e-7,
        highest: float = 10.0,
        steps: int = 100,
    ) -> LearningRateTest:
        """Try learning rates on a copy: one update with each, rising until the loss explodes.

            η_k = lowest · (highest / lowest)^(k / (steps − 1))

        Weights, optimizer, random numbers and the order of samples stay as they are, to the bit:
        the next fit is what it would have been. The schedule of the optimizer does not count here.
        `result.suggestion` is the rate at which the smoothed loss falls most steeply, never one
        beyond its minimum; `result.plot()` shows the curve, and `trainer.learning_rate =
        result.suggestion` puts it into effect. Batches as in `fit`, whole ones only.

        Raises `InvalidArgumentError` for bounds out of order and for optimizers without a single
        rate, `NonFiniteError` if the loss is not finite to begin with.

        L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3.
        """
        data = samples(*encoded(self.preprocessing, x, y), sample_weight)
        batch_size = check_count("batch_size", batch_size, at_least=1)
        lowest = check_number("lowest", lowest, above=0)
        highest = check_number("highest", highest, above=lowest)
        rates = np.geomspace(lowest, highest, check_count("steps", steps, at_least=2))
        optimizer = with_rate_tried(self._learner.recipe.optimizer)
        apart = self._learner.apart(optimizer, data.first(batch_size).x)
        epoch = self.history[-1]["epoch"] + 1 if len(self.history) else 1
        return range_test(apart, data, batch_size, rates, epoch)

    def _divided(
        self, x: Any, y: Any, sample_weight: Any, sampling: Any, validation: Any, shuffle: bool
    ) -> tuple[Samples, Samples | None]:
        """Training and validation samples from what `fit` was given; of a stream the first ones."""
        if isinstance(x, Stream):
            given = {"sample_weight": sample_weight, "sampling": sampling, "validation": validation}
            refuse_with_stream(self.optimizer, y, given)
            validation = encoded_validation(self.preprocessing, validation)
            return with_validation(first_samples(x), validation, self._learner.recipe.seed)
        if sampling is not None:
            self._refuse_sampling(shuffle)
        x, y = encoded(self.preprocessing, x, y)
        data = with_chances(samples(x, y, sample_weight), sampling)
        validation = encoded_validation(self.preprocessing, validation)
        return with_validation(data, validation, self._learner.recipe.seed)

    def _refuse_sampling(self, shuffle: bool) -> None:
        if not shuffle:
            raise InvalidArgumentError("sampling= draws at random: leave out shuffle=False.")
        if self.optimizer.search is not None:
            raise InvalidArgumentError(
                f"{self.optimizer!r} works on all samples at once and draws none: give "
                "sample_weight= instead of sampling=."
            )

    def stop(self, reason: str) -> None:
        """End the training after the current epoch; for callbacks."""
        if self._run is not None:
            self._run.stopped = self._run.stopped or reason

    # -- using the network -------------------------------------------------------------------------

    def evaluate(
        self, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int = EVALUATION_BATCH
    ) -> dict[str, Any]:
        """Loss and metrics on given data, exact over all samples: {"loss": ..., name: ...}."""
        data = samples(*encoded(self.preprocessing, x, y), sample_weight)
        batch_size = check_count("batch_size", batch_size, at_least=1)
        self._learner.prepare(data.first(1).x)
        return self._learner.measure(data, batch_size)

    def predict(self, x: Any, batch_size: int = EVALUATION_BATCH) -> Any:
        """The raw outputs of the network (logits, for classification), as arrays."""
        data = inputs(encoded_inputs(self.preprocessing, x))
        batch_size = check_count("batch_size", batch_size, at_least=1)
        self._learner.prepare(data.first(1).x)
        return self._learner.predict(data, batch_size)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Use the averages of the weights that the optimizer keeps, in a `with` block.

            with trainer.averaged():
                trainer.evaluate(x_test, y_test)

        `evaluate`, `predict` and `weights` use them inside; the network, and the training, keep the
        weights themselves. To put them into the network for good, give `weights()` to
        `set_weights` afterwards. Running statistics of layers are not averaged. Raises
        `InvalidArgumentError` if the optimizer keeps no average.
        """
        if self.optimizer.average is None:
            raise InvalidArgumentError(
                f"{self.optimizer!r} keeps no average of the weights: put "
                "optimizers.exponential_moving_average(...) around it."
            )
        with self._learner.averaged():
            yield

    def weights(self) -> dict[str, np.ndarray]:
        """Parameters and buffers as they are now, by path; copies."""
        parts = self._learner.weights()
        return {path: np.array(v) for part in WEIGHTS for path, v in parts[part].items()}

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Set parameters and buffers, by path, in the network and for the next step.

        Raises the errors of `Module.load_state`.
        """
        self._learner.load(weights)

    def summary(self, x: Any = None) -> Summary:
        """A table of layers, output shapes, parameters and bytes, for inputs like x."""
        if x is None:
            return summary(self.network)
        first = inputs(encoded_inputs(self.preprocessing, x)).first(1).x
        self._learner.prepare(first)
        return summary(self.network, first)

    # -- saving ------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write everything that training continues from into one file, without code in it.

        In a callback, that may be in the middle of an epoch. The file appears whole or not at all.
        Raises `RunError` if it cannot be written.
        """
        recipe, position = self._learner.recipe, self.position
        facts = Facts(recipe.seed, recipe.accumulate, repr(recipe.optimizer))
        state = self._learner.resumable(inside=position is not None)
        state = with_preprocessing(state, self.preprocessing)
        parts = describe_recipe(recipe)
        write_checkpoint(Path(path), Saved(state, self.history, facts, position, parts))

    @classmethod
    def load(
        cls, path: str | Path, network: Any = None, *, net: Any = None, **options: Any
    ) -> "Trainer":
        """A trainer that continues bit for bit where the saved one stopped.

        path: a file, or a folder of which the newest intact checkpoint is taken; a damaged one is
        told of in a `DamagedCheckpointWarning`.
        network (or net=), options: what the file cannot hold, such as layers of your own, built as
        before, and what shall be otherwise; the rest is that of the file. No code is taken from it.
        Raises `RunError` if the file is damaged, does not fit the network or the optimizer, or
        lacks a part that is not given.
        """
        path = Path(path)
        path, saved = read_newest(path) if path.is_dir() else (path, read_checkpoint(path))
        state, preprocessing = without_preprocessing(saved.state)
        facts = saved.facts
        if facts is None or not is_complete(state):
            raise RunError(f"{path} is not an intact checkpoint of gradiente.")
        known = {"seed": facts.seed, "accumulate": facts.accumulate, "preprocessing": preprocessing}
        given = {**options, "network": network if network is not None else net}
        with doubted(path):
            trainer = cls(**{**known, **completed(given, saved.parts, path)})
        try:
            with doubted(path):
                trainer._learner.resume(state, saved.position)
        except RunError:
            raise RunError(
                f"{path} was saved with the optimizer {facts.optimizer}, which keeps other things "
                f"than {trainer.optimizer!r}."
            ) from None
        except GradienteError as error:
            raise RunError(f"{path} does not fit this network: {error}") from None
        trainer.history = saved.history
        return trainer

    def __repr__(self) -> str:
        recipe = self._learner.recipe
        return (
            f"Trainer({recipe.network!r}, optimizer={recipe.optimizer!r}, seed={recipe.seed}, "
            f"{len(self.history)} epochs done)"
        )


def _checked_network(network: Any) -> Module:
    if isinstance(network, Module):
        return network
    if isinstance(network, type) and issubclass(network, Module):
        raise InvalidArgumentError(
            f"the network is the class {network.__name__}; write {network.__name__}(...)."
        )
    if callable(network):
        raise InvalidArgumentError(
            f"the network is the function `{_name(network)}`, in which no layers can be found: use "
            "nn.Sequential, or a subclass of nn.Module with the layers in its attributes."
        )
    raise InvalidArgumentError(f"the network must be an nn.Module, not {network!r}.")


def _checked_loss(loss: Any) -> Callable[..., Any]:
    if isinstance(loss, str):
        return find_loss(loss)
    if callable(loss) and not isinstance(loss, type):
        return loss
    raise InvalidArgumentError(
        f"the loss must be a function (prediction, target) -> number, or the name of a loss, not "
        f"{loss!r}."
    )


def _checked_optimizer(optimizer: Any) -> Optimizer:
    if optimizer is None:
        return Adam(1e-3)
    if isinstance(optimizer, Optimizer):
        if optimizer.kind != Kind.OPTIMIZER:
            raise InvalidArgumentError(
                f"{optimizer!r} changes gradients, but moves no parameters against them: write "
                f"optimizers.chain({optimizer!r}, optimizers.SGD(0.1))."
            )
        return optimizer
    call = f": write {_name(optimizer)}(...)" if optimizer in OPTIMIZERS.values() else ""
    raise InvalidArgumentError(
        f"the optimizer must be one of gradiente.optimizers, such as Adam(1e-3), not "
        f"{optimizer!r}{call}."
    )


def _checked_seconds(seconds: Any) -> float | None:
    return None if seconds is None else check_number("max_seconds", seconds, above=0)


def _checked_metrics(metrics: Any) -> list[Metric]:
    if not isinstance(metrics, list | tuple):
        raise InvalidArgumentError(f"metrics is a list of metrics, not {metrics!r}.")
    for metric in metrics:
        if not isinstance(metric, Metric):
            name = metric if isinstance(metric, str) else _name(metric)
            call = f"; write metrics.{name}" if name in METRICS else ""
            arguments = "(...)" if call and not isinstance(METRICS[name], Metric) else ""
            raise InvalidArgumentError(
                f"{metric!r} is not a metric of gradiente.metrics{call}{arguments}."
            )
    names = [metric.name for metric in metrics]
    if len(set(names)) < len(names):
        raise InvalidArgumentError(f"two metrics have the same name: {', '.join(names)}.")
    return list(metrics)


def _name(thing: Any) -> str:
    return str(getattr(thing, "__name__", type(thing).__name__))
