"""Augmented images as a stream: other images in each epoch, the same for the same seed."""

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers
from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.data import AugmentedImages
from gradiente.train import Trainer

RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=(60, 6, 6, 1)).astype(np.float32)
Y = np.arange(60) % 3
ALL = {"flip": True, "crop": 1, "rotate": 10.0, "mixup": 0.2}


def together(stream, epoch=1, shuffle=True, seed=0):
    x, y = zip(*stream.chunks(seed, epoch, shuffle), strict=True)
    return np.concatenate(x), np.concatenate(y)


def test_without_changes_they_are_the_images():
    stream = AugmentedImages(X, Y, rows=7)
    assert stream.count == 60
    x, y = together(stream, shuffle=False)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    x, y = together(AugmentedImages(X, np.arange(60), rows=7))
    np.testing.assert_array_equal(x, X[y])
    np.testing.assert_array_equal(np.sort(y), np.arange(60))
    assert set(y[:7]) != set(range(7))  # shuffled across chunks


@pytest.mark.parametrize("change", [{name: ALL[name]} for name in ALL] + [ALL], ids=str)
def test_every_epoch_is_another_and_each_can_be_repeated(change):
    stream = AugmentedImages(X, Y, rows=16, **change)
    first, again, other = (together(stream, epoch)[0] for epoch in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(together(stream, 1, shuffle=False)[0], X)
    assert not np.array_equal(np.sort(first, axis=None), np.sort(other, axis=None)) or (
        change in ({"flip": True},)  # which leaves the numbers what they are
    )
    assert first.dtype == np.float32


def test_classes_become_shares_when_images_are_mixed():
    _, y = together(AugmentedImages(X, Y, mixup=0.5))
    assert y.shape == (60, 3) and y.dtype == np.float32
    np.testing.assert_allclose(y.sum(axis=1), 1.0, rtol=1e-6)
    assert ((y > 0) & (y < 1)).any()
    quantities = RANDOM.normal(size=(60, 2)).astype(np.float32)
    assert together(AugmentedImages(X, quantities, mixup=0.5))[1].shape == (60, 2)


def test_a_network_learns_from_them_and_resumes_bit_for_bit(tmp_path):
    x = X + 3 * (np.arange(6) // 2 == Y[:, None])[:, :, None, None]  # a bright stripe per class
    stream = AugmentedImages(x, Y, rows=25, **ALL)

    def network():
        return nn.Sequential(nn.Flatten(), nn.Dense(16), nn.relu, nn.Dense(3))

    options = {"optimizer": optimizers.Adam(0.01), "metrics": [metrics.accuracy]}
    whole = Trainer(network(), losses.cross_entropy, **options)
    whole.fit(stream, epochs=30, validation=(x, Y), verbose=False)
    assert whole.evaluate(x, Y)["accuracy"] > 0.9
    first = Trainer(network(), losses.cross_entropy, **options)
    first.fit(stream, epochs=10, validation=(x, Y), verbose=False)
    first.save(tmp_path / "run")
    second = Trainer.load(tmp_path / "run", network(), loss=losses.cross_entropy, **options)
    second.fit(stream, epochs=20, validation=(x, Y), verbose=False)
    for path, weight in whole.weights().items():
        np.testing.assert_array_equal(second.weights()[path], weight)


@pytest.mark.parametrize(
    ("x", "y", "options", "error", "text"),
    [
        (X[..., 0], Y, {}, DataError, r"\(n, height, width, channels\), with n targets; got"),
        (X, Y[:-1], {}, DataError, r"shapes \(60, 6, 6, 1\) and \(59,\)"),
        ((X * 9).astype(np.uint8), Y, {}, DataError, "the images are uint8: make them numbers"),
        (X, Y - 1, {"mixup": 0.1}, DataError, "mixup mixes targets: y is int64"),
        (X, Y, {"crop": -1}, InvalidArgumentError, "`crop` is -1"),
        (X, Y, {"rotate": 200}, InvalidArgumentError, "`rotate` is 200"),
        (X, Y, {"mixup": -0.1}, InvalidArgumentError, r"`mixup` is -0\.1"),
    ],
)
def test_what_makes_no_sense(x, y, options, error, text):
    with pytest.raises(error, match=text):
        AugmentedImages(x, y, **options)
