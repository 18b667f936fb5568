"""Fashion-MNIST with a convolutional network, from the original files: five epochs.

    python examples/fashion_mnist_convolutional.py FOLDER

FOLDER holds the four files of github.com/zalandoresearch/fashion-mnist (…-ubyte.gz).
"""

import gzip
import sys
from pathlib import Path

import numpy as np

import gradiente as gd
from gradiente import losses, metrics, nn, optimizers, schedules

BATCH, EPOCHS = 64, 5


def images(path: Path) -> np.ndarray:
    """Pixels in [0, 1], shape (n, 28, 28, 1): the last axis is that of the channels."""
    pixels = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16)
    return pixels.reshape(-1, 28, 28, 1).astype(np.float32) / 255


def labels(path: Path) -> np.ndarray:
    """Classes 0 to 9."""
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=8).astype(np.int64)


def network() -> nn.Module:
    """Two convolutions with pooling between them, then two dense layers."""
    return nn.Sequential(
        nn.Convolution(32, 3, padding="same"),
        nn.relu,
        nn.MaxPool(2),
        nn.Convolution(64, 3, padding="same"),
        nn.relu,
        nn.MaxPool(2),
        nn.Flatten(),
        nn.Dense(128),
        nn.relu,
        nn.Dropout(0.3),
        nn.Dense(10),
    )


def main(folder: Path) -> None:
    """Train on 60,000 images, measure on the 10,000 others."""
    x, y = (
        images(folder / "train-images-idx3-ubyte.gz"),
        labels(folder / "train-labels-idx1-ubyte.gz"),
    )
    x_test, y_test = (
        images(folder / "t10k-images-idx3-ubyte.gz"),
        labels(folder / "t10k-labels-idx1-ubyte.gz"),
    )
    steps = EPOCHS * -(-len(x) // BATCH)
    trainer = gd.Trainer(
        network(),
        loss=losses.cross_entropy,
        optimizer=optimizers.AdamW(schedules.cosine(2e-3, steps)),
        metrics=[metrics.accuracy],
    )
    print(trainer.fit(x, y, epochs=EPOCHS, batch_size=BATCH))
    print(trainer.summary(x[:1]))
    print("on the test images:", trainer.evaluate(x_test, y_test))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
