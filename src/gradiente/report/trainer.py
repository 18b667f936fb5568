"""The report on a trainer: what it knows of itself, and what given data show."""

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError, RunError
from gradiente.base.version import __version__
from gradiente.nn.summary import summary
from gradiente.report.importance import Importance, permutation_importance
from gradiente.report.page import Content, page
from gradiente.report.unseen import unseen
from gradiente.train.checkpoint import replace_file
from gradiente.train.inputs import samples
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
    if (x is None) != (y is None):
        raise InvalidArgumentError("a report on unseen data takes both of them, x and y.")
    found, reason, important, why_not, example = None, NO_DATA, [], NO_DATA, None
    if x is not None:
        data = samples(x, y)
        example, loss = data.first(1).x, _name(trainer)
        found = unseen(trainer.predict(data.x), data.y, loss, class_names)
        reason, why_not = OTHER_TASK, NOT_A_TABLE
        if _is_table(data.x):
            important = importance_of(trainer, data.x, data.y, _columns(data.x, feature_names))
    history = trainer.history
    content = Content(
        title=title or f"Training of {type(trainer.network).__name__}",
        about=[trained_words(trainer)],
        history=history,
        summary=summary(trainer.network, example),
        configuration=configuration_of(trainer) | versions(),
        unseen=found,
        no_result=reason,
        importance=important,
        no_importance=why_not,
    )
    return write_page(Path(path), content)


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
    trainer: Trainer, x: np.ndarray, y: Any, columns: Mapping[str, Sequence[int]]
) -> list[Importance]:
    """The permutation importance for the loss of a trainer, on the first rows of a table."""
    x, y = x[:MOST_ROWS], y[:MOST_ROWS]
    return permutation_importance(lambda x: float(trainer.evaluate(x, y)["loss"]), x, columns)


def _is_table(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.ndim == 2 and 1 < x.shape[1] <= MOST_FEATURES


def _columns(x: np.ndarray, names: Sequence[str] | None) -> dict[str, list[int]]:
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
