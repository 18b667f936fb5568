"""Two small trainings, and the reports on them."""

from types import SimpleNamespace

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers
from gradiente.train.trainer import Trainer

RANDOM = np.random.default_rng(21)


def trained(outputs, loss, x, y, **options):
    network = nn.Sequential(nn.Dense(16), nn.relu, nn.Dense(8), nn.tanh, nn.Dense(outputs))
    trainer = Trainer(network, loss, optimizers.Adam(1e-2), **options)
    trainer.fit(x[:200], y[:200], epochs=6, flow=3, validation=0.2, verbose=False)
    return trainer


@pytest.fixture(scope="session")
def classified():
    x = RANDOM.normal(size=(300, 4)).astype(np.float32)
    y = (x[:, 0] > 0) + (x[:, 1] > 0.5).astype(int)
    trainer = trained(3, losses.cross_entropy, x, y, metrics=[metrics.accuracy])
    return SimpleNamespace(trainer=trainer, x=x[200:], y=y[200:])


@pytest.fixture(scope="session")
def fitted():
    x = RANDOM.normal(size=(300, 4)).astype(np.float32)
    y = 2 * x[:, :1] + x[:, 1:2]
    return SimpleNamespace(trainer=trained(1, losses.mse, x, y), x=x[200:], y=y[200:])
