"""Who earns more than 50,000 $: embeddings of categories and numbers beside a plain network.

    python examples/adult_embeddings.py FOLDER

FOLDER holds adult.data and adult.test of the UCI Adult data set, whose split is kept. Both networks
end in the same dense layers, and are trained and stopped alike. The plain one takes a zero or one
for each category, and standardized numbers. The other learns a vector for each category, and for
each number one that bends at its quantiles.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import gradiente as gd
from gradiente import initializers, losses, metrics, nn, optimizers, schedules
from gradiente.data import read_table
from gradiente.data.encode import fit_preprocessing, fit_target
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
    table = read_table(path, header=False)
    table.columns = COLUMNS
    return table.with_columns(table[TARGET].str.strip_suffix(".")).drop(UNUSED)


@dataclass(frozen=True)
class Inputs:
    """The columns of a table as a network with embeddings takes them.

    words: for each column of categories those of the training rows; a missing one counts as well.
    mean, deviation: of the columns of numbers in the training rows, (numbers,).
    """

    words: dict[str, list[str]]
    numbers: list[str]
    mean: np.ndarray
    deviation: np.ndarray

    @staticmethod
    def fitted(train: "DataFrame") -> "Inputs":
        """What the training rows say; all columns but the target."""
        numbers = [name for name in train.columns if train[name].dtype.is_numeric()]
        others = [name for name in train.columns if name not in (TARGET, *numbers)]
        words = {name: sorted(train[name].fill_null("?").unique()) for name in others}
        values = train[numbers].to_numpy()
        return Inputs(words, numbers, values.mean(axis=0), values.std(axis=0))

    def transform(self, table: "DataFrame") -> dict[str, np.ndarray]:
        """Places of categories in their lists, -1 for unknown ones, and standardized numbers."""
        places = []
        for name, words in self.words.items():
            place = {word: place for place, word in enumerate(words)}
            places.append(table[name].fill_null("?").replace_strict(place, default=-1))
        numbers = (table[self.numbers].to_numpy() - self.mean) / self.deviation
        return {"categories": np.stack(places, axis=1), "numbers": numbers.astype(np.float32)}


def edges(numbers: np.ndarray) -> list[np.ndarray]:
    """Quantiles of the different values of each column.

    Of all values most would be the same: nine people in ten have no gain of capital.
    """
    return [nn.quantile_edges(np.unique(column)[:, None], PARTS)[0] for column in numbers.T]


class Embedded(nn.Module):
    """A vector for each column, side by side, then dense layers."""

    def __init__(self, inputs: Inputs, numbers: np.ndarray):
        counts = [len(words) for words in inputs.words.values()]
        self.categories = nn.CategoryEmbedding(
            counts, SIZE, unknown_rate=0.01, weight_initializer=SMALL
        )
        self.numbers = nn.PiecewiseLinearEmbedding(edges(numbers), SIZE, nn.relu)
        self.rest = dense()

    def __call__(self, x: dict) -> np.ndarray:
        vectors = self.categories(x["categories"]), self.numbers(x["numbers"])
        return self.rest(np.concatenate(vectors, axis=1))


def dense() -> nn.Module:
    """What both networks end in; two logits."""
    hidden = [nn.Dense(HIDDEN), nn.relu, nn.Dropout(DROPOUT)]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Dense(HIDDEN // 2), nn.relu, nn.Dense(2))


def fit(network: nn.Module, x: dict | np.ndarray, y: np.ndarray, watched: tuple) -> gd.Trainer:
    """Train, and keep the weights of the epoch with the best loss on the rows that are watched."""
    steps = EPOCHS * -(-len(y) // BATCH)
    trainer = gd.Trainer(
        network,
        loss=losses.cross_entropy,
        optimizer=optimizers.AdamW(schedules.cosine(2e-3, steps)),
        metrics=[metrics.accuracy, metrics.auc],
    )
    trainer.fit(x, y, epochs=EPOCHS, batch_size=BATCH, validation=watched, early_stopping=5)
    return trainer


def main(folder: Path) -> None:
    """Train both on nine tenths of adult.data, stop by the last, measure on adult.test."""
    table, test = read(folder / "adult.data"), read(folder / "adult.test")
    parts = split_rows(len(table), validation=0.1, test=0.0)
    train, watch = table[parts.train], table[parts.validation]
    classes = fit_target(train, TARGET, "classification")
    names = [name for name in train.columns if name != TARGET]
    plain, inputs = fit_preprocessing(train, names, classes), Inputs.fitted(train)
    embedded = Embedded(inputs, inputs.transform(train)["numbers"])
    print(f"{len(train):,} rows to train, {len(watch):,} to stop by, {len(test):,} to test")
    print("on the test rows  parameters  accuracy     AUC  cross entropy")
    for name, network, encoded in (
        ("plain", dense(), plain.transform),
        ("embeddings", embedded, inputs.transform),
    ):
        (x, y), watched, tested = (
            (encoded(part), classes.encode(part[TARGET])) for part in (train, watch, test)
        )
        trainer = fit(network, x, y, watched)
        reached = trainer.evaluate(*tested)
        print(
            f"{name:16}  {trainer.network.count:10,}  {reached['accuracy']:8.4f}  "
            f"{reached['auc']:6.4f}  {reached['loss']:13.4f}"
        )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
