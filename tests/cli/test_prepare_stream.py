"""Training from the command line on a file that is read chunk by chunk."""

import json
import re

import numpy as np
import polars
import pytest

from gradiente.cli import prepare_stream as module
from gradiente.cli.options import checked_options
from gradiente.cli.prepare_stream import prepare_stream

RANDOM = np.random.default_rng(4)
ROWS = 1000
SIZE = RANDOM.normal(size=ROWS)
FRAME = polars.DataFrame(
    {
        "size": SIZE,
        "town": np.where(np.arange(ROWS) % 3 == 0, "Ulm", "Bonn"),
        "note": [f"note {n}" for n in range(ROWS)],
        "y": [None if n % 50 == 0 else ("large" if SIZE[n] > 0 else "small") for n in range(ROWS)],
    }
)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROWS", 150)
    FRAME.write_parquet(tmp_path / "t.parquet", row_group_size=150)
    return str(tmp_path / "t.parquet")


def prepared(file, **options):
    return prepare_stream(checked_options({"data": file, "target": "y", "stream": True, **options}))


def test_every_row_with_a_target_is_in_one_part(file):
    data = prepared(file)
    assert data.notes[-1] == "20 rows are left out: y is missing there"
    assert "note is not used" in data.notes[0]
    for _ in range(2):  # every epoch reads the same rows
        chunks = list(data.stream.chunks(0, 1, shuffle=False))
        parts = [np.concatenate([x for x, _ in chunks]), data.validation.x, data.test.x]
        sizes = np.sort(np.concatenate(parts)[:, 0])
        known = FRAME.filter(polars.col("y").is_not_null())
        expected = data.preprocessing.transform(known)[:, 0]
        np.testing.assert_array_equal(sizes, np.sort(expected))
    assert len(data.train) == data.stream.count == len(parts[0])
    assert len(data.test) == pytest.approx(0.2 * 980, abs=7)
    assert len(chunks) == 7


def test_what_is_kept_in_memory_is_limited(file, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEPT", 70)
    monkeypatch.setattr(module, "MOST_FITTED", 140)
    data = prepared(file)
    assert len(data.test.y) <= 70 and len(data.validation.y) <= 70
    assert len(data.train.y) <= 140 and len(data.train) > 800


def test_a_class_that_the_sample_lacks_is_known(file, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_FITTED", 140)
    rare = FRAME.with_columns(
        y=polars.when(polars.col("note") == "note 7")
        .then(polars.lit("rare"))
        .otherwise(polars.col("y"))
    )
    rare.write_parquet(tmp_path / "t.parquet", row_group_size=150)
    assert prepared(file).preprocessing.target.classes == ("large", "rare", "small")


def test_the_command_line(command, file, tmp_path):
    options = ("--target", "y", "--epochs", "12", "--learning-rate", "0.02", "--output", "run")
    result = command("train", file, "--stream", "--drop", "note", *options)
    assert result.status == 0
    assert float(re.search(r"accuracy +([\d.]+)", result.out).group(1)) > 0.9
    assert "read chunk by chunk" in result.out
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["rows"]["train"] > 600
    assert command("report", "run").status == 0
    assert command("evaluate", "run", file).status == 0


def test_what_is_not_streamed(refused, csv, file):
    text = csv("a,y\n1,2\n3,4\n")
    assert "only Parquet is streamed" in refused("train", text, "--target", "y", "--stream")
    message = refused("train", file, "--target", "y", "--stream", "--balanced")
    assert "does not go together" in message
    assert "is a table" in refused("train", file, "--target", "y", "--stream", "--flip")
    assert "No such file" in refused("train", "nowhere.parquet", "--target", "y", "--stream")
