"""The generator of names, small, on names of one pattern."""

import re
from functools import partial
from itertools import product

import numpy as np
import pytest

import gradiente as gd
from gradiente import losses
from tests.examples.loading import load

SMALLER = {"FEATURES": 8, "UNITS": 16, "BATCH": 16, "EPOCHS": 30}


@pytest.fixture
def example():
    return load("name_generator", **SMALLER)


def test_names_become_numbers_and_come_back(example, tmp_path):
    (tmp_path / "names.txt").write_text("eva\nab\nab\n", encoding="utf-8")
    names, numbers = example.read_names(tmp_path)
    assert names == ["ab", "eva"]
    np.testing.assert_array_equal(numbers, [[1, 2, 0], [3, 4, 1]])
    assert example.written(numbers, " abev") == names


def test_each_letter_and_the_end_is_predicted_once(example):
    x, y = example.pairs(np.array([[1, 2, 0], [3, 4, 1]]))
    np.testing.assert_array_equal(x, [[0, 1, 2, 0], [0, 3, 4, 1]])
    np.testing.assert_array_equal(y, [[1, 2, 0, -1], [3, 4, 1, 0]])


def test_pairs_are_counted_from_one(example):
    x, y = example.pairs(np.array([[1], [1], [1]]))
    # Of four begins three and one are followed by 1, and of four 1s by the end; the rest by none.
    expected = -np.log(4 / 5)
    assert example.bigram_loss(x, y, x, y) == pytest.approx(expected)


def test_nothing_follows_the_end_of_a_name(example):
    trainer = gd.Trainer(example.network(3), partial(losses.cross_entropy, ignore_index=-1))
    numbers = example.sample(trainer, 50, 8, np.random.default_rng(0))
    assert numbers.shape == (50, 8)
    ended = np.cumsum(numbers == example.END, axis=1) > 0
    assert ended.any() and (numbers[ended] == example.END).all()


def test_more_than_pairs_is_learned(example, tmp_path, capsys):
    # What the third letter is depends on the first: pairs do not tell.
    names = [a + middle + a + end for a, middle, end in product("abcdefgh", "xyz", "ijklmnop")]
    (tmp_path / "names.txt").write_text("\n".join(names), encoding="utf-8")
    example.main(tmp_path)
    printed = capsys.readouterr().out
    counted, learned = re.findall(r"^test +([\d.]+) +([\d.]+)$", printed, flags=re.MULTILINE)[0]
    assert float(learned) < float(counted) - 0.2
    assert "names drawn are not in the data" in printed
