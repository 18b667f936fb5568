"""Data become the arrays that a network trains on, is watched on, and is tested on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradiente.base.errors import DataError
from gradiente.cli.options import TrainOptions
from gradiente.cli.source import default_target, images_in, open_data
from gradiente.data.columns import CategoryColumn
from gradiente.data.encode import Preprocessing, fit_preprocessing, fit_target, known_rows
from gradiente.data.encode_images import ImagePreprocessing, fit_images
from gradiente.data.fit_columns import Encoding
from gradiente.data.images import ImageFiles, Images
from gradiente.data.selection import select_columns, without_columns
from gradiente.data.split import Split, split_rows
from gradiente.data.stream import Stream
from gradiente.data.stream_images import AugmentedImages
from gradiente.data.task import find_target, infer_task

if TYPE_CHECKING:
    from polars import DataFrame

UNKNOWN_ACCEPTED = 0.01  # a larger share of rows with unknown words is told of
MOST_UNKNOWN = 4  # of them that are named

AnyPreprocessing = Preprocessing | ImagePreprocessing


@dataclass(frozen=True)
class Part:
    """Encoded inputs and targets of some rows, samples along the first axis.

    count: how many rows there are, where x and y have only some of them.
    """

    x: Any
    y: np.ndarray
    count: int | None = None

    def __len__(self) -> int:
        return len(self.y) if self.count is None else self.count


@dataclass(frozen=True)
class Prepared:
    """The three parts of the data, how they were encoded, and what the user should know of it.

    stream: all training rows, where they are not in memory.
    """

    preprocessing: AnyPreprocessing
    train: Part
    validation: Part
    test: Part
    notes: list[str] = field(default_factory=list)
    stream: Stream | None = None


def prepare(options: TrainOptions) -> Prepared:
    """Read, split and encode the data. Raises `DataError` when nothing can be learned from it."""
    data = open_data(options.data, options.header)
    if isinstance(data, Images):
        return _prepare_images(data, options)
    return _prepare_table(data, options)


def encode_inputs(preprocessing: AnyPreprocessing, data: Any) -> Any:
    """The inputs of a table, or of images, like those trained on."""
    if isinstance(preprocessing, ImagePreprocessing):
        return preprocessing.transform(data.x)
    return preprocessing.transform(data)


def for_network(x: Any) -> Any:
    """Encoded inputs as a trainer predicts from them: a stream of images that are in files."""
    return AugmentedImages(x, np.zeros(len(x))) if isinstance(x, ImageFiles) else x


def encode_known(preprocessing: AnyPreprocessing, data: Any) -> Part:
    """Inputs and targets; every row must have a target."""
    x = encode_inputs(preprocessing, data)
    if isinstance(preprocessing, ImagePreprocessing):
        return Part(x, _image_classes(preprocessing, data))
    return Part(x, preprocessing.transform_target(data))


def known_data(preprocessing: AnyPreprocessing, data: Any) -> tuple[Any, int]:
    """The rows that have a target, and how many have none. Every image has one."""
    target = preprocessing.target.name
    if isinstance(data, Images) or target not in data.columns:
        return data, 0
    known = known_rows(data, target)
    if known.is_empty():
        raise DataError(f"the column {target!r} has no known value in any row.")
    return known, data.height - known.height


def open_like(data: str, preprocessing: AnyPreprocessing, header: bool | None = None) -> Any:
    """A table, or images, to be encoded by `preprocessing`. Raises `DataError` if it is neither."""
    if isinstance(preprocessing, ImagePreprocessing):
        size = (preprocessing.height, preprocessing.width)
        return images_in(Path(data), size, preprocessing.channels)
    table = open_data(data, header, preprocessing.text_columns)
    if isinstance(table, Images):
        raise DataError(f"{data} is a folder of images, but the network was trained on a table.")
    return table


# -- tables ----------------------------------------------------------------------------------------


def _prepare_table(frame: "DataFrame", options: TrainOptions) -> Prepared:
    refuse_image_options(options)
    target = find_target(frame, options.target or default_target(options.data))
    rows = without_columns(known_rows(frame, target), options.drop, target)
    task = infer_task(rows[target], options.task)
    kept, dropped = select_columns(rows, target)
    classes = (
        fit_target(rows, target, task).encode(rows[target]) if task == "classification" else None
    )
    split = _split(len(rows), options, classes)
    trained = rows[split.train]
    # Classes are those of all rows; a quantity is scaled by what is seen in training alone.
    fitted = fit_target(rows if task == "classification" else trained, target, task)
    encoding = Encoding(options.scaling)
    preprocessing = fit_preprocessing(trained, kept, fitted, dropped, encoding)
    tested = rows[split.test] if options.test is None else open_test(options, preprocessing)
    notes = notes_on(frame.height - rows.height, preprocessing)
    return Prepared(
        preprocessing,
        encode_known(preprocessing, trained),
        encode_known(preprocessing, rows[split.validation]),
        encode_known(preprocessing, tested),
        notes,
    )


def refuse_image_options(options: TrainOptions) -> None:
    """Raise `DataError` for options that a table has no use for."""
    if options.augments or options.convolutions:
        raise DataError(
            f"{options.data} is a table: flip, crop, rotate, mixup and convolutions are for images."
        )


def _split(count: int, options: TrainOptions, classes: np.ndarray | None) -> Split:
    return split_rows(
        count,
        validation=options.validation_fraction,
        test=0.0 if options.test is not None else options.test_fraction,
        seed=options.seed,
        classes=classes,
    )


def open_test(options: TrainOptions, preprocessing: Preprocessing) -> "DataFrame":
    """The rows of the file to test on that have a target."""
    assert options.test is not None
    return known_data(preprocessing, open_like(options.test, preprocessing, options.header))[0]


def notes_on(without_target: int, preprocessing: Preprocessing) -> list[str]:
    """Sentences about rows and columns that are left out."""
    notes = [f"{name} is not used: it {why}" for name, why in preprocessing.dropped.items()]
    return notes + left_out_note(without_target, preprocessing.target.name)


def left_out_note(count: int, target: str) -> list[str]:
    """A sentence about rows without a target; none if there are none."""
    rows = "1 row is" if count == 1 else f"{count:,} rows are"
    return [f"{rows} left out: {target} is missing there"] * bool(count)


def unknown_words_note(preprocessing: AnyPreprocessing, data: Any) -> list[str]:
    """Sentences about columns of which many rows hold words that were not learned from."""
    if isinstance(preprocessing, ImagePreprocessing):
        return []
    notes = []
    for column in preprocessing.columns:
        if isinstance(column, CategoryColumn):
            unknown = column.unknown(data[column.name])
            if len(unknown) > UNKNOWN_ACCEPTED * data.height:
                listed = ", ".join(map(repr, unknown.unique(maintain_order=True)[:MOST_UNKNOWN]))
                notes.append(
                    f"{column.name} holds words in {len(unknown):,} of {data.height:,} rows that "
                    f"training had not, or too rarely to learn from: {listed}"
                )
    return notes


# -- images ----------------------------------------------------------------------------------------


def _prepare_images(images: Images, options: TrainOptions) -> Prepared:
    if options.target is not None or options.drop:
        raise DataError("images have no columns: their classes are the names of their folders.")
    split = _split(len(images.y), options, images.y)
    preprocessing = fit_images(images, split.train)
    whole = encode_known(preprocessing, images)

    def part(rows: np.ndarray) -> Part:
        files = isinstance(whole.x, ImageFiles)
        return Part(whole.x.chosen(rows) if files else whole.x[rows], whole.y[rows])

    tested = part(split.test)
    if options.test is not None:
        tested = encode_known(preprocessing, open_like(options.test, preprocessing))
    return Prepared(
        preprocessing,
        part(split.train),
        part(split.validation),
        tested,
    )


def _image_classes(preprocessing: ImagePreprocessing, images: Images) -> np.ndarray:
    """The number of each image's class among those trained on, by the name of its folder."""
    known = preprocessing.target.classes
    unknown = [name for name in images.class_names if name not in known]
    if unknown or not images.class_names:
        found = f"the folder {unknown[0]}" if unknown else "no folders"
        raise DataError(f"there must be one folder for each of {', '.join(known)}, found {found}.")
    return np.array([known.index(images.class_names[label]) for label in images.y], np.int64)
