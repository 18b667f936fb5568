"""Data larger than memory: a stream gives them chunk by chunk, once for each epoch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count
from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.base.trees import flatten, map_tree
from gradiente.data.encode import Preprocessing
from gradiente.data.generator import Random, generator

ROWS = 65536  # of a chunk, where nothing is said


class Stream:
    """Chunks (x, y) or (x, y, sample_weight), as `Trainer.fit` takes them in place of arrays.

        def chunks():
            for file in files:
                yield np.load(file)["x"], np.load(file)["y"]

        trainer.fit(data.Stream(chunks), epochs=5, validation=(x, y))

    chunks: a function without arguments that begins anew each time it is called: it is called once
    for each epoch. The samples of a chunk are shuffled, but the chunks come in the order given.
    count: the number of samples of an epoch, if it is known; progress is shown in parts of it.
    Raises `InvalidArgumentError` for a generator, which can be gone through only once.
    """

    def __init__(self, chunks: Callable[[], Iterable[Any]], count: int | None = None):
        if not callable(chunks):
            raise InvalidArgumentError(
                f"a Stream takes a function that gives the chunks anew for every epoch, not "
                f"{chunks!r}: give the function itself, without calling it."
            )
        self._chunks = chunks
        self.count = None if count is None else check_count("count", count, at_least=1)

    def chunks(self, seed: int, epoch: int, shuffle: bool) -> Iterator[Any]:
        """The chunks of an epoch; with shuffle, a function of (seed, epoch)."""
        random = generator(seed, epoch)
        for chunk in self._in_order(random if shuffle else None):
            if not isinstance(chunk, tuple) or len(chunk) not in (2, 3):
                kind = type(chunk).__name__
                kind += f" of {len(chunk)}" if isinstance(chunk, tuple | list) else ""
                raise DataError(f"a chunk is (x, y) or (x, y, sample_weight), not a {kind}.")
            if shuffle:
                chunk = _shuffled(chunk, random)
            yield chunk

    def inputs(self) -> Iterator[Any]:
        """x of every chunk in the order given, for `Trainer.predict`: there need be no targets.

        A chunk is (x, y), (x, y, sample_weight), (x,), or x itself if that is no tuple.
        """
        for chunk in self._in_order(None):
            yield chunk[0] if isinstance(chunk, tuple) else chunk

    def _in_order(self, random: "Random | None") -> Iterator[Any]:
        yield from self._chunks()


class Pieces(Stream):
    """A stream of which every chunk can be read by itself, so that their order is shuffled too.

    read: a function from the number of a chunk, 0 ... number - 1, to (x, y).
    """

    def __init__(self, read: Callable[[int], Any], number: int, count: int | None = None):
        super().__init__(lambda: map(read, range(number)), count)
        self._read = read
        self._number = number

    def _in_order(self, random: "Random | None") -> Iterator[Any]:
        places = range(self._number) if random is None else random.permutation(self._number)
        for place in places:
            yield self._read(int(place))


class ParquetPieces(Pieces):
    """Rows of Parquet files, encoded as a table says: only the columns it needs are read.

    scan: a polars LazyFrame of what is in `path`; rows: of a piece; count: of all.
    """

    def __init__(self, path: Any, scan: Any, table: Preprocessing, rows: int, count: int):
        super().__init__(self._samples, -(-count // rows), count)
        self._path = path
        self._scan = scan
        self._present = set(scan.collect_schema().names())
        self._table = table
        self._rows = rows

    def inputs(self) -> Iterator[Any]:
        """All rows encoded, also those without a target."""
        for number in range(self._number):
            yield self._table.transform(self._frame(number))

    def _samples(self, number: int) -> Any:
        frame = self._table.known(self._frame(number, [self._table.target.name]))
        return self._table.transform(frame), self._table.transform_target(frame)

    def _frame(self, number: int, more: Sequence[str] = ()) -> Any:
        names = [*(column.name for column in self._table.columns), *more]
        chosen = self._scan.select(name for name in names if name in self._present)
        with readable(self._path):
            return chosen.slice(number * self._rows, self._rows).collect()


def stream_npy(x: Any, y: Any = None, *, rows: int = ROWS) -> Stream:
    """A stream of NPY files, which are mapped into memory and read chunk by chunk.

    x, y: paths of files, or tuples or dicts of them for several inputs or targets, with the samples
    along the first axis; without y only to predict from. rows: how many make a chunk.
    Raises `DataError` for files that are missing, no arrays, or of different length.
    """
    arrays = tuple(map_tree(_mapped, part) for part in (x, y) if part is not None)
    lengths = {len(leaf) for leaf in flatten(arrays)[0]}
    if len(lengths) != 1 or 0 in lengths:
        listed = ", ".join(map(str, sorted(lengths)))
        raise DataError(f"the files must have equally many samples, one or more; got {listed}.")
    count, rows = lengths.pop(), check_count("rows", rows, at_least=1)

    def read(number: int) -> Any:
        piece = slice(number * rows, (number + 1) * rows)
        return map_tree(lambda array: np.array(array[piece]), arrays)

    return Pieces(read, -(-count // rows), count)


def stream_parquet(
    path: str | Path | Sequence[str | Path], table: Preprocessing, *, rows: int = ROWS
) -> Stream:
    """A stream of Parquet files, of which a chunk reads only the row groups it lies in.

        table = data.fit_table(polars.scan_parquet(path).head(100_000), "price")
        trainer = gd.Trainer(network, losses.mse, preprocessing=table)
        trainer.fit(data.stream_parquet(path, table), epochs=3)

    path: a file, a pattern such as "part-*.parquet", or a list of files; table: how columns are
    encoded, and which columns are read; rows: how many make a chunk, best a multiple of the size of
    the row groups. Rows without a target are left out, but predicted.
    Raises `DataError` for files that cannot be read, and for columns that are missing.
    """
    import polars

    files = path if isinstance(path, str | Path) else list(path)
    rows = check_count("rows", rows, at_least=1)
    with readable(path):
        scan = polars.scan_parquet(files)  # type: ignore[arg-type]
        count = int(scan.select(polars.len()).collect().item())
    if count == 0:
        raise DataError(f"{path} is empty: it has no rows.")

    return ParquetPieces(path, scan, table, rows, count)


@contextmanager
def readable(path: Any) -> Iterator[None]:
    """Raise `DataError` where a Parquet file is missing or damaged."""
    import polars

    try:
        yield
    except (polars.exceptions.PolarsError, OSError) as error:
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{path} cannot be read as Parquet: {reason}.") from error


def _mapped(path: Any) -> np.ndarray:
    if isinstance(path, np.ndarray):
        return path
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as an NPY file of numbers: {error}.") from error
    if not isinstance(array, np.ndarray) or array.ndim == 0:
        raise DataError(f"{path} is not an NPY file with samples along its first axis.")
    return array


def _shuffled(chunk: Any, random: Random) -> Any:
    """The samples of a chunk in random order; what is not of one length is left to be refused."""
    leaves = flatten(chunk)[0]
    if len({np.shape(leaf)[:1] for leaf in leaves}) != 1 or not np.shape(leaves[0]):
        return chunk
    order = random.permutation(len(leaves[0]))
    return map_tree(lambda leaf: np.asarray(leaf)[order], chunk)
