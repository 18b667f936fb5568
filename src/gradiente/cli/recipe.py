"""From options and data to a trainer: the network, the loss, the optimizer and their defaults."""

import inspect
import math
from dataclasses import replace
from typing import Any

from gradiente.base.errors import InvalidArgumentError
from gradiente.base.registry import find
from gradiente.cli.options import CLASS_LOSSES, NUMBER_LOSSES, TrainOptions
from gradiente.cli.prepare import AnyPreprocessing
from gradiente.data.encode_images import ImagePreprocessing
from gradiente.data.target import ClassTarget, Target
from gradiente.losses.loss import LOSSES
from gradiente.metrics.accuracy import accuracy
from gradiente.metrics.regression import r2
from gradiente.nn.activations import ACTIVATIONS
from gradiente.nn.convolution import Convolution
from gradiente.nn.dense import Dense
from gradiente.nn.flatten import Flatten
from gradiente.nn.pooling import MaxPool
from gradiente.nn.regularization import Dropout
from gradiente.nn.sequential import Sequential
from gradiente.optimizers.optimizer import Optimizer, find_optimizer
from gradiente.schedules.schedule import find_schedule
from gradiente.train.trainer import Trainer

FEW_ROWS = 2000  # below, a smaller network
SMALL_IMAGE = 8  # pixels; larger images are convolved and pooled until they are this small
CHANNELS = (32, 64, 128)

# Learning rates that suit standardised data; the first is for the adaptive optimizers.
LEARNING_RATE = 3e-3
LEARNING_RATES = {
    **dict.fromkeys(("sgd", "asgd", "ftrl"), 5e-2),
    **dict.fromkeys(("adagrad", "schedulefreesgd"), 3e-2),
    **dict.fromkeys(("adafactor", "muon", "rprop", "yogi"), 1e-2),
    **dict.fromkeys(("adadelta", "lars", "lbfgs", "prodigy"), 1.0),  # a factor on their own
}
# Those that find the length of their steps, or average in place of decaying.
WITHOUT_SCHEDULE = ("lbfgs", "rprop", "schedulefreeadamw", "schedulefreesgd")

# What schedules need besides the learning rate and, if they take it, the number of steps.
SCHEDULE_OPTIONS: dict[str, Any] = {
    "cosine": lambda steps: {"warmup_steps": steps // 20},
    "step": lambda steps: {"every": max(1, steps // 3)},
    "exponential": lambda steps: {"factor": 0.01, "every": steps},
    "warmup": lambda steps: {"steps": max(1, steps // 20)},
    "reduce_on_plateau": lambda steps: {"factor": 0.3, "patience": 5},
    "multi_step": lambda steps: {"at": sorted({max(1, steps // 2), max(1, 3 * steps // 4)})},
    "piecewise_constant": lambda steps: {"changes": {}},
    "piecewise_interpolate": lambda steps: {"changes": {steps: 0.0}},
    "inverse_time": lambda steps: {"decay": 9.0, "every": steps},
    "power": lambda steps: {"every": max(1, steps // 10)},
    "inverse_square_root": lambda steps: {"warmup_steps": max(1, steps // 20)},
    "noam": lambda steps: {"model_size": 1, "warmup_steps": 1},  # the rate is then the peak
    "cosine_restarts": lambda steps: {"steps": max(1, steps // 7), "length_factor": 2.0},
    "sgdr": lambda steps: {"steps": [max(1, steps // 3)] * 3},
    "cyclic": lambda steps: {"lowest": 0.0, "up": max(1, steps // 8)},
    "swa_constant": lambda steps: {"start": 3 * steps // 4, "final": 0.0},
    "warmup_stable_decay": lambda steps: {"warmup_steps": steps // 20, "decay_steps": steps // 5},
}


def complete(options: TrainOptions, preprocessing: AnyPreprocessing, rows: int) -> TrainOptions:
    """The options with what depends on the data filled in. rows: the number of training rows.

    Raises `InvalidArgumentError` when the loss does not fit the task.
    """
    images = isinstance(preprocessing, ImagePreprocessing)
    classes = isinstance(preprocessing.target, ClassTarget)
    convolutions = _convolutions(options, preprocessing)
    hidden: tuple[int, ...] = (64, 32) if rows < FEW_ROWS else (128, 64)
    if images:
        hidden = (128,) if convolutions else (256, 128)
    batch_size = min(256, max(32, 2 ** round(math.log2(max(rows, 1) / 100))))
    rate = LEARNING_RATES.get(options.optimizer, LEARNING_RATE)
    loss = options.loss or ("cross_entropy" if classes else "mse")
    _refuse_loss(loss, preprocessing.target)
    _refuse_balance(options, preprocessing.target)
    return replace(
        options,
        target=None if images else preprocessing.target.name,
        task="classification" if classes else "regression",
        convolutions=convolutions if images else None,
        hidden=hidden if options.hidden is None else options.hidden,
        batch_size=batch_size if options.batch_size is None else options.batch_size,
        learning_rate=rate if options.learning_rate is None else options.learning_rate,
        schedule="constant" if options.optimizer in WITHOUT_SCHEDULE else options.schedule,
        loss=loss,
    )


def _refuse_loss(loss: str, target: Target) -> None:
    fitting = CLASS_LOSSES if isinstance(target, ClassTarget) else NUMBER_LOSSES
    if loss not in fitting:
        kind = "classes" if isinstance(target, ClassTarget) else "a quantity"
        raise InvalidArgumentError(
            f"the loss {loss} does not fit {target.name}, which is {kind}: choose from "
            f"{', '.join(fitting)}."
        )
    if loss == "binary_cross_entropy" and target.outputs != 2:
        raise InvalidArgumentError(
            f"binary_cross_entropy takes two classes, and {target.name} has {target.outputs}: use "
            "cross_entropy."
        )


def _refuse_balance(options: TrainOptions, target: Target) -> None:
    if options.balanced and not isinstance(target, ClassTarget):
        raise InvalidArgumentError(f"balanced is for classes, and {target.name} is a quantity.")
    if options.balanced and options.augments:
        raise InvalidArgumentError("balanced does not go together with images changed at random.")


def _convolutions(options: TrainOptions, preprocessing: AnyPreprocessing) -> tuple[int, ...]:
    """Channels until pooling has brought images to eight pixels or fewer; none for tables.

    Raises `InvalidArgumentError` for more than the images have room for.
    """
    if not isinstance(preprocessing, ImagePreprocessing):
        return ()
    pixels = min(preprocessing.height, preprocessing.width)
    if options.convolutions is None:
        number = max(0, math.ceil(math.log2(pixels / SMALL_IMAGE)))
        return (CHANNELS + CHANNELS[-1:] * number)[:number]
    most = int(math.log2(pixels))
    if len(options.convolutions) > most:
        raise InvalidArgumentError(
            f"{len(options.convolutions)} convolutions with pooling leave nothing of images of "
            f"{preprocessing.height} x {preprocessing.width} pixels: there is room for {most}."
        )
    return options.convolutions


def build_network(options: TrainOptions, preprocessing: AnyPreprocessing) -> Sequential:
    """Dense layers with an activation and dropout between them, after convolutions for images."""
    layers: list[Any] = []
    activation = find(ACTIVATIONS, "an activation", options.activation)
    for channels in options.convolutions or ():
        layers += [Convolution(channels, 3, padding="same"), activation, MaxPool(2)]
    if isinstance(preprocessing, ImagePreprocessing):
        layers.append(Flatten())
    for size in options.hidden or ():
        layers += [Dense(size), activation]
        layers += [Dropout(options.dropout)] * bool(options.dropout)
    outputs = 1 if options.loss == "binary_cross_entropy" else preprocessing.target.outputs
    return Sequential(*layers, Dense(outputs))


def build_trainer(
    options: TrainOptions,
    preprocessing: AnyPreprocessing,
    steps: int = 1,
    threads: int | None = None,
) -> Trainer:
    """A trainer for completed options. steps: how many updates there will be."""
    assert options.loss is not None and options.learning_rate is not None
    rate = build_schedule(options.schedule, options.learning_rate, steps)
    shown = accuracy if isinstance(preprocessing.target, ClassTarget) else r2
    return Trainer(
        build_network(options, preprocessing),
        loss=LOSSES[options.loss],
        optimizer=_optimizer(options, rate),
        metrics=[shown],
        seed=options.seed,
        threads=threads,
    )


def _optimizer(options: TrainOptions, rate: Any) -> Optimizer:
    factory = find_optimizer(options.optimizer)
    if options.weight_decay is None:
        return factory(rate)
    if "weight_decay" not in inspect.signature(factory).parameters:
        raise InvalidArgumentError(f"{options.optimizer} has no weight decay: choose adamw or sgd.")
    return factory(rate, weight_decay=options.weight_decay)


def build_schedule(name: str, learning_rate: float, steps: int) -> Any:
    """A schedule that spans `steps` updates."""
    factory = find_schedule(name)
    options = {"steps": steps} if "steps" in inspect.signature(factory).parameters else {}
    if name in SCHEDULE_OPTIONS:
        options |= SCHEDULE_OPTIONS[name](steps)
    return factory(learning_rate, **options)
