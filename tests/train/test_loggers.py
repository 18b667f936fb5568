"""Loggers: files that hold the history while it grows, whatever happens."""

import csv
import json

import numpy as np
import polars
import pytest

from gradiente import losses, metrics, nn, optimizers
from gradiente.base.errors import RunError
from gradiente.train import CSVLogger, History, JSONLinesLogger, Trainer

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(40, 3)).astype(np.float32)
Y = np.argmax(X, axis=1)
FIT = {"batch_size": 16, "verbose": False}


def made(**options):
    network = nn.Sequential(nn.Dense(4), nn.tanh, nn.Dense(3))
    return Trainer(network, losses.cross_entropy, optimizers.Adam(0.1), **options)


def read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_holds_every_number_with_all_its_digits(tmp_path):
    trainer, path = made(metrics=[metrics.accuracy]), tmp_path / "history.csv"
    trainer.fit(X, Y, epochs=3, validation=0.2, callbacks=[CSVLogger(path)], **FIT)
    assert [{n: float(v) for n, v in row.items()} for row in read_csv(path)] == trainer.history.rows
    assert (
        polars.read_csv(path)["validation_accuracy"].to_list()
        == (trainer.history["validation_accuracy"])
    )


def test_csv_with_columns_that_come_later_and_matrices(tmp_path):
    path = tmp_path / "history.csv"
    trainer = made(metrics=[metrics.confusion_matrix(3)])
    trainer.fit(X, Y, epochs=1, callbacks=[CSVLogger(path)], **FIT)
    trainer.fit(X, Y, epochs=1, validation=(X, Y), callbacks=[CSVLogger(path)], **FIT)
    first, second = read_csv(path)
    assert first["validation_loss"] == ""
    assert float(second["validation_loss"]) == trainer.history[-1]["validation_loss"]
    name = next(n for n in first if "confusion" in n)
    assert json.loads(first[name]) == trainer.history[0][name]


def test_json_lines_are_those_of_the_history(tmp_path):
    trainer, path = made(), tmp_path / "history.jsonl"
    seen = []

    def look(trainer, row):
        seen.append(path.read_text().count("\n"))
        assert History.from_jsonl(path).rows == trainer.history.rows

    trainer.fit(X, Y, epochs=3, callbacks=[JSONLinesLogger(path), look], **FIT)
    assert seen == [1, 2, 3]
    assert History.from_jsonl(path) == trainer.history
    assert json.loads(path.read_text().splitlines()[-1])["stopped"] == "all epochs done"


@pytest.mark.parametrize("logger", [CSVLogger, JSONLinesLogger])
def test_a_resumed_training_writes_no_epoch_twice(logger, tmp_path):
    trainer, path = made(), tmp_path / "file"
    trainer.fit(X, Y, epochs=2, callbacks=[logger(path)], **FIT)
    trainer.save(tmp_path / "run")
    trainer.fit(X, Y, epochs=2, callbacks=[logger(path)], **FIT)
    other = Trainer.load(
        tmp_path / "run",
        nn.Sequential(nn.Dense(4), nn.tanh, nn.Dense(3)),
        loss=losses.cross_entropy,
        optimizer=optimizers.Adam(0.1),
    )
    other.fit(X, Y, epochs=1, callbacks=[logger(path)], **FIT)
    epochs = (
        [int(row["epoch"]) for row in read_csv(path)]
        if logger is CSVLogger
        else History.from_jsonl(path)["epoch"]
    )
    assert epochs == [1, 2, 3]


def test_a_logger_after_a_callback_that_fails_has_the_line(tmp_path):
    def fails(trainer, row):
        raise KeyError("x")

    trainer, path = made(), tmp_path / "history.jsonl"
    with pytest.raises(KeyError) as caught:
        trainer.fit(X, Y, epochs=3, callbacks=[fails, JSONLinesLogger(path)], **FIT)
    assert caught.value.__notes__ == ["raised in on_epoch_end of the callback fails"]
    assert len(trainer.history) == 1
    assert History.from_jsonl(path) == trainer.history
    assert trainer.history.stopped == "KeyError was raised"


@pytest.mark.parametrize("logger", [CSVLogger, JSONLinesLogger])
def test_a_file_that_cannot_be_written(logger, tmp_path):
    trainer = made()
    path = tmp_path / "none" / "file"
    with pytest.raises(RunError, match=r"file cannot be written|cannot be written to") as caught:
        trainer.fit(X, Y, epochs=1, callbacks=[logger(path)], **FIT)
    assert f"{logger.__name__}('{path}')" in caught.value.__notes__[0]


def test_a_disk_that_fails_in_the_middle_keeps_the_run(tmp_path):
    trainer, path = made(), tmp_path / "history.csv"

    def destroy(trainer, row):
        if row["epoch"] == 1:
            path.unlink()
            path.mkdir()

    with pytest.raises(RunError, match="cannot be written"):
        trainer.fit(X, Y, epochs=5, callbacks=[CSVLogger(path), destroy], **FIT)
    assert len(trainer.history) == 2
    trainer.fit(X, Y, epochs=1, **FIT)
    assert len(trainer.history) == 3
