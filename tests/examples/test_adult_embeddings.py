"""Embeddings beside a plain network, on a few rows made up in the format of the Adult data set."""

import re

import numpy as np
import pytest

from tests.examples.loading import load

WORDS = {"workclass": ["Private", "State-gov", "?"], "sex": ["Male", "Female"]}


@pytest.fixture
def example():
    return load("adult_embeddings", EPOCHS=8, BATCH=32, PARTS=8, SIZE=4)


@pytest.fixture
def folder(example, tmp_path):
    """People who earn more if they are of a middle age."""
    random = np.random.default_rng(0)
    for name, rows, stop in (("adult.data", 400, ""), ("adult.test", 100, ".")):
        lines = []
        for _ in range(rows):
            age = int(random.integers(17, 90))
            row = {column: str(random.integers(1, 50)) for column in example.COLUMNS}
            row |= dict.fromkeys(("education", "marital_status", "occupation"), "word")
            row |= dict.fromkeys(("relationship", "race", "country"), "other")
            row |= {column: str(random.choice(words)) for column, words in WORDS.items()}
            row |= {"age": str(age), "income": (">50K" if 35 < age < 60 else "<=50K") + stop}
            lines.append(", ".join(row.values()))
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_the_files_are_read_alike(example, folder):
    train, test = example.read(folder / "adult.data"), example.read(folder / "adult.test")
    assert train.schema == test.schema and train.shape == (400, 14)
    assert set(train["income"]) == set(test["income"]) == {"<=50K", ">50K"}


def test_the_vector_of_a_number_bends_and_unknown_words_have_one(example):
    numbers = np.arange(40.0, dtype=np.float32).reshape(20, 2)
    network = example.Embedded((3, 2), numbers)
    x = numbers[:2], np.array([[0, 1], [3, 1]])  # of the first column there are 0, 1 and 2
    assert network(x).shape == (2, 2)
    assert network.categories.weight.shape == (3 + 1 + 2 + 1, example.SIZE)
    assert np.abs(network.categories.weight[[0, 1, 2, 4, 5]]).max() < 1
    assert (network.categories.weight[[3, 6]] == 0).all()


def test_parts_are_those_of_different_values(example):
    often = np.array([0.0] * 97 + [1, 2, 3])[:, None]
    np.testing.assert_allclose(example.edges(often)[0], np.linspace(0, 3, example.PARTS + 1))


def test_both_networks_are_compared(example, folder, capsys):
    example.main(folder)
    printed = capsys.readouterr().out
    assert "360 rows to train, 40 to stop by, 100 to test" in printed
    reached = {
        name: float(accuracy)
        for name, accuracy in re.findall(r"^(plain|embeddings) +[\d,]+ +([\d.]+)", printed, re.M)
    }
    assert reached.keys() == {"plain", "embeddings"}
    assert reached["embeddings"] > 0.85  # 0.66 earn less
