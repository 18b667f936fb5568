"""Sequences: losses at every place, masked or weighted places, overlapping windows as data."""

from functools import partial

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers
from gradiente.data.windows import next_token_windows
from gradiente.train.inputs import samples
from gradiente.train.trainer import Trainer

DRAWN = np.random.default_rng(4)
CLASSES, LENGTH, WIDTH = 7, 6, 8
TOKENS = DRAWN.integers(0, CLASSES, 200)
X, Y = next_token_windows(TOKENS, LENGTH)


def model():
    block = nn.TransformerEncoderLayer(
        WIDTH, 2, 16, dropout=0.0, norm_first=True, causal=True, positions=nn.RotaryPositions()
    )
    stack = nn.TransformerEncoder(block, 2, nn.LayerNorm())
    return nn.Sequential(nn.Embedding(CLASSES, WIDTH), stack, nn.Dense(CLASSES))


def trainer(loss=losses.cross_entropy, backend=None, **options):
    return Trainer(model(), loss, optimizers.AdamW(1e-2), seed=3, backend=backend, **options)


def test_the_loss_is_the_mean_over_all_places():
    torch = pytest.importorskip("torch")
    fitted = trainer(metrics=[metrics.accuracy])
    fitted.fit(X, Y, epochs=1, verbose=False)
    logits = fitted.predict(X)
    assert logits.shape == (len(X), LENGTH, CLASSES)
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(logits.reshape(-1, CLASSES)), torch.tensor(Y.reshape(-1))
    )
    measured = fitted.evaluate(X, Y)
    np.testing.assert_allclose(measured["loss"], expected.item(), rtol=1e-5)
    np.testing.assert_allclose(measured["accuracy"], np.mean(logits.argmax(-1) == Y), rtol=1e-6)


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_places_that_do_not_count(backend):
    """Ignored by a label, or of weight zero: the same training, and PyTorch's loss."""
    torch = pytest.importorskip("torch")
    counted = DRAWN.uniform(size=Y.shape) < 0.6
    labels = np.where(counted, Y, -100)
    ignoring = partial(losses.cross_entropy, ignore_index=-100)
    options = {"epochs": 1, "batch_size": 50, "verbose": False}
    first, second = trainer(ignoring, backend), trainer(backend=backend)
    first.fit(X, labels, **options)
    second.fit(X, Y, sample_weight=counted.astype(np.float32), **options)
    for path, value in second.weights().items():
        np.testing.assert_allclose(first.weights()[path], value, rtol=1e-3, atol=1e-5)
    logits = first.predict(X).reshape(-1, CLASSES)
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(logits), torch.tensor(labels.reshape(-1))
    )
    np.testing.assert_allclose(first.evaluate(X, labels)["loss"], expected.item(), rtol=1e-5)


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_overlapping_windows_are_trained_on_as_they_lie(backend):
    data = samples(X, Y)
    assert np.shares_memory(data.x, TOKENS) and np.shares_memory(data.y, TOKENS)
    options = {"epochs": 2, "batch_size": 24, "validation": (X[:40], Y[:40]), "verbose": False}
    views, copies = trainer(backend=backend), trainer(backend=backend)
    ours = views.fit(X, Y, **options)
    theirs = copies.fit(np.array(X), np.array(Y), **options)
    assert ours["loss"] == theirs["loss"]
    assert ours["validation_loss"] == theirs["validation_loss"]
    for path, value in copies.weights().items():
        np.testing.assert_array_equal(views.weights()[path], value)


@pytest.mark.parametrize("backend", ["native", "numpy"])
@pytest.mark.parametrize(
    "view",
    [lambda a: a[::-1], lambda a: a[::3], lambda a: a[:, ::2], lambda a: a[:, 1:3], lambda a: a.T],
    ids=["backwards", "every third", "every other feature", "two features", "turned"],
)
def test_views_are_trained_on_as_copies(view, backend):
    x = view(DRAWN.normal(size=(30, 30)).astype(np.float32))
    y = view(DRAWN.normal(size=(30, 30)).astype(np.float32))[:, 0]
    weights = []
    for given in ((x, y), (np.array(x), np.array(y))):
        fitted = Trainer(nn.Dense(1), losses.mse, seed=1, backend=backend)
        fitted.fit(*given, epochs=2, batch_size=4, verbose=False)
        weights.append(fitted.weights())
    for path, value in weights[1].items():
        np.testing.assert_array_equal(weights[0][path], value)


def test_a_sequence_with_a_rule_is_learnt():
    """Each token is the sum of the two before it: no token tells it alone."""
    tokens = [1, 1]
    while len(tokens) < 400:
        tokens.append((tokens[-1] + tokens[-2]) % CLASSES)
    x, y = next_token_windows(np.array(tokens), LENGTH)
    fitted = trainer(metrics=[metrics.accuracy])
    fitted.fit(x, y, epochs=15, verbose=False)
    after_the_second = fitted.predict(x).argmax(-1)[:, 1:] == y[:, 1:]
    assert after_the_second.mean() > 0.98


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_transformer_as_wide_as_usual_trains_natively_as_in_numpy(dropout):
    """Rows of 512 bytes, which lie with room between them, and a smaller last batch."""
    weights, found = [], []
    for backend in ("native", "numpy"):
        block = nn.TransformerEncoderLayer(
            128, 4, 256, dropout=dropout, norm_first=True, causal=True, use_bias=False
        )
        network = nn.Sequential(nn.Embedding(CLASSES, 128), block, nn.Dense(CLASSES))
        fitted = Trainer(network, losses.cross_entropy, optimizers.SGD(0.1), backend=backend)
        history = fitted.fit(X[:10], Y[:10], epochs=1, batch_size=4, verbose=False)
        weights.append(fitted.weights())
        found.append([history[0]["loss"], fitted.evaluate(X, Y)["loss"]])
    np.testing.assert_allclose(*found, rtol=1e-5)
    for path, value in weights[1].items():
        scale = np.abs(value).max()
        np.testing.assert_allclose(weights[0][path], value, rtol=0, atol=1e-4 * scale)
