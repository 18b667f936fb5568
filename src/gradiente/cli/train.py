"""The command `gradiente train`: from data to a run folder, and the result on unseen rows."""

import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradiente.base.errors import InvalidArgumentError
from gradiente.cli import parameters as p
from gradiente.cli.options import NAMES, TrainOptions, gather_options
from gradiente.cli.outcome import Outcome
from gradiente.cli.prepare import Part, Prepared, for_network, prepare
from gradiente.cli.prepare_stream import prepare_stream
from gradiente.cli.recipe import build_trainer, complete
from gradiente.cli.run_folder import Run, free_name, new_run_folder, write_run
from gradiente.cli.scores import baseline_output, baseline_scores, scores
from gradiente.cli.screen import console
from gradiente.cli.source import short_name
from gradiente.cli.train_screen import conclude, describe
from gradiente.cli.unfinished import KeepUnfinished, find_unfinished
from gradiente.data.images import ImageFiles
from gradiente.data.stream_images import AugmentedImages
from gradiente.train.loop import INTERRUPTED
from gradiente.train.trainer import Trainer


def train(
    data: p.OptionalData = None,
    target: p.Target = None,
    test: p.Test = None,
    header: p.Header = None,
    output: p.Output = None,
    config: p.Config = None,
    task: p.Task = None,
    validation_fraction: p.ValidationFraction = None,
    test_fraction: p.TestFraction = None,
    drop: p.Drop = None,
    scaling: p.Scaling = None,
    stream: p.Stream = None,
    hidden: p.Hidden = None,
    activation: p.Activation = None,
    dropout: p.Dropout = None,
    loss: p.Loss = None,
    optimizer: p.Optimizer = None,
    learning_rate: p.LearningRate = None,
    weight_decay: p.WeightDecay = None,
    schedule: p.Schedule = None,
    batch_size: p.BatchSize = None,
    epochs: p.Epochs = None,
    patience: p.Patience = None,
    max_seconds: p.MaxSeconds = None,
    seed: p.Seed = None,
    balanced: p.Balanced = None,
    threads: p.Threads = None,
    convolutions: p.Convolutions = None,
    flip: p.Flip = None,
    crop: p.Crop = None,
    rotate: p.Rotate = None,
    mixup: p.Mixup = None,
    resume: p.Resume = None,
    quiet: p.Quiet = False,
) -> None:
    """Train a network on DATA and test it on rows it has not seen.

    The column --target is learned from all others: words and few whole numbers as classes, other
    numbers as a quantity. The rows are divided into training, validation and test rows; training
    stops when the validation rows get no better. What comes of it is written to a folder, the run.

    Examples:

        gradiente train penguins
        gradiente train houses.csv --target price --hidden 256,128
        gradiente train adult.data --target -1 --test adult.test
        gradiente train photos/ --output photos-run --epochs 30
        gradiente train --config houses-run/config.toml --seed 1
        gradiente train --resume houses-run
    """
    given = {name: value for name, value in locals().items() if name in NAMES}
    if resume is None:
        run(gather_options(given, config), output, threads, quiet)
        return
    _refuse_beside_resume(given | {"output": output, "config": config})
    options, checkpoint = find_unfinished(resume)
    run(options, resume, threads, quiet, checkpoint)


def _refuse_beside_resume(given: dict[str, Any]) -> None:
    others = [name for name, value in given.items() if value not in (None, [])]
    if others:
        raise InvalidArgumentError(
            f"a training is resumed as it was begun: leave out {others[0].replace('_', '-')}."
        )


def run(
    options: TrainOptions,
    output: Path | None,
    threads: int | None = None,
    quiet: bool = False,
    checkpoint: Path | None = None,
) -> None:
    """Train as the options say, and write the run to `output`, by default to a new folder.

    checkpoint: of this training, to go on from.
    """
    path = output if output is not None else free_name(short_name(options.data))
    screen = console(quiet=quiet)
    with terminated_as_interrupted(), new_run_folder(path) as folder:
        data = (prepare_stream if options.stream else prepare)(options)
        options = complete(options, data.preprocessing, len(data.train))
        steps = _steps(options, len(data.train))
        if checkpoint is None:
            trainer = build_trainer(options, data.preprocessing, steps, threads)
            trainer.network.initialize(data.train.x[:1], seed=options.seed)
        else:
            trainer = Trainer.load(checkpoint, threads=threads)
        describe(screen, options, data, trainer)
        keeper = KeepUnfinished(path, options)
        _fit(trainer, options, data, quiet, keeper)
        outcome = _outcome(data, trainer)
        trained = Run(options, data.preprocessing, trainer, trainer.history, outcome)
        write_run(folder, trained)
        if trainer.history.stopped == INTERRUPTED:
            keeper.hand_over(folder)
    keeper.forget()
    conclude(screen, path, trained)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does: the run is written with the best weights so far.

    Slurm, Kubernetes and `timeout` send it before they take the machine away.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _steps(options: TrainOptions, rows: int) -> int:
    assert options.batch_size is not None
    return options.epochs * math.ceil(rows / options.batch_size)


def _fit(
    trainer: Trainer, options: TrainOptions, data: Prepared, quiet: bool, keeper: KeepUnfinished
) -> None:
    """Train until one of the reasons to stop. An interrupt before the first epoch ends it all."""
    assert options.batch_size is not None
    validated = len(data.validation) > 0
    trainer.fit(
        *_training_data(options, data),
        epochs=options.epochs - len(trainer.history),
        callbacks=[keeper],
        batch_size=options.batch_size,
        validation=_validation(data.validation) if validated else None,
        early_stopping=options.patience if validated else None,
        max_seconds=options.max_seconds,
        sampling="balanced" if options.balanced else None,
        verbose=False if quiet else None,
    )
    if not len(trainer.history):
        keeper.forget()
        raise KeyboardInterrupt
    if trainer.optimizer.average is not None and not validated:
        with trainer.averaged():  # early stopping would have put averages back already
            averages = trainer.weights()
        trainer.set_weights(averages)


def _validation(part: Part) -> Any:
    return AugmentedImages(part.x, part.y) if isinstance(part.x, ImageFiles) else (part.x, part.y)


def _training_data(options: TrainOptions, data: Prepared) -> tuple[Any, Any]:
    """x and y, or a stream of both: of rows on the disk, or of images changed at random."""
    if data.stream is not None:
        return data.stream, None
    if not options.augments and not isinstance(data.train.x, ImageFiles):
        return data.train.x, data.train.y
    changes = {name: getattr(options, name) for name in ("flip", "crop", "rotate", "mixup")}
    return AugmentedImages(data.train.x, data.train.y, **changes), None


def _outcome(data: Prepared, trainer: Trainer) -> Outcome:
    """What is known of the trained network, in numbers."""
    target, history = data.preprocessing.target, trainer.history
    output = baseline_output(target, data.train.y)
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    return Outcome(
        test=scores(target, trainer.predict(for_network(data.test.x)), data.test.y),
        baseline=baseline_scores(target, output, data.test.y),
        baseline_output=output,
        rows={name: len(part) for name, part in parts.items()},
        epochs=len(history),
        best_epoch=history.best()["epoch"],
        seconds=sum(history["seconds"]),
        stopped=history.stopped or "",
        parameters=trainer.network.count,
    )
