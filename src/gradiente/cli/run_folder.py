"""A run on the disk: a folder that is written whole or not at all, and read with suspicion."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.base.errors import GradienteError, RunError
from gradiente.base.version import __version__
from gradiente.cli.files import whole_folder
from gradiente.cli.options import TrainOptions, checked_options
from gradiente.cli.outcome import Outcome
from gradiente.cli.prepare import AnyPreprocessing
from gradiente.cli.recipe import build_trainer, complete
from gradiente.cli.toml import read_toml, write_toml
from gradiente.data.encode import Preprocessing
from gradiente.data.encode_images import ImagePreprocessing
from gradiente.data.fields import read_text
from gradiente.train.history import History
from gradiente.train.trainer import Trainer

CONFIG = "config.toml"
WEIGHTS = "weights.safetensors"
PREPROCESSING = "preprocessing.json"
HISTORY = "history.jsonl"
METRICS = "metrics.json"
REPORT = "report.html"  # of the command that writes it; not part of what a run needs
UNFINISHED = "unfinished.gradiente"  # where an interrupted training stood
FILES = (CONFIG, WEIGHTS, PREPROCESSING, HISTORY, METRICS)


@dataclass(frozen=True)
class Run:
    """A trained network with everything that is needed to use it and to train it again."""

    options: TrainOptions
    preprocessing: AnyPreprocessing
    trainer: Trainer
    history: History
    outcome: Outcome

    def header(self, given: bool | None) -> bool | None:
        """Whether a text file begins with names: as said now, else as said for the training."""
        return self.options.header if given is None else given


def free_name(name: str) -> Path:
    """`name`-run in the current folder, or `name`-run-2, -3, ... where there is one already."""
    number = 1
    while (path := Path(f"{name}-run" + (f"-{number}" if number > 1 else ""))).exists():
        number += 1
    return path


@contextmanager
def new_run_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that becomes `path` at the end of the block, and vanishes on an error.

    A run that is there already is replaced. Raises `RunError` at once when `path` is something
    else, or cannot be written.
    """
    if path.exists() and not _is_run(path):
        raise RunError(f"{path} exists and is not a run: choose another --output.")
    try:
        with whole_folder(path) as folder:
            yield folder
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"the run cannot be written to {path}: {reason}.") from error


def _is_run(path: Path) -> bool:
    """Whether `path` is a folder with nothing in it but what belongs to a run."""
    return (
        path.is_dir()
        and not path.is_symlink()
        and {f.name for f in path.iterdir()} <= {*FILES, REPORT, UNFINISHED}
    )


def write_run(folder: Path, run: Run) -> None:
    """Write the five files of a run into an empty folder. Raises `OSError` if that fails."""
    from safetensors.numpy import save

    weights = {path: np.array(array, order="C") for path, array in run.trainer.weights().items()}
    (folder / WEIGHTS).write_bytes(save(weights, metadata={"format": "gradiente run 1"}))
    config = write_toml(run.options.to_dict(), f"gradiente {__version__}")
    (folder / CONFIG).write_text(config, encoding="utf-8")
    _write_json(folder / PREPROCESSING, run.preprocessing.to_dict())
    _write_json(folder / METRICS, run.outcome.to_dict())
    run.history.to_jsonl(folder / HISTORY)


def read_run(path: Path) -> Run:
    """The run in the folder `path`; its trainer predicts and evaluates with the trained weights.

    Raises `RunError` naming the file that is missing or damaged.
    """
    if not path.is_dir():
        raise RunError(f"there is no run folder {path}.")
    missing = [name for name in FILES if not (path / name).is_file()]
    if missing:
        raise RunError(f"{path} is not a complete run: {missing[0]} is missing.")
    with _naming(path / CONFIG):
        options = checked_options(read_toml(path / CONFIG))
    with _naming(path / PREPROCESSING):
        preprocessing = _preprocessing(_read_json(path / PREPROCESSING))
    with _naming(path / METRICS):
        outcome = Outcome.from_dict(_read_json(path / METRICS), preprocessing.target.outputs)
    with _naming(path / CONFIG):
        options = complete(options, preprocessing, outcome.rows["train"])
    history = History.from_jsonl(path / HISTORY)
    with _naming(path / WEIGHTS):
        trainer = build_trainer(options, preprocessing)
        trainer.network.initialize(preprocessing.example())
        trainer.network.load_state(_read_weights(path / WEIGHTS))
    return Run(options, preprocessing, trainer, history, outcome)


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Turn what is wrong with the contents of a file into a `RunError` that names it."""
    try:
        yield
    except (GradienteError, TypeError) as error:
        reason = str(error) if str(file) in str(error) else f"{file} is damaged: {error}"
        raise RunError(reason) from error


def _write_json(path: Path, data: Any) -> None:
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes().decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"it is not JSON ({error}).") from error


def _preprocessing(data: Any) -> AnyPreprocessing:
    kind = read_text(data, "kind")
    if kind == "images":
        return ImagePreprocessing.from_dict(data)
    if kind != "table":
        raise RunError(f"data of kind {kind!r} are unknown.")
    return Preprocessing.from_dict(data)


def _read_weights(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        weights = load(path.read_bytes())
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise RunError("it is not a safetensors file.") from error
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise RunError("it holds numbers that are not finite.")
    return weights
