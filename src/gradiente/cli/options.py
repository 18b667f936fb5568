"""The options of a training: their defaults, where they come from, and what makes sense."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.base.registry import find
from gradiente.cli.toml import read_toml
from gradiente.data.fit_columns import SCALINGS
from gradiente.data.task import TASKS
from gradiente.nn.activations import ACTIVATIONS
from gradiente.optimizers.optimizer import find_optimizer
from gradiente.schedules.schedule import find_schedule

# The losses that fit what the command line makes of a target: logits, or a standardised quantity.
CLASS_LOSSES = ("cross_entropy", "binary_cross_entropy")
NUMBER_LOSSES = ("mse", "mae", "huber")


@dataclass(frozen=True)
class TrainOptions:
    """Everything that decides a training; the same options give the same run.

    `None` stands for what is chosen after a look at the data.
    """

    data: str
    target: str | None = None
    task: str | None = None
    test: str | None = None
    header: bool | None = None
    drop: tuple[str, ...] = ()
    stream: bool = False
    scaling: str = "automatic"
    convolutions: tuple[int, ...] | None = None
    hidden: tuple[int, ...] | None = None
    activation: str = "relu"
    dropout: float = 0.1
    loss: str | None = None
    optimizer: str = "adamw"
    learning_rate: float | None = None
    weight_decay: float | None = None
    schedule: str = "cosine"
    batch_size: int | None = None
    balanced: bool = False
    flip: bool = False
    crop: int = 0
    rotate: float = 0.0
    mixup: float = 0.0
    epochs: int = 100
    patience: int = 20
    max_seconds: float | None = None
    validation_fraction: float = 0.16
    test_fraction: float = 0.2
    seed: int = 0

    @property
    def augments(self) -> bool:
        """Whether images are changed at random."""
        return bool(self.flip or self.crop or self.rotate or self.mixup)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a TOML file."""
        return asdict(self)


NAMES = tuple(field.name for field in fields(TrainOptions))


def gather_options(given: Mapping[str, Any], config: Path | None) -> TrainOptions:
    """The options given on the command line, else those in the file `config`, else the defaults.

    Raises `InvalidArgumentError` or `UnknownNameError` for a value that makes no sense.
    """
    from_file = read_toml(config) if config else {}
    for name in from_file:
        if name.replace("-", "_") not in NAMES:
            close = get_close_matches(name, NAMES, n=1)
            advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(NAMES)}."
            raise InvalidArgumentError(f"{config} has the unknown option {name!r}: {advice}")
    named = {name.replace("-", "_"): value for name, value in from_file.items()}
    values = named | {name: value for name, value in given.items() if value is not None}
    if "data" not in values:
        raise InvalidArgumentError("say what to train on: gradiente train DATA --target COLUMN.")
    return checked_options(values)


def checked_options(values: Mapping[str, Any]) -> TrainOptions:
    """The options with every value checked, and in its final type."""
    for name in ("data", "target", "task", "test", "loss"):
        if not isinstance(values.get(name), str | None):
            raise InvalidArgumentError(f"the option {name} must be text, not {values[name]!r}.")
    for name in ("header", "stream", "balanced", "flip"):
        if not isinstance(values.get(name), bool | None):
            raise InvalidArgumentError(f"the option {name} is true or false, not {values[name]!r}.")
    checked = {
        name: CHECKS[name](value) if name in CHECKS else value for name, value in values.items()
    }
    return TrainOptions(**checked)


def _sizes(name: str, value: Any) -> tuple[int, ...]:
    """Sizes of layers from "64,32", 64 or [64, 32]; none from "" or []."""
    parts = value.split(",") if isinstance(value, str) else value
    parts = parts if isinstance(parts, list | tuple) else [parts]
    try:
        sizes = [int(part) for part in parts if str(part).strip()]
    except (TypeError, ValueError):
        sizes = [0]
    if any(size < 1 for size in sizes):
        raise InvalidArgumentError(
            f"{name} sizes are whole numbers such as 128,64, one for each layer, not {value!r}."
        )
    return tuple(sizes)


def _columns(value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InvalidArgumentError(f"the option drop is a list of columns, not {value!r}.")
    return tuple(names)


def _named(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidArgumentError(f"the option {name} must be text, not {value!r}.")
    return value.strip().lower().replace("-", "_")


def _activation(value: Any) -> str:
    find(ACTIVATIONS, "an activation", _named("activation", value))
    return _named("activation", value)


def _optimizer(value: Any) -> str:
    find_optimizer(_named("optimizer", value))
    return _named("optimizer", value)


def _schedule(value: Any) -> str:
    find_schedule(_named("schedule", value))
    return _named("schedule", value)


def _loss(value: Any) -> str:
    return check_choice("loss", _named("loss", value), CLASS_LOSSES + NUMBER_LOSSES)


CHECKS: dict[str, Any] = {
    "task": lambda value: check_choice("task", value, TASKS),
    "drop": _columns,
    "scaling": lambda value: check_choice("scaling", value, SCALINGS),
    "convolutions": lambda value: _sizes("convolution", value),
    "hidden": lambda value: _sizes("hidden", value),
    "activation": _activation,
    "dropout": lambda value: check_number("dropout", value, at_least=0, below=1),
    "loss": _loss,
    "optimizer": _optimizer,
    "learning_rate": lambda value: check_number("learning_rate", value, above=0),
    "weight_decay": lambda value: check_number("weight_decay", value, at_least=0),
    "schedule": _schedule,
    "crop": lambda value: check_count("crop", value),
    "rotate": lambda value: check_number("rotate", value, at_least=0, at_most=180),
    "mixup": lambda value: check_number("mixup", value, at_least=0),
    "batch_size": lambda value: check_count("batch_size", value, at_least=1),
    "epochs": lambda value: check_count("epochs", value, at_least=1),
    "patience": lambda value: check_count("patience", value, at_least=1),
    "max_seconds": lambda value: check_number("max_seconds", value, above=0),
    "validation_fraction": lambda v: check_number("validation_fraction", v, at_least=0, below=1),
    "test_fraction": lambda value: check_number("test_fraction", value, above=0, below=1),
    "seed": lambda value: check_count("seed", value),
}
