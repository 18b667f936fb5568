"""A Parquet file larger than memory: divided row by row, and read chunk by chunk for training.

The file is gone through once. What is then in memory is limited: the rows to validate and to test
on, and a sample of the training rows, which the encoding of the columns is fitted to.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.cli.options import TrainOptions
from gradiente.cli.prepare import (
    Part,
    Prepared,
    encode_known,
    notes_on,
    open_test,
    refuse_image_options,
)
from gradiente.data.encode import Preprocessing, fit_preprocessing, fit_target, known_rows
from gradiente.data.fit_columns import Encoding
from gradiente.data.generator import SPLIT_STREAM, generator
from gradiente.data.selection import select_columns, without_columns
from gradiente.data.stream import ROWS, Pieces, readable
from gradiente.data.task import find_target, infer_task

if TYPE_CHECKING:
    from polars import DataFrame, LazyFrame

MOST_KEPT = 50_000  # rows to validate on, and to test on
MOST_CLASSES = 10_000
MOST_FITTED = 100_000  # training rows that the encoding is fitted to
TO_PARQUET = 'polars.scan_csv("table.csv").sink_parquet("table.parquet")'


@dataclass(frozen=True)
class Chunks:
    """The rows of the file that have a target, in chunks, each divided at random.

    shares: of the rows to test on, to validate on, and to fit to.
    """

    scan: "LazyFrame"
    target: str
    total: int
    seed: int
    shares: tuple[float, float, float]

    @property
    def number(self) -> int:
        """How many chunks there are."""
        return -(-self.total // ROWS)

    def divided(
        self, number: int, columns: list[str] | None = None
    ) -> tuple["DataFrame", list[np.ndarray]]:
        """A chunk, and the places in it to test, to validate, to fit and to train on.

        Those to fit to are the first of those to train on. The same whatever columns are read.
        """
        scan = self.scan if columns is None else self.scan.select(columns)
        frame = known_rows(scan.slice(number * ROWS, ROWS).collect(), self.target)
        order = generator(self.seed, SPLIT_STREAM - 1 - number).permutation(frame.height)
        test, validation, fitted = (round(share * frame.height) for share in self.shares)
        tested, validated, trained = np.split(order, [test, test + validation])
        return frame, [tested, validated, trained[:fitted], trained]


def prepare_stream(options: TrainOptions) -> Prepared:
    """Divide the file, fit the encoding, and give the rest as a stream.

    Raises `DataError` for other files than Parquet, and as `prepare` does.
    """
    _refuse_others(options)
    with readable(options.data):
        return _prepared(options, _chunks(options))


def _refuse_others(options: TrainOptions) -> None:
    if Path(options.data).suffix.lower() not in (".parquet", ".pq"):
        raise DataError(
            f"only Parquet is streamed, and {options.data} is something else. CSV becomes Parquet "
            f"without being in memory by {TO_PARQUET} in Python."
        )
    refuse_image_options(options)
    if options.balanced:
        raise InvalidArgumentError("balanced does not go together with stream.")


def _chunks(options: TrainOptions) -> Chunks:
    import polars

    scan = polars.scan_parquet(options.data)
    total = int(scan.select(polars.len()).collect().item())
    first = scan.head(1).collect()
    target = find_target(first, options.target)
    scan = scan.select(without_columns(first, options.drop, target).columns)
    test = 0.0 if options.test is not None else _share(options.test_fraction, MOST_KEPT, total)
    validation = _share(options.validation_fraction, MOST_KEPT, total)
    fitted = _share(1 - test - validation, MOST_FITTED, total)
    return Chunks(scan, target, total, options.seed, (test, validation, fitted))


def _share(wanted: float, most: int, total: int) -> float:
    return min(wanted, most / max(total, 1))


def _prepared(options: TrainOptions, chunks: Chunks) -> Prepared:
    import polars

    parts: list[list[DataFrame]] = [[], [], []]
    values, rows, trained = chunks.scan.head(0).collect()[chunks.target], 0, 0
    for frame, places in map(chunks.divided, range(chunks.number)):
        for part, chosen in zip(parts, places, strict=False):
            part.append(frame[chosen])
        if len(values) <= MOST_CLASSES:  # more of them are no classes
            values = polars.concat([values, frame[chunks.target]]).unique()
        rows, trained = rows + frame.height, trained + len(places[-1])
    tested, validated, sample = (polars.concat(part) for part in parts)
    task = infer_task(sample[chunks.target], options.task)
    kept, dropped = select_columns(sample, chunks.target)
    # Classes are those of all rows; a quantity is scaled by the sample.
    seen = values.to_frame() if task == "classification" else sample
    target = fit_target(seen, chunks.target, task)
    preprocessing = fit_preprocessing(sample, kept, target, dropped, Encoding(options.scaling))
    fitted = encode_known(preprocessing, sample)
    return Prepared(
        preprocessing,
        Part(fitted.x, fitted.y, trained),
        encode_known(preprocessing, validated),
        encode_known(
            preprocessing, tested if options.test is None else open_test(options, preprocessing)
        ),
        notes_on(chunks.total - rows, preprocessing),
        _stream(chunks, preprocessing, trained),
    )


def _stream(chunks: Chunks, preprocessing: Preprocessing, count: int) -> Pieces:
    columns = [*(column.name for column in preprocessing.columns), chunks.target]

    def read(number: int) -> Any:
        with readable("the data"):
            frame, places = chunks.divided(number, columns)
        part = encode_known(preprocessing, frame[np.sort(places[-1])])
        return part.x, part.y

    return Pieces(read, chunks.number, count)
