"""Training on tables: the preprocessing goes where the network goes."""

import numpy as np
import pandas
import polars
import pytest

from gradiente import losses, metrics, nn, optimizers
from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.data import fit_table
from gradiente.train import Trainer

RANDOM = np.random.default_rng(4)
ROWS = 200
SIZE = RANDOM.normal(3.0, 2.0, ROWS)
KIND = RANDOM.choice(["a", "b", "c"], ROWS)
FRAME = polars.DataFrame(
    {"size": SIZE, "kind": KIND, "y": np.where((SIZE > 3) ^ (KIND == "a"), "yes", "no")}
)


class Embedded(nn.Module):
    """Categories as vectors beside the numbers."""

    def __init__(self, sizes):
        self.categories = nn.Sequential(nn.CategoryEmbedding(sizes, 3), nn.Flatten())
        self.rest = nn.Sequential(nn.Dense(16), nn.tanh, nn.Dense(2))

    def __call__(self, x):
        numbers, codes = x
        return self.rest(np.concatenate((numbers, self.categories(codes)), axis=1))


def transformer(sizes):
    return nn.Sequential(
        nn.FeatureTokenizer(8, sizes), nn.Flatten(), nn.Dense(16), nn.tanh, nn.Dense(2)
    )


def dense(sizes):
    return nn.Sequential(nn.Dense(16), nn.tanh, nn.Dense(2))


CASES = {"one_hot": dense, "embedding": Embedded, "tokens": transformer}


def made(name, table=None, **options):
    table = table or fit_table(
        FRAME, "y", categories="one_hot" if name == "one_hot" else "embedding"
    )
    network = CASES[name](table.category_sizes)
    options = {"metrics": [metrics.accuracy], "optimizer": optimizers.Adam(0.02), **options}
    return Trainer(network, losses.cross_entropy, preprocessing=table, **options)


@pytest.mark.parametrize("name", CASES)
def test_a_table_is_learned_saved_and_used(name, tmp_path):
    trainer = made(name)
    trainer.fit(FRAME, epochs=40, validation=0.2, verbose=False)
    assert trainer.evaluate(FRAME)["accuracy"] > 0.9
    trainer.save(tmp_path / "run")
    network = CASES[name](trainer.preprocessing.category_sizes)
    loaded = Trainer.load(
        tmp_path / "run", network, loss=losses.cross_entropy, optimizer=optimizers.Adam(0.02)
    )
    assert loaded.preprocessing == trainer.preprocessing
    others = pandas.DataFrame({"kind": ["a", "c", "unheard of"], "more": 0, "size": [5.0, 5.0, 1]})
    outputs = loaded.predict(others)
    np.testing.assert_array_equal(outputs, trainer.predict(others))
    assert loaded.preprocessing.decode(outputs)[:2] == ["no", "yes"]
    trainer.fit(FRAME, epochs=2, verbose=False)
    loaded.fit(FRAME, epochs=2, verbose=False)
    for path, weight in trainer.weights().items():
        np.testing.assert_array_equal(loaded.weights()[path], weight)


def test_a_table_is_what_its_arrays_are():
    first, table = made("one_hot"), fit_table(FRAME, "y")
    first.fit(FRAME, epochs=3, validation=FRAME[:20], verbose=False)
    x, y = table.transform(FRAME), table.transform_target(FRAME)
    second = Trainer(
        dense(()), losses.cross_entropy, optimizers.Adam(0.02), metrics=[metrics.accuracy]
    )
    second.fit(x, y, epochs=3, validation=(x[:20], y[:20]), verbose=False)
    columns = ["loss", "validation_loss", "accuracy"]
    assert [first.history[c] for c in columns] == [second.history[c] for c in columns]
    assert "16" in repr(first.summary(FRAME))
    assert first.find_learning_rate(FRAME, steps=5).rates


def test_columns_that_differ_are_named():
    trainer = made("one_hot")
    trainer.fit(FRAME, epochs=1, verbose=False)
    with pytest.raises(DataError, match=r"lacks the column size.*is 'Size' what was 'size'\?"):
        trainer.predict(FRAME.rename({"size": "Size"}))
    with pytest.raises(DataError, match="'size' holds 'big' in row 1, where a number"):
        trainer.predict({"size": ["big"], "kind": ["a"]})
    with pytest.raises(DataError, match=r"'kind' holds Float64 values such as 1\.5"):
        trainer.predict({"size": [1.0], "kind": [1.5]})
    with pytest.raises(DataError, match="lacks the column y"):
        trainer.evaluate(FRAME.drop("y"))
    with pytest.raises(DataError, match="'maybe', which is none of the classes"):
        trainer.evaluate(FRAME.with_columns(y=polars.lit("maybe")))


def test_what_is_given_wrongly_is_refused():
    trainer = made("one_hot")
    with pytest.raises(DataError, match="are the column 'y' of the table: leave out y"):
        trainer.fit(FRAME, FRAME["y"])
    with pytest.raises(DataError, match="a ndarray is not a table"):
        trainer.predict(np.zeros((3, 4)))
    with pytest.raises(
        InvalidArgumentError, match=r"what data\.fit_table\(\.\.\.\) gives, not 'y'"
    ):
        Trainer(dense(()), losses.mse, preprocessing="y")
    with pytest.raises(DataError, match="there are no targets: y is None"):
        Trainer(dense(()), losses.mse).fit(np.zeros((3, 4)))
