"""Data larger than memory: a stream gives them chunk by chunk, once for each epoch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
                raise DataError(f"a chunk is (x, y) or (x, y, sample_weight), not a {kind}.")
            if shuffle:
                chunk = _shuffled(chunk, random)
            yield chunk

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


def stream_npy(x: Any, y: Any, *, rows: int = ROWS) -> Stream:
    """A stream of NPY files, which are mapped into memory and read chunk by chunk.

    x, y: paths of files, or tuples or dicts of them for several inputs or targets, with the samples
    along the first axis; rows: how many make a chunk.
    Raises `DataError` for files that are missing, no arrays, or of different length.
    """
    arrays = map_tree(_mapped, x), map_tree(_mapped, y)
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
    """A stream of Parquet files, of which a chunk needs only the row groups it lies in.

        table = data.fit_table(polars.scan_parquet(path).head(100_000), "price")
        trainer = gd.Trainer(network, losses.mse, preprocessing=table)
        trainer.fit(data.stream_parquet(path, table), epochs=3)

    path: a file, a pattern such as "part-*.parquet", or a list of files; table: how columns are
    encoded; rows: how many make a chunk, best a multiple of the size of the row groups. Rows
    without a target are left out.
    Raises `DataError` for files that cannot be read, and for columns that are missing.
    """
    import polars

    files = path if isinstance(path, str | Path) else list(path)
    rows = check_count("rows", rows, at_least=1)
    try:
        scan = polars.scan_parquet(files)  # type: ignore[arg-type]
        count = int(scan.select(polars.len()).collect().item())
    except (polars.exceptions.PolarsError, OSError) as error:
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{path} cannot be read as Parquet: {reason}.") from error
    if count == 0:
        raise DataError(f"{path} is empty: it has no rows.")

    def read(number: int) -> Any:
        frame = table.known(scan.slice(number * rows, rows).collect())
        return table.transform(frame), table.transform_target(frame)

    return Pieces(read, -(-count // rows), count)


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
