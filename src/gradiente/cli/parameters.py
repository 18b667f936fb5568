"""The arguments and options of the commands, with the help they show."""

from pathlib import Path
from typing import Annotated

import typer

from gradiente.data.builtin import BUILT_IN

DATA_HELP = (
    "A CSV, Parquet or NPZ file; a folder with one folder of images per class; or a built-in data "
    f"set: {', '.join(BUILT_IN)}."
)
MODEL, TRAINING, IMAGES, FILES = "Network", "Training", "Images", "Data and files"


def _option(help: str, panel: str, default: str = "", metavar: str | None = None) -> object:
    """An option whose default is described in words, because it is filled in later."""
    text = f"{help} Default: {default}." if default else help
    return typer.Option(help=text, rich_help_panel=panel, show_default=False, metavar=metavar)


def _flag(names: tuple[str, ...], help: str, panel: str) -> object:
    """A switch, which is off unless it is given."""
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False)


Data = Annotated[str, typer.Argument(metavar="DATA", help=DATA_HELP, show_default=False)]
OptionalData = Annotated[
    str | None, typer.Argument(metavar="DATA", help=DATA_HELP, show_default=False)
]
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder that train wrote.", show_default=False)
]

UnseenData = Annotated[
    str | None,
    typer.Argument(metavar="DATA", help="Other unseen data.", show_default=False),
]
ReportOut = Annotated[
    Path | None,
    typer.Option("--out", help="The HTML file; report.html in RUN by default.", metavar="FILE"),
]

Target = Annotated[
    str | None,
    _option(
        "The column to learn: its name, or its position (1 first, -1 last).",
        FILES,
        metavar="COLUMN",
    ),
]
Test = Annotated[
    str | None,
    _option("A file or folder to test on, instead of a share of DATA.", FILES, metavar="FILE"),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line of a CSV file names the columns. Default: found out.",
        rich_help_panel=FILES,
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    _option("The folder to write the run to.", FILES, "DATA-run", metavar="FOLDER"),
]
Config = Annotated[
    Path | None,
    _option(
        "A TOML file of these options, such as a run's config.toml; options given here win.",
        FILES,
        metavar="FILE",
    ),
]
Task = Annotated[
    str | None,
    _option("classification or regression.", FILES, "seen from the values", metavar="TASK"),
]
ValidationFraction = Annotated[
    float | None,
    _option("The share of rows that watch over the training.", FILES, "0.16", metavar="SHARE"),
]
TestFraction = Annotated[
    float | None, _option("The share of rows kept for the test.", FILES, "0.2", metavar="SHARE")
]

Drop = Annotated[
    list[str] | None,
    _option("A column not to learn from; may be given several times.", FILES, metavar="COLUMN"),
]
Stream = Annotated[
    bool | None,
    _flag(
        ("--stream",),
        "Read a Parquet file chunk by chunk in every epoch: for more rows than memory holds.",
        FILES,
    ),
]
Scaling = Annotated[
    str | None,
    _option(
        "Of numbers: standard, robust, quantile or none.", FILES, "by the column", metavar="NAME"
    ),
]
Balanced = Annotated[
    bool | None,
    _flag(("--balanced",), "Train on every class equally often, also on rare ones.", TRAINING),
]
WeightDecay = Annotated[
    float | None,
    _option(
        "How strongly weights are drawn to zero.", TRAINING, "by the optimizer", metavar="NUMBER"
    ),
]
Flip = Annotated[
    bool | None,
    _flag(("--flip",), "Exchange left and right in half of the images.", IMAGES),
]
Crop = Annotated[
    int | None,
    _option("Shift images by up to so many pixels.", IMAGES, metavar="PIXELS"),
]
Rotate = Annotated[
    float | None,
    _option("Turn images by up to so many degrees.", IMAGES, metavar="DEGREES"),
]
Mixup = Annotated[
    float | None,
    _option("Mix pairs of images, such as 0.2: α of the shares.", IMAGES, metavar="ALPHA"),
]
Convolutions = Annotated[
    str | None,
    _option(
        "Channels of 3 × 3 convolutions, each with pooling, such as 32,64.",
        IMAGES,
        "by the size",
        metavar="CHANNELS",
    ),
]
Resume = Annotated[
    Path | None,
    _option(
        "Go on with a training that was interrupted, to what it would have been.",
        FILES,
        metavar="RUN",
    ),
]
Threads = Annotated[
    int | None,
    _option(
        "Threads to train on; they change the time, not the result.",
        TRAINING,
        "by the machine",
        metavar="NUMBER",
    ),
]
Quiet = Annotated[
    bool,
    _flag(("--quiet", "-q"), "Say nothing but errors.", FILES),
]

Hidden = Annotated[
    str | None,
    _option(
        "Sizes of the hidden layers, such as 128,64.",
        MODEL,
        "by the number of rows",
        metavar="SIZES",
    ),
]
Activation = Annotated[
    str | None,
    _option("relu, gelu, silu, tanh, sigmoid, elu, ...", MODEL, "relu", metavar="NAME"),
]
Dropout = Annotated[
    float | None,
    _option("The share of units left out at random in training.", MODEL, "0.1", metavar="SHARE"),
]

Loss = Annotated[
    str | None,
    _option(
        "cross_entropy or binary_cross_entropy; mse, mae or huber.",
        TRAINING,
        "by the task",
        metavar="NAME",
    ),
]
Optimizer = Annotated[
    str | None,
    _option("adamw, adam, sgd, rmsprop, adagrad, ...", TRAINING, "adamw", metavar="NAME"),
]
LearningRate = Annotated[
    float | None,
    _option("The largest learning rate.", TRAINING, "by the optimizer", metavar="NUMBER"),
]
Schedule = Annotated[
    str | None,
    _option(
        "How the learning rate changes: cosine, constant, linear, one_cycle, ...",
        TRAINING,
        "cosine",
        metavar="NAME",
    ),
]
BatchSize = Annotated[
    int | None, _option("Rows for one update.", TRAINING, "by the number of rows", metavar="ROWS")
]
Epochs = Annotated[
    int | None, _option("The most passes over the rows.", TRAINING, "100", metavar="NUMBER")
]
Patience = Annotated[
    int | None,
    _option("Stop after so many epochs without improvement.", TRAINING, "20", metavar="EPOCHS"),
]
MaxSeconds = Annotated[
    float | None, _option("Stop training after this time.", TRAINING, metavar="SECONDS")
]
Seed = Annotated[
    int | None,
    _option(
        "Decides all that is random: the same seed, the same run.", TRAINING, "0", metavar="NUMBER"
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="The .csv or .parquet file to write; without it, CSV on standard output.",
        show_default=False,
        metavar="FILE",
    ),
]
