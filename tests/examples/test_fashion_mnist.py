"""The two networks for Fashion-MNIST, on a few images made up in the format of its files."""

import gzip
import re

import numpy as np
import pytest

from tests.examples.loading import load


@pytest.fixture
def folder(tmp_path):
    """Images of ten classes, each bright in a stripe of its own."""
    random = np.random.default_rng(0)
    for part, count in (("train", 300), ("t10k", 100)):
        labels = np.arange(count) % 10
        pixels = random.integers(0, 60, size=(count, 28, 28))
        for image, label in zip(pixels, labels, strict=True):
            image[2 * label : 2 * label + 4] += 180
        for kind, axes, values in (("images", 3, pixels), ("labels", 1, labels)):
            header = bytes([0, 0, 8, axes]) + np.array(values.shape, ">i4").tobytes()
            content = gzip.compress(header + values.astype(np.uint8).tobytes())
            (tmp_path / f"{part}-{kind}-idx{axes}-ubyte.gz").write_bytes(content)
    return tmp_path


def accuracy(printed: str) -> float:
    found = re.search(r"on the test images: .*'accuracy': ([\d.]+)", printed)
    assert found is not None
    return float(found[1])


def test_the_files_are_read(folder):
    dense, convolutional = load("fashion_mnist"), load("fashion_mnist_convolutional")
    path = folder / "t10k-images-idx3-ubyte.gz"
    assert dense.images(path).shape == (100, 28, 28)
    assert convolutional.images(path).shape == (100, 28, 28, 1)
    assert dense.images(path).min() >= 0 and 0.9 < dense.images(path).max() <= 1
    labels = folder / "t10k-labels-idx1-ubyte.gz"
    np.testing.assert_array_equal(dense.labels(labels), np.arange(100) % 10)
    np.testing.assert_array_equal(convolutional.labels(labels), np.arange(100) % 10)


def test_dense_layers_learn_them(folder, capsys):
    load("fashion_mnist").main(folder)
    assert accuracy(capsys.readouterr().out) > 0.9


def test_convolutional_layers_learn_them(folder, capsys):
    load("fashion_mnist_convolutional", BATCH=30).main(folder)
    assert accuracy(capsys.readouterr().out) > 0.9
