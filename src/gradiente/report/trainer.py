"""The report on a trainer: what it knows of itself, and what given data show."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError, RunError
from gradiente.base.files import replace_file
from gradiente.base.version import __version__
from gradiente.data.encode import Preprocessing
from gradiente.data.target import Target
from gradiente.nn.summary import summary
from gradiente.report.importance import Importance, permutation_importance
from gradiente.report.page import Content, page
from gradiente.report.unseen import of_target, unseen
from gradiente.train.inputs import Samples, samples
from gradiente.train.learner import EVALUATION_BATCH
from gradiente.train.tables import encoded
from gradiente.train.trainer import Trainer

MOST_ROWS, MOST_FEATURES = 2000, 200  # of what is shuffled, for importance
NO_DATA = "No unseen data were given: trainer.report(path, x_test, y_test) measures on them."
OTHER_TASK = "Scores are known for classes and for numbers; this network predicts something else."
NOT_A_TABLE = "Importance is measured for inputs that are one table, (samples, features)."


def write_trainer_report(
    trainer: Trainer,
    path: str | Path,
    x: Any = None,
    y: Any = None,
    *,
    title: str | None = None,
    class_names: Sequence[str] | None = None,
    feature_names: Sequence[str] | None = None,
) -> Path:
    """Write the report of a trainer, as `Trainer.report` says."""
    preprocessing = trainer.preprocessing
    if preprocessing is None and (x is None) != (y is None):
        raise InvalidArgumentError("a report on unseen data takes both of them, x and y.")
    data: Samples | None = None
    columns: dict[str, list[int]] | None = None
    if x is not None:
        data = samples(*encoded(preprocessing, x, y))
        if _is_table(data.x):
            columns = columns_of(data.x, feature_names, preprocessing)
    content = content_of(
        trainer,
        data,
        columns,
        title=title or f"Training of {type(trainer.network).__name__}",
        target=None if preprocessing is None else preprocessing.target,
        class_names=class_names,
    )
    return write_page(Path(path), content)


def content_of(
    trainer: Trainer,
    data: Samples | None,
    columns: Mapping[str, Sequence[int]] | None,
    *,
    title: str,
    about: Sequence[str] = (),
    target: Target | None = None,
    baseline: Sequence[float] | None = None,
    class_names: Sequence[str] | None = None,
    configuration: Mapping[str, str] | None = None,
) -> Content:
    """What the report on a trainer tells.

    data: unseen; columns: which of its columns are shuffled together; about: lines on the data.
    target: what y was made from, and baseline: outputs that are predicted without learning.
    """
    found, reason, important, why_not, example = None, NO_DATA, [], NO_DATA, None
    if data is not None:
        reason, why_not, example = OTHER_TASK, NOT_A_TABLE, data.first(1).x
        outputs = trainer._learner.predict(data, EVALUATION_BATCH)
        if target is not None:
            found = of_target(target, outputs, data.y, baseline)
        else:
            found = unseen(outputs, data.y, _name(trainer), class_names)
        if columns:
            important = importance_of(trainer, data, columns)
    return Content(
        title=title,
        about=[*about, trained_words(trainer)],
        history=trainer.history,
        summary=summary(trainer.network, example),
        configuration={**configuration_of(trainer), **(configuration or {}), **versions()},
        unseen=found,
        no_result=reason,
        importance=important,
        no_importance=why_not,
    )


def write_page(path: Path, content: Content) -> Path:
    """Write the page whole or not at all; `RunError` if it cannot be written."""
    text = page(content)
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise RunError(f"the report cannot be written to {path}: {error.strerror}.") from None
    return path


def trained_words(trainer: Trainer) -> str:
    """How long was trained, and why it ended."""
    history = trainer.history
    network = f"A network of {trainer.network.count:,} parameters"
    if not len(history):
        return f"{network}, not trained yet."
    seconds = sum(row.get("seconds") or 0.0 for row in history)
    ended = f"; stopped: {history.stopped}" if history.stopped else ""
    return f"{network}, trained for {len(history)} epochs in {seconds:.1f} s{ended}."


def configuration_of(trainer: Trainer) -> dict[str, str]:
    """What decided the training, as far as the trainer knows."""
    recipe = trainer._learner.recipe
    return {
        "network": repr(trainer.network),
        "loss": _name(trainer),
        "optimizer": repr(trainer.optimizer),
        "metrics": ", ".join(metric.name for metric in recipe.metrics) or "none",
        "seed": str(recipe.seed),
        "batches per update": str(recipe.accumulate),
        "backend": trainer._learner.compiled.update.backend.name,
    }


def versions() -> dict[str, str]:
    """What it ran on."""
    from importlib.metadata import version

    return {
        "gradiente": __version__,
        "NumPy": np.__version__,
        "llvmlite": version("llvmlite"),
        "Python": platform.python_version(),
        "system": f"{platform.system()} on {platform.machine()}",
    }


def importance_of(
    trainer: Trainer, data: Samples, columns: Mapping[str, Sequence[int]]
) -> list[Importance]:
    """The permutation importance for the loss of a trainer, on the first rows of a table."""
    shown = data.first(MOST_ROWS)

    def loss(x: np.ndarray) -> float:
        changed = replace(shown, x=x)
        return float(trainer._learner.measure(changed, EVALUATION_BATCH)["loss"])

    return permutation_importance(loss, shown.x, columns)


def _is_table(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.ndim == 2 and 1 < x.shape[1] <= MOST_FEATURES


def columns_of(
    x: np.ndarray, names: Sequence[str] | None, preprocessing: Preprocessing | None = None
) -> dict[str, list[int]]:
    """The places of each column in the encoded table, by name.

    Raises `InvalidArgumentError` for names that do not fit.
    """
    if preprocessing is not None and names is None:
        found, place = {}, 0
        for column in preprocessing.columns:
            width = len(column.features)
            found[column.name] = list(range(place, place + width))
            place += width
        return found
    names = [f"feature {place}" for place in range(x.shape[1])] if names is None else names
    if len(names) != x.shape[1] or len(set(names)) != len(names):
        raise InvalidArgumentError(
            f"feature_names= has {len(names)} names, {len(set(names))} of them different, but x "
            f"has {x.shape[1]} columns."
        )
    return {str(name): [place] for place, name in enumerate(names)}


def _name(trainer: Trainer) -> str:
    loss = trainer._learner.recipe.loss
    while hasattr(loss, "func"):  # options set by functools.partial
        loss = loss.func
    return str(getattr(loss, "__name__", type(loss).__name__))


# `gradiente` imports this module, so that every trainer has its method `report`.
Trainer._write_report = write_trainer_report
