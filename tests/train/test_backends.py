"""Training runs alike on every backend: curves, partial batches, weights, callbacks, Ctrl-C."""

import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers
from gradiente.backends.registry import BACKENDS
from gradiente.train.callbacks import Callback
from gradiente.train.trainer import Trainer

TOLERANCE = {np.float32: 1e-3, np.float64: 1e-9}
SAMPLES = 40

CASES = {
    "plain": {},
    "partial last batches": {"batch_size": 7},
    "accumulated": {"accumulate": 3, "batch_size": 7},
    "weights": {"weighted": True, "accumulate": 3, "batch_size": 13},
    "in order, clipped": {"shuffle": False, "clip_norm": 0.05, "batch_size": 64},
}


def data(dtype, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(SAMPLES, 5)).astype(dtype)
    return x, (x[:, 0] * x[:, 1] > 0).astype(int) + (x[:, 2] > 1)


def made(backend, accumulate=1, clip_norm=None):
    network = nn.Sequential(nn.Dense(11), nn.tanh, nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(3))
    return Trainer(
        network,
        losses.cross_entropy,
        optimizers.Adam(0.03),
        metrics=[metrics.accuracy],
        backend=backend,
        accumulate=accumulate,
        clip_norm=clip_norm,
        seed=3,
    )


def fitted(backend, dtype, *, accumulate=1, clip_norm=None, weighted=False, **options):
    trainer = made(backend, accumulate, clip_norm)
    weight = np.random.default_rng(5).uniform(0, 2, SAMPLES).astype(dtype) if weighted else None
    options = {"epochs": 5, "batch_size": 10, "validation": data(dtype, seed=1), **options}
    trainer.fit(*data(dtype), sample_weight=weight, verbose=False, **options)
    return trainer


@cache
def curves(backend, dtype, name):
    """A trainer after a fit in bulk."""
    return fitted(backend, dtype, **CASES[name])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_curves_agree(name, dtype):
    native, numpys = (curves(backend, dtype, name) for backend in ("native", "numpy"))
    for column in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        ours, expected = native.history[column], numpys.history[column]
        np.testing.assert_allclose(ours, expected, rtol=TOLERANCE[dtype])
    assert len(native.history) == 5
    for path, value in numpys.weights().items():
        size = np.abs(value).max()
        tolerance = 10 * TOLERANCE[dtype] * size
        np.testing.assert_allclose(native.weights()[path], value, rtol=0, atol=tolerance)


class EveryBatch(Callback):
    """Watches, and changes nothing."""

    def __init__(self):
        self.seen = 0

    def on_batch_end(self, trainer, batch):
        self.seen += 1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CASES)
def test_batch_by_batch_and_in_bulk_are_the_same_bits(name, backend):
    watch = EveryBatch()
    bulk = curves(backend, np.float32, name)
    single = fitted(backend, np.float32, callbacks=[watch], **CASES[name])
    size = CASES[name].get("batch_size", 10)
    assert watch.seen == 5 * -(-SAMPLES // size)
    for column in ("loss", "accuracy", "validation_loss"):
        assert single.history[column] == bulk.history[column]
    for path, value in bulk.weights().items():
        np.testing.assert_array_equal(single.weights()[path], value)


def test_early_stopping_ends_in_the_same_epoch_with_the_same_weights():
    options = {"epochs": 60, "early_stopping": 3}
    native, numpys = (fitted(name, np.float64, **options) for name in ("native", "numpy"))
    assert len(native.history) == len(numpys.history) < 60
    assert native.history.stopped.split(";")[0] == numpys.history.stopped.split(";")[0]
    for path, value in numpys.weights().items():
        np.testing.assert_allclose(native.weights()[path], value, rtol=1e-6, atol=1e-9)


class Impatient(Callback):
    """Presses Ctrl-C at the n-th batch, and keeps the weights after each epoch."""

    def __init__(self, batch=None, epoch=None):
        self.batch, self.epoch, self.count, self.weights = batch, epoch, 0, []

    def on_epoch_end(self, trainer, row):
        self.weights.append(trainer.weights())
        if row["epoch"] == self.epoch:
            raise KeyboardInterrupt


class ImpatientInBetween(Impatient):
    """The same, hearing of each batch."""

    def on_batch_end(self, trainer, batch):
        self.count += 1
        if self.count == self.batch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("callback", [Impatient(epoch=6), ImpatientInBetween(batch=22)])
def test_ctrl_c_in_a_callback_keeps_the_weights_of_the_best_epoch(callback, backend):
    callback.count, callback.weights = 0, []
    trainer = fitted(backend, np.float32, epochs=30, callbacks=[callback])
    assert trainer.history.stopped == "interrupted by the user"
    best = int(np.argmin(trainer.history["validation_loss"]))
    for path, value in callback.weights[best].items():
        np.testing.assert_array_equal(trainer.weights()[path], value)
        np.testing.assert_array_equal(trainer.network.state()[path], value)
    epochs = len(trainer.history)
    trainer.fit(*data(np.float32), epochs=2, verbose=False)  # and training goes on
    assert len(trainer.history) == epochs + 2


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
from gradiente import losses, nn
from gradiente.train.trainer import Trainer

x = np.random.default_rng(0).normal(size=(60000, 30)).astype(np.float32)
trainer = Trainer(nn.Sequential(nn.Dense(64), nn.tanh, nn.Dense(1)), losses.mse, backend="native")
saved = []


def after(trainer, row):
    saved.append(trainer.weights())
    if len(saved) == 2:  # in the middle of the next epoch, which runs in native code
        half = row["seconds"] / 2 if "seconds" in row else 0.05
        threading.Timer(half, os.kill, (os.getpid(), signal.SIGINT)).start()


history = trainer.fit(x, x[:, 0], epochs=100000, callbacks=[after], verbose=False)
best = saved[int(np.argmin(history["loss"]))]
same = all(np.array_equal(trainer.weights()[path], value) for path, value in best.items())
print(history.stopped, "|", len(history), len(saved), same)
trainer.fit(x[:500], x[:500, 0], epochs=1, verbose=False)
print(len(trainer.history) - len(history))
"""


def test_a_signal_during_native_steps_keeps_the_weights_of_the_best_epoch():
    path = os.pathsep.join(sys.path)
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert result.returncode == 0, result.stderr
    stopped, rest = result.stdout.splitlines()[0].split(" | ")
    epochs, saved, same = rest.split()
    assert stopped == "interrupted by the user"
    assert (epochs, same) == (saved, "True") and int(epochs) >= 2
    assert "Traceback" not in result.stderr
