"""Training a network: what the user says, and what the user gets."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from gradiente.backends.steps import CompiledSteps
from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import GradienteError, InvalidArgumentError, RunError
from gradiente.data.encode import Preprocessing
from gradiente.data.stream import Stream
from gradiente.metrics.metric import Metric
from gradiente.nn.module import Module
from gradiente.nn.summary import Summary, summary
from gradiente.optimizers.compose import chain
from gradiente.optimizers.optimizer import Optimizer
from gradiente.optimizers.transforms import clip_by_global_norm
from gradiente.train.callbacks import EarlyStopping, as_callbacks, as_early_stopping
from gradiente.train.checked import (
    checked_loss,
    checked_metrics,
    checked_network,
    checked_optimizer,
    checked_seconds,
)
from gradiente.train.checkpoint import Facts, Saved, read_checkpoint, write_checkpoint
from gradiente.train.checkpoint_folder import read_newest
from gradiente.train.description import completed, describe_recipe, doubted
from gradiente.train.given import divided, parts_to_measure, parts_to_predict
from gradiente.train.history import History
from gradiente.train.history_flow import FlowSampling
from gradiente.train.inputs import (
    inputs,
    samples,
    sampling_of,
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
from gradiente.train.stream_run import StreamPlan, StreamRun
from gradiente.train.tables import (
    checked_preprocessing,
    encoded,
    encoded_inputs,
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

    # Reports know trainers and come after them: `gradiente.report.trainer` puts this here.
    _write_report: ClassVar[Callable[..., Path]]

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
        optimizer = checked_optimizer(optimizer)
        if clip_norm is not None:
            optimizer = chain(clip_by_global_norm(clip_norm), optimizer)
        if constraints and optimizer.search is not None:
            raise InvalidArgumentError(
                f"{optimizer.name} searches along a line, which constraints would bend: leave out "
                "constraints=, or use another optimizer."
            )
        recipe = Recipe(
            network=checked_network(network),
            loss=checked_loss(loss),
            optimizer=optimizer,
            metrics=checked_metrics(metrics),
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

        `None` between epochs. Set it to `None` to begin a new epoch instead, with callbacks that
        remember nothing of a fit that was interrupted.
        """
        return self._standing.position

    @position.setter
    def position(self, position: None) -> None:
        if position is not None:
            raise InvalidArgumentError("a position is set to None only: a new epoch begins then.")
        self._learner.position = self._learner.unfinished = None

    @property
    def _standing(self) -> Run | Learner:
        """What knows where training stands: the fit while there is one."""
        return self._run if self._learner.is_fitting and self._run is not None else self._learner

    @property
    def is_ending(self) -> bool:
        """Whether the fit ends after the epoch that is done; for callbacks."""
        return self._run is None or self._run.is_ending

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
        validation: (x, y) or (x, y, sample_weight), a table, or a stream, to be measured after each
            epoch, or the fraction of the samples to set aside for that.
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
        flow: look at the gradient in each layer on a few batches, or on every so many, if a number
            is given. `history.flow` has it. Results are the same.

        Ctrl-C ends the training, keeps the weights of the best epoch and returns the history. A
        loss that is no longer finite raises `NonFiniteError`, with the best finite weights put
        back. Raises `DataError` for data that cannot be trained on.
        """
        given = {"sample_weight": sample_weight, "sampling": sampling, "shuffle": shuffle}
        given["validation"] = validation
        data, validated = divided(self._learner.recipe, self.preprocessing, x, y, given)
        kind = partial(StreamPlan, stream=x) if isinstance(x, Stream) else Plan
        plan = kind(
            data=data,
            validation=validated,
            validation_stream=validation if isinstance(validation, Stream) else None,
            epochs=check_count("epochs", epochs, at_least=1),
            batch_size=check_count("batch_size", batch_size, at_least=1),
            shuffle=shuffle,
            callbacks=as_early_stopping(early_stopping) + as_callbacks(callbacks),
            max_seconds=checked_seconds(max_seconds),
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

    def stop(self, reason: str) -> None:
        """End the training after the current epoch; for callbacks."""
        if self._run is not None:
            self._run.stopped = self._run.stopped or reason

    # -- using the network -------------------------------------------------------------------------

    def evaluate(
        self, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int = EVALUATION_BATCH
    ) -> dict[str, Any]:
        """Loss and metrics on given data, exact over all samples: {"loss": ..., name: ...}.

        x, y: as in `fit`: arrays, a table where the trainer has a preprocessing, or a stream.
        """
        batch_size = check_count("batch_size", batch_size, at_least=1)
        parts = parts_to_measure(self.preprocessing, x, y, sample_weight)
        first = next(parts)
        self._learner.prepare(first.first(1).x)
        return self._learner.measure(first, batch_size, parts)

    def predict(self, x: Any, batch_size: int = EVALUATION_BATCH) -> Any:
        """The raw outputs of the network (logits, for classification), as arrays.

        x: as in `fit`: arrays, a table where the trainer has a preprocessing, or a stream, whose
            targets, if it has some, are not looked at.
        """
        batch_size = check_count("batch_size", batch_size, at_least=1)
        parts = parts_to_predict(self.preprocessing, x)
        first = next(parts)
        self._learner.prepare(first.first(1).x)
        return self._learner.predict(first, batch_size, parts)

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

    def report(
        self,
        path: str | Path,
        x: Any = None,
        y: Any = None,
        *,
        title: str | None = None,
        class_names: Sequence[str] | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> Path:
        """Write a report on the training: one HTML file, which needs no network. Returns its path.

        x, y: unseen data, as in `evaluate`. For classes and for numbers the report shows scores
            with 95 % intervals beside those of a constant prediction, and which columns matter.
        class_names, feature_names: what to call them; as in the table with preprocessing=.

        It also has the learning curves, the flow of the gradient with what looks wrong there, the
        network, the configuration and the versions. Raises `RunError` if it cannot be written,
        `DataError` and `InvalidArgumentError` for data and names that do not fit.
        """
        names = {"class_names": class_names, "feature_names": feature_names}
        return self._write_report(path, x, y, title=title, **names)

    # -- saving ------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write everything that training continues from into one file, without code in it.

        In a callback, that may be in the middle of an epoch; the file then also has what the
        callbacks remember, and the fit that comes first after loading it goes on with that. The
        file appears whole or not at all. Raises `RunError` if it cannot be written.
        """
        recipe, position = self._learner.recipe, self.position
        fit = self._standing.unfinished
        facts = Facts(recipe.seed, recipe.accumulate, repr(recipe.optimizer))
        state = self._learner.resumable(inside=position is not None)
        state = with_preprocessing(state, self.preprocessing)
        parts = describe_recipe(recipe)
        write_checkpoint(Path(path), Saved(state, self.history, facts, position, parts, fit))

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
        trainer.history, trainer._learner.unfinished = saved.history, saved.unfinished
        return trainer

    def __repr__(self) -> str:
        recipe = self._learner.recipe
        return (
            f"Trainer({recipe.network!r}, optimizer={recipe.optimizer!r}, seed={recipe.seed}, "
            f"{len(self.history)} epochs done)"
        )
