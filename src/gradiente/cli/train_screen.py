"""What `gradiente train` shows: the facts before training, and the result after it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradiente.cli.options import TrainOptions
from gradiente.cli.prepare import Prepared
from gradiente.cli.run_folder import Run
from gradiente.cli.scores import baseline_words
from gradiente.cli.screen import commands, fact, format_score, note, show_scores
from gradiente.cli.source import is_built_in
from gradiente.data.encode import Preprocessing
from gradiente.data.target import ClassTarget
from gradiente.train.loop import INTERRUPTED
from gradiente.train.trainer import Trainer

if TYPE_CHECKING:
    from rich.console import Console

MOST_NOTES = 8  # columns left out that are named one by one
MOST_CLASSES = 6


def describe(screen: "Console", options: TrainOptions, data: Prepared, trainer: Trainer) -> None:
    """The data, the network and how it will be trained."""
    fact(screen, "data", f"{options.data}, to learn {_target(data)}")
    unseen = f"{len(data.test):,} to test" + (f" ({options.test})" if options.test else "")
    parts = f"{len(data.train):,} to train, {len(data.validation):,} to validate, {unseen}"
    fact(screen, "rows", parts)
    fact(screen, "inputs", _inputs(data))
    for text in data.notes[:MOST_NOTES]:
        note(screen, text)
    if len(data.notes) > MOST_NOTES:
        note(screen, f"and {len(data.notes) - MOST_NOTES} more columns are not used")
    fact(screen, "network", f"{_layers(options, data)}, {trainer.network.count:,} parameters")
    fact(
        screen,
        "training",
        f"{options.optimizer} on {options.loss}, learning rate {options.learning_rate:g} "
        f"({options.schedule}), batches of {options.batch_size}, at most {options.epochs} epochs",
    )
    if options.stream:
        note(screen, f"read chunk by chunk; columns encoded as {len(data.train.y):,} rows suggest")
    if options.balanced:
        note(screen, "every class equally often in training")
    screen.print()


def conclude(screen: "Console", path: Path, run: Run) -> None:
    """How the training ended, the scores on unseen rows, and what to do next."""
    outcome = run.outcome
    fact(
        screen,
        "trained",
        f"{outcome.epochs} epochs in {outcome.seconds:.1f} s, the best was epoch "
        f"{outcome.best_epoch}; stopped: {outcome.stopped}",
    )
    target = run.preprocessing.target
    show_scores(
        screen,
        f"{target.name} of {outcome.rows['test']:,} unseen test rows",
        outcome.test,
        outcome.baseline,
        baseline_words(target, outcome.baseline_output),
    )
    fact(screen, "saved", str(path))
    folder = shlex.quote(str(path))
    same = shlex.quote(run.options.data) if is_built_in(run.options.data) else "NEW.csv"
    table = isinstance(run.preprocessing, Preprocessing)
    screen.print("\nnext")
    interrupted = outcome.stopped == INTERRUPTED
    commands(
        screen,
        [
            *[(f"gradiente train --resume {folder}", "go on with the training")] * interrupted,
            (
                f"gradiente predict {folder} {same if table else 'FOLDER'} --out predictions.csv",
                "predict new rows" if table else "predict new images",
            ),
            (f"gradiente evaluate {folder} {same if table else 'FOLDER'}", "measure on other data"),
            (f"gradiente report {folder}", "see the result and the training as a page"),
            (f"gradiente summary {folder}", "see what was learned from what"),
        ],
    )


def _target(data: Prepared) -> str:
    """The target with the shares of its classes, or its range."""
    target = data.preprocessing.target
    if not isinstance(target, ClassTarget):
        values = target.decode(data.train.y)
        low, high = format_score(min(values)), format_score(max(values))
        return f"{target.name}, a quantity from {low} to {high}"
    shares = np.bincount(data.train.y, minlength=target.outputs) / len(data.train.y)
    order = np.argsort(-shares, kind="stable")[:MOST_CLASSES]
    listed = ", ".join(f"{target.classes[label]} {shares[label]:.0%}" for label in order)
    more = ", ..." * (len(order) < target.outputs)
    return f"{target.name}, {target.outputs} classes ({listed}{more})"


def _inputs(data: Prepared) -> str:
    preprocessing = data.preprocessing
    if isinstance(preprocessing, Preprocessing):
        columns, features = len(preprocessing.columns), data.train.x.shape[1]
        made = f"{features} feature{'s' * (features > 1)}"
        return f"{made} from {columns} column{'s' * (columns > 1)}"
    kind = "grey" if preprocessing.channels == 1 else "colour"
    return f"{kind} images of {preprocessing.height} x {preprocessing.width} pixels"


def _layers(options: TrainOptions, data: Prepared) -> str:
    shape = data.train.x.shape[1:]
    inputs = " × ".join(map(str, shape)) if options.convolutions else str(int(np.prod(shape)))
    convolutions = [f"{channels} {options.activation}" for channels in options.convolutions or ()]
    hidden = [f"{size} {options.activation}" for size in options.hidden or ()]
    outputs = 1 if options.loss == "binary_cross_entropy" else data.preprocessing.target.outputs
    return " → ".join([inputs, *convolutions, *hidden, str(outputs)])
