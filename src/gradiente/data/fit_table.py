"""From a table and the name of what is to be learned to its preprocessing."""

from collections.abc import Sequence
from typing import Any

from gradiente.base.arguments import check_choice
from gradiente.base.errors import DataError
from gradiente.data.encode import Preprocessing, fit_preprocessing, fit_target, known_rows
from gradiente.data.fit_columns import MOST_CATEGORIES, RARE, Encoding
from gradiente.data.selection import FREE_TEXT, select_columns, without_columns
from gradiente.data.tables import read_table
from gradiente.data.task import find_target, infer_task

CATEGORIES = ("one_hot", "embedding")


def fit_table(
    source: Any,
    target: str | None = None,
    *,
    task: str | None = None,
    scaling: str = "automatic",
    categories: str = "one_hot",
    most_categories: int = MOST_CATEGORIES,
    rare: float = RARE,
    drop: str | Sequence[str] = (),
) -> Preprocessing:
    """Find out how to encode a table: how each column becomes numbers, and what is learned.

        table = data.fit_table(frame, "species")
        trainer = gd.Trainer(network, losses.cross_entropy, preprocessing=table)
        trainer.fit(frame)
        table.decode(trainer.predict(others))

    source: a pandas or polars frame, an Arrow table, a dict of columns, the path of a CSV, Parquet
        or NPZ file: the training rows.
    target: the column to learn; by default the one called target, label, class or y.
    task: "classification" or "regression"; by default words, truth values and few whole numbers are
        classes.
    scaling: of numbers: "standard", "robust", "quantile", "none" or "automatic"; see `Encoding`.
    categories: "one_hot", or "embedding" for integers, with `table.category_sizes` for
        `nn.CategoryEmbedding` and `nn.FeatureTokenizer`.
    most_categories, rare: how many categories of a column are told apart, and the share of the rows
        below which they are taken as one.
    drop: columns to leave out.

    Missing numbers become the middle and are marked in a column of their own where the training
    rows have some; missing words are a category. Dates become year, month, day, weekday, hour.
    Columns that are the same in every row or number the rows are left out: `table.dropped`.
    Raises `DataError` for free text, with what to do about it, and for tables without anything to
    learn; `InvalidArgumentError` for options that do not exist.
    """
    encoding = Encoding(scaling, most_categories, rare)
    embedded = check_choice("categories", categories, CATEGORIES) == "embedding"
    frame = read_table(source)
    name = find_target(frame, target)
    left_out = [drop] if isinstance(drop, str) else list(drop)
    rows = without_columns(known_rows(frame, name), left_out, name)
    learned = fit_target(rows, name, infer_task(rows[name], task))
    kept, dropped = select_columns(rows, name)
    _refuse_text(dropped)
    reasons = {**dict.fromkeys(left_out, "was to be left out"), **dropped}
    return fit_preprocessing(rows, kept, learned, reasons, encoding, embedded)


def _refuse_text(dropped: dict[str, str]) -> None:
    texts = [name for name, reason in dropped.items() if reason.startswith(FREE_TEXT)]
    if texts:
        listed = ", ".join(map(repr, texts))
        raise DataError(
            f"the column {texts[0]!r} {dropped[texts[0]]}, which is not learned from as it is. "
            f"Leave it out with drop=[{listed}], or put numbers in its place: its length, how "
            "often words occur, or the vector that a language model gives for it."
        )
