"""Steps that look at more than one gradient: SAM's second one, and Sophia's curvature."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import Trainer, losses, nn, optimizers

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "native"])


def data(count=12):
    random = np.random.default_rng(0)
    return random.normal(size=(count, 3)), random.normal(size=(count, 2))


def loss(weights, x, y):
    return np.mean((np.tanh(x @ weights["weight"] + weights["bias"]) - y) ** 2)


def trainer_with(optimizer, backend, **options):
    return Trainer(
        nn.Sequential(nn.Dense(2), nn.tanh),
        losses.mse,
        optimizer,
        seed=0,
        backend=backend,
        **options,
    )


def named(weights):
    return {path.removeprefix("0."): value for path, value in weights.items()}


@BACKENDS
@pytest.mark.parametrize("accumulate", [1, 2])
def test_sam_takes_its_gradient_away_from_the_weights(backend, accumulate):
    x, y = data()
    options = {"batch_size": 4, "shuffle": False, "verbose": False}
    optimizer = optimizers.sam(optimizers.SGD(0.1), 0.3)
    trainer = trainer_with(optimizer, backend, accumulate=accumulate)
    trainer.fit(x[:4], y[:4], epochs=1, **options)
    weights = named(trainer.weights())
    trainer.fit(x, y, epochs=1, **options)
    gradient, waiting = gd.grad(loss), []
    for index in range(3):
        batch = x[4 * index : 4 * index + 4], y[4 * index : 4 * index + 4]
        away = optimizer.perturb(gradient(weights, *batch), weights)
        waiting.append(gradient(away, *batch))
        if len(waiting) == accumulate or index == 2:
            mean = {p: np.mean([g[p] for g in waiting], axis=0) for p in weights}
            weights = {path: value - 0.1 * mean[path] for path, value in weights.items()}
            waiting = []
    for path, value in named(trainer.weights()).items():
        np.testing.assert_allclose(value, weights[path], rtol=1e-10)


@BACKENDS
def test_the_curvature_of_a_separable_loss_is_exact(backend):
    """With one output for one feature the Hessian is diagonal, and its estimate has no variance."""
    x = np.ones((8, 1))
    y = np.linspace(-1, 1, 8)[:, None]

    network = nn.Sequential(nn.Dense(1, use_bias=False), np.exp)
    optimizer = optimizers.Sophia(0.01, betas=(0.9, 0.0), every=2)
    trainer = Trainer(network, losses.mse, optimizer, backend=backend)
    trainer.predict(x)
    w = float(trainer.weights()["0.weight"][0, 0])
    trainer.fit(x, y, epochs=1, batch_size=8, verbose=False)
    expected = np.mean(4 * np.exp(2 * w) - 2 * np.exp(w) * y)
    slots = trainer.state["optimizer"]["slots"]["0.weight"]
    np.testing.assert_allclose(slots["curvature"], expected, rtol=1e-10)
    trainer.fit(x, y, epochs=1, batch_size=8, verbose=False)  # no look at the second update
    slots = trainer.state["optimizer"]["slots"]["0.weight"]
    np.testing.assert_allclose(slots["curvature"], expected, rtol=1e-10)


@BACKENDS
def test_sophia_learns_and_continues_from_a_file_bit_for_bit(tmp_path, backend):
    x, y = data(40)
    whole, first = (
        trainer_with(optimizers.Sophia(0.01, every=3), backend, accumulate=2) for _ in range(2)
    )
    history = whole.fit(x, y, epochs=6, batch_size=5, verbose=False)
    assert history[-1]["loss"] < history[0]["loss"]
    first.fit(x, y, epochs=3, batch_size=5, verbose=False)
    first.save(tmp_path / "run")
    second = Trainer.load(
        tmp_path / "run",
        nn.Sequential(nn.Dense(2), nn.tanh),
        loss=losses.mse,
        optimizer=optimizers.Sophia(0.01, every=3),
        backend=backend,
    )
    second.fit(x, y, epochs=3, batch_size=5, verbose=False)
    for path, value in whole.weights().items():
        np.testing.assert_array_equal(second.weights()[path], value)


def test_sophia_trains_a_classifier_natively():
    random = np.random.default_rng(0)
    x = random.normal(size=(256, 6)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    network = nn.Sequential(nn.Dense(32), nn.gelu, nn.LayerNorm(), nn.Dropout(0.1), nn.Dense(2))
    trainer = Trainer(network, losses.cross_entropy, optimizers.Sophia(3e-3), backend="native")
    history = trainer.fit(x, y, epochs=20, batch_size=32, verbose=False)
    assert history[-1]["loss"] < 0.75 * history[0]["loss"]
