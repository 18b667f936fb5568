"""Improvements change how a step is computed, never what: each can be left out by its name.

The step is one of everything: a product, its gradients, a normalization, softmax with its loss,
clipping, Adam.
"""

import numpy as np
import pytest

import gradiente as gd
from gradiente import losses, nn, optimizers
from gradiente.backends.native import loading
from gradiente.base.errors import InvalidArgumentError
from gradiente.base.trees import flatten
from gradiente.rewrite.pipeline import IMPROVEMENTS, PASSES, is_skipped

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(20, 7)), RANDOM.integers(0, 5, 20)
HIDDEN = 64  # rows of 512 bytes, which are padded

# The others act on larger programs than this step, and have tests of their own.
EXACT = [name for name in IMPROVEMENTS if name not in ("tiles", "recompute")]
COMBINED = [
    "follow,prepare,rows,loops",  # every operation a kernel of its own
    "overwrite,share,pad",  # every value in a place of its own
    ",".join(IMPROVEMENTS),
]


def trained(backend, count=18):
    """All that a few steps make: weights, running statistics, moments, sums of the epoch."""
    network = nn.Sequential(nn.Dense(HIDDEN), nn.relu, nn.BatchNorm(), nn.Dense(5))
    trainer = gd.Trainer(
        network, losses.cross_entropy, optimizers.Adam(0.1), clip_norm=0.5, backend=backend
    )
    history = trainer.fit(X[:count], Y[:count], epochs=2, batch_size=6, verbose=False)
    return [*flatten(trainer.state)[0], np.array(history["loss"])]


@pytest.fixture(scope="module")
def expected():
    return {count: trained("numpy", count) for count in (18, 20)}


@pytest.fixture
def texts(monkeypatch):
    """The native modules that are compiled."""
    seen, compile_text = [], loading.compile_text

    def recorded(text):
        seen.append(text)
        return compile_text(text)

    monkeypatch.setattr(loading, "compile_text", recorded)
    return seen


@pytest.mark.parametrize("names", ["", *EXACT, *COMBINED])
def test_a_training_step_is_the_same_without(names, expected, texts, monkeypatch):
    count = 20 if names == "rest" else 18  # of 20 samples a batch of 2 is left
    monkeypatch.setenv("GRADIENTE_SKIP", "")
    trained("native", count)
    usual = texts.copy()
    texts.clear()
    monkeypatch.setenv("GRADIENTE_SKIP", names)
    loading.forget()
    for ours, numpys in zip(trained("native", count), expected[count], strict=True):
        np.testing.assert_allclose(ours, numpys, rtol=1e-9, atol=1e-12)
    assert (texts == usual) == (names == "")


def test_convolutions_are_the_same_without_tiles(texts, monkeypatch):
    x = RANDOM.normal(size=(12, 8, 8, 16)).astype(np.float32)
    results = {}
    for names in ("", "tiles"):
        monkeypatch.setenv("GRADIENTE_SKIP", names)
        network = nn.Sequential(
            nn.Convolution(16, 3, padding=1), nn.relu, nn.Flatten(), nn.Dense(5)
        )
        trainer = gd.Trainer(network, losses.cross_entropy, optimizers.SGD(0.01), backend="native")
        trainer.fit(x, Y[:12], epochs=2, batch_size=6, verbose=False)
        results[names] = flatten(trainer.state)[0]
        texts.append("")
    for ours, theirs in zip(results[""], results["tiles"], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    with_tiles, without, _ = " ".join(text or "|" for text in texts).split("|")
    assert "winograd" in with_tiles and "winograd" not in without


def test_every_pass_is_an_improvement():
    assert list(IMPROVEMENTS)[: len(PASSES)] == list(PASSES)


def test_names_may_stand_between_blanks(monkeypatch):
    monkeypatch.setenv("GRADIENTE_SKIP", " rows , fold,")
    assert [name for name in IMPROVEMENTS if is_skipped(name)] == ["fold", "rows"]


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(monkeypatch, backend):
    monkeypatch.setenv("GRADIENTE_SKIP", "fold,vectorise")
    with pytest.raises(InvalidArgumentError, match=r"`vectorise`.*simplify, fold, .*, order\."):
        gd.compile(lambda x: x + 1, backend=backend)(X)
