"""The transformer of characters, small, on a text that repeats itself."""

import re

import numpy as np
import pytest

import gradiente as gd
from gradiente import losses
from tests.examples.loading import load

SMALLER = {"LAYERS": 1, "HEADS": 2, "FEATURES": 32, "CONTEXT": 8, "BATCH": 8, "ROUND": 150}


def test_it_learns_to_repeat(tmp_path, capsys):
    (tmp_path / "input.txt").write_text("the sea, the sea\n" * 60, encoding="utf-8")
    load("character_transformer", **SMALLER).main(tmp_path, 300)
    printed = capsys.readouterr().out
    measured = re.search(r"in nats for each character: ([\d.]+)", printed)
    assert measured is not None and float(measured[1]) < 1.0  # of 8 different ones: 2.08 at first
    assert "History of 2 epochs" in printed
    assert set(printed.splitlines()[-1]) <= set("the sea,")


@pytest.mark.parametrize("prompt", [[2], list(range(12))], ids=["short", "longer than it sees"])
def test_a_sample_goes_on_from_the_prompt(prompt):
    example = load("character_transformer", **SMALLER)
    trainer = gd.Trainer(example.CharacterTransformer(12), losses.cross_entropy)
    tokens = example.sample(trainer, np.array(prompt), 5, np.random.default_rng(0))
    assert tokens[: len(prompt)].tolist() == prompt
    assert len(tokens) == len(prompt) + 5 and 0 <= tokens.min() <= tokens.max() < 12


def test_a_low_temperature_takes_what_is_likely():
    example = load("character_transformer", **SMALLER)
    trainer = gd.Trainer(example.CharacterTransformer(12), losses.cross_entropy)
    cold = [
        example.sample(trainer, np.array([3]), 5, np.random.default_rng(seed), temperature=1e-6)
        for seed in range(3)
    ]
    np.testing.assert_array_equal(cold[0], cold[1])
    np.testing.assert_array_equal(cold[0], cold[2])
