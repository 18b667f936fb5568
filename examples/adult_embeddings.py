"""Who earns more than 50,000 $: embeddings of categories and numbers beside a plain network.

    python examples/adult_embeddings.py FOLDER

FOLDER holds adult.data and adult.test of the UCI Adult data set, whose split is kept. Both networks
end in the same dense layers, and are trained and stopped alike. The plain one takes a zero or one
for each category, and standardized numbers. The other learns a vector for each category, and for
each number one that bends at its quantiles.
"""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import gradiente as gd
from gradiente import data, initializers, losses, metrics, nn, optimizers, schedules
from gradiente.data.split import split_rows

if TYPE_CHECKING:
    from polars import DataFrame

COLUMNS = [
    *("age", "workclass", "weight", "education", "education_years", "marital_status"),
    *("occupation", "relationship", "race", "sex", "capital_gain", "capital_loss", "hours"),
    *("country", "income"),
]
TARGET, UNUSED = "income", "weight"  # how many people a row stands for says nothing about it
SIZE, PARTS = 16, 64  # of an embedding, and of the range of a number
SMALL = partial(initializers.normal, std=0.1)
HIDDEN, DROPOUT = 128, 0.2
EPOCHS, BATCH = 20, 256


def read(path: Path) -> "DataFrame":
    """A table with named columns, without the full stops after the answers of the test file."""
    table = data.read_table(path, header=False)
    table.columns = COLUMNS
    return table.with_columns(table[TARGET].str.strip_suffix(".")).drop(UNUSED)


def edges(numbers: np.ndarray) -> list[np.ndarray]:
    """Quantiles of the different values of each column.

    Of all values most would be the same: nine people in ten have no gain of capital.
    """
    return [nn.quantile_edges(np.unique(column)[:, None], PARTS)[0] for column in numbers.T]


class Embedded(nn.Module):
    """A vector for each column, side by side, then dense layers."""

    def __init__(self, category_sizes: tuple[int, ...], numbers: np.ndarray):
        self.categories = nn.CategoryEmbedding(
            category_sizes, SIZE, unknown_rate=0.01, weight_initializer=SMALL
        )
        self.numbers = nn.PiecewiseLinearEmbedding(edges(numbers), SIZE, nn.relu)
        self.rest = dense()

    def __call__(self, x: tuple) -> np.ndarray:
        numbers, categories = x
        vectors = self.numbers(numbers), self.categories(categories)
        return self.rest(np.concatenate(vectors, axis=1))


def dense() -> nn.Module:
    """What both networks end in; two logits."""
    hidden = [nn.Dense(HIDDEN), nn.relu, nn.Dropout(DROPOUT)]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Dense(HIDDEN // 2), nn.relu, nn.Dense(2))


def fit(network: nn.Module, table: data.Preprocessing, parts: list) -> tuple[gd.Trainer, dict]:
    """Train, and measure on the test rows with the weights of the best epoch.

    parts: the rows to train on, to stop by and to test on. The best epoch is the one with the
    smallest loss on those to stop by.
    """
    (x, y), watched, tested = ((table.transform(p), table.transform_target(p)) for p in parts)
    steps = EPOCHS * -(-len(y) // BATCH)
    trainer = gd.Trainer(
        network,
        loss=losses.cross_entropy,
        optimizer=optimizers.AdamW(schedules.cosine(2e-3, steps)),
        metrics=[metrics.accuracy, metrics.auc],
    )
    trainer.fit(x, y, epochs=EPOCHS, batch_size=BATCH, validation=watched, early_stopping=5)
    return trainer, trainer.evaluate(*tested)


def main(folder: Path) -> None:
    """Train both on nine tenths of adult.data, stop by the last, measure on adult.test."""
    rows, test = read(folder / "adult.data"), read(folder / "adult.test")
    split = split_rows(len(rows), validation=0.1, test=0.0)
    train, watch = rows[split.train], rows[split.validation]
    coded = data.fit_table(train, TARGET, categories="embedding", scaling="none")
    numbers, _ = coded.transform(train)
    print(f"{len(train):,} rows to train, {len(watch):,} to stop by, {len(test):,} to test")
    print("on the test rows  parameters  accuracy     AUC  cross entropy")
    for name, network, table in (
        ("plain", dense(), data.fit_table(train, TARGET)),
        ("embeddings", Embedded(coded.category_sizes, numbers), coded),
    ):
        trainer, reached = fit(network, table, [train, watch, test])
        print(
            f"{name:16}  {trainer.network.count:10,}  {reached['accuracy']:8.4f}  "
            f"{reached['auc']:6.4f}  {reached['loss']:13.4f}"
        )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
