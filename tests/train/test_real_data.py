"""The whole way on real data, measured on samples that were not trained on."""

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers, schedules
from gradiente.train.trainer import Trainer

datasets = pytest.importorskip("sklearn.datasets")


def divided(x, y):
    """Four fifths to train on, one fifth to test on; inputs scaled by the former."""
    order = np.random.default_rng(0).permutation(len(x))
    test, train = order[: len(x) // 5], order[len(x) // 5 :]
    mean, deviation = x[train].mean(axis=0), x[train].std(axis=0) + 1e-8
    x = ((x - mean) / deviation).astype(np.float32)
    return x[train], y[train], x[test], y[test]


def test_breast_cancer():
    x, y, x_test, y_test = divided(*datasets.load_breast_cancer(return_X_y=True))
    trainer = Trainer(
        nn.Sequential(nn.Dense(32), nn.relu, nn.Dropout(0.2), nn.Dense(1)),
        loss=losses.binary_cross_entropy,
        optimizer=optimizers.AdamW(3e-3),
        metrics=[metrics.accuracy, metrics.auc],
    )
    trainer.fit(x, y, epochs=60, validation=0.2, early_stopping=10)
    found = trainer.evaluate(x_test, y_test)
    assert found["accuracy"] >= 0.95
    assert found["auc"] >= 0.98


def test_digits():
    images, labels = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    test, train = order[:360], order[360:]
    trainer = Trainer(
        nn.Sequential(nn.Flatten(), nn.BatchNorm(), nn.Dense(64), nn.gelu, nn.Dense(10)),
        loss=losses.cross_entropy,
        optimizer=optimizers.Adam(schedules.cosine(5e-3, 12 * 23)),
        metrics=[metrics.accuracy],
    )
    x = images.reshape(-1, 8, 8, 1).astype(np.uint8)
    history = trainer.fit(x[train], labels[train], epochs=12, batch_size=64)
    assert history["loss"][-1] < 0.1 * history["loss"][0]
    assert trainer.evaluate(x[test], labels[test])["accuracy"] >= 0.95


def test_diabetes():
    x, y, x_test, y_test = divided(*datasets.load_diabetes(return_X_y=True))
    mean, deviation = y.mean(), y.std()
    trainer = Trainer(
        nn.Sequential(nn.Dense(16), nn.tanh, nn.Dense(1)),
        loss=losses.huber,
        optimizer=optimizers.SGD(0.05, momentum=0.9),
        metrics=[metrics.r2],
        clip_norm=1.0,
        accumulate=2,
    )
    trainer.fit(x, (y - mean) / deviation, epochs=100, validation=0.2, early_stopping=10)
    prediction = trainer.predict(x_test)[:, 0] * deviation + mean
    ours, baseline = np.mean((prediction - y_test) ** 2), np.mean((mean - y_test) ** 2)
    assert ours < 0.7 * baseline
    assert trainer.evaluate(x_test, (y_test - mean) / deviation)["r2"] > 0.3
