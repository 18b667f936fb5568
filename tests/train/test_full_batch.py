"""Training with an optimizer that evaluates the loss over all samples as often as it needs."""

import itertools

import numpy as np
import pytest

from gradiente import Trainer, losses, nn, optimizers
from gradiente.base.errors import InvalidArgumentError, NonFiniteError

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "native"])
L2 = 0.01


def data(count=60):
    random = np.random.default_rng(0)
    x = random.normal(size=(count, 4)) * [1.0, 5.0, 0.2, 1.0]
    y = (x @ [1.0, -0.3, 2.0, 0.5] + random.normal(size=count) > 0.3).astype(np.int64)
    return x, y


def trainer_with(optimizer, backend="numpy", network=None, loss=losses.cross_entropy):
    return Trainer(network or nn.Dense(2), loss, optimizer, seed=0, backend=backend)


def by_scipy(x, y):
    """The least mean cross entropy with λ/2 ‖W‖², over weights and biases."""
    scipy = pytest.importorskip("scipy.optimize")
    special = pytest.importorskip("scipy.special")
    hot = np.eye(2)[y]

    def both(flat):
        w, b = flat[:8].reshape(4, 2), flat[8:]
        scores = x @ w + b
        value = -np.mean(np.sum(hot * special.log_softmax(scores, axis=1), axis=1))
        error = (special.softmax(scores, axis=1) - hot) / len(x)
        gradient = np.concatenate([(x.T @ error + L2 * w).ravel(), error.sum(0)])
        return value + L2 / 2 * np.sum(w * w), gradient

    options = {"gtol": 1e-10, "ftol": 0, "maxiter": 1000}
    return scipy.minimize(both, np.zeros(10), jac=True, method="L-BFGS-B", options=options)


@BACKENDS
@pytest.mark.parametrize("batch_size", [7, 1000])
def test_logistic_regression_converges_like_scipy(backend, batch_size):
    x, y = data()
    trainer = trainer_with(
        optimizers.LBFGS(weight_decay=L2, only="weight", tolerance=1e-8), backend
    )
    history = trainer.fit(x, y, epochs=100, batch_size=batch_size, verbose=False)
    expected = by_scipy(x, y)
    weights = trainer.weights()
    np.testing.assert_allclose(weights["weight"], expected.x[:8].reshape(4, 2), atol=1e-6)
    difference = weights["bias"] - weights["bias"][::-1]  # only this is determined
    np.testing.assert_allclose(difference, expected.x[8:] - expected.x[8:][::-1], atol=1e-5)
    penalty = L2 / 2 * np.sum(weights["weight"] ** 2)
    np.testing.assert_allclose(history[-1]["loss"] + penalty, expected.fun, rtol=1e-10)
    assert len(history) < 60
    assert "no number of the gradient is above 1e-08" in history.stopped
    np.testing.assert_allclose(trainer.evaluate(x, y)["loss"], history[-1]["loss"], rtol=1e-12)


def test_every_iteration_lowers_the_loss_of_a_network():
    x, y = data()
    network = nn.Sequential(nn.Dense(8), nn.tanh, nn.Dense(2))
    trainer = trainer_with(optimizers.LBFGS(), "native", network)
    history = trainer.fit(x.astype(np.float32), y, epochs=40, verbose=False)
    sums = [row["loss"] for row in history]
    assert all(b <= a * (1 + 1e-5) for a, b in itertools.pairwise(sums))
    assert sums[-1] < 0.15


def test_random_layers_and_running_statistics_do_not_disturb_the_search():
    x, y = data()
    network = nn.Sequential(nn.Dense(8), nn.BatchNorm(), nn.relu, nn.Dropout(0.2), nn.Dense(2))
    trainer = trainer_with(optimizers.LBFGS(), "native", network)
    history = trainer.fit(x, y, epochs=30, batch_size=60, verbose=False)
    losses_seen = [row["loss"] for row in history]
    assert all(b <= a + 1e-12 for a, b in itertools.pairwise(losses_seen))
    assert np.any(network[1].running_mean != 0)


@BACKENDS
def test_it_continues_from_a_file_bit_for_bit(tmp_path, backend):
    x, y = data()
    whole, first = (trainer_with(optimizers.LBFGS(), backend) for _ in range(2))
    whole.fit(x, y, epochs=6, batch_size=16, verbose=False)
    first.fit(x, y, epochs=3, batch_size=16, verbose=False)
    first.save(tmp_path / "run")
    second = Trainer.load(
        tmp_path / "run",
        nn.Dense(2),
        loss=losses.cross_entropy,
        optimizer=optimizers.LBFGS(),
        backend=backend,
    )
    second.fit(x, y, epochs=3, batch_size=16, verbose=False)
    for path, value in whole.weights().items():
        np.testing.assert_array_equal(second.weights()[path], value)


def test_sample_weights_and_frozen_layers():
    x, y = data()
    weight = np.where(np.arange(60) < 30, 1.0, 0.0)
    weighted, half = (trainer_with(optimizers.LBFGS(tolerance=1e-9)) for _ in range(2))
    weighted.fit(x, y, epochs=5, sample_weight=weight, batch_size=7, verbose=False)
    half.fit(x[:30], y[:30], epochs=5, batch_size=7, verbose=False)
    np.testing.assert_allclose(weighted.weights()["weight"], half.weights()["weight"], rtol=1e-9)
    network = nn.Sequential(nn.Dense(3), nn.tanh, nn.Dense(2))
    trainer = trainer_with(optimizers.LBFGS(), network=network)
    trainer.fit(x, y, epochs=3, verbose=False)
    network[0].freeze()
    kept = trainer.weights()["0.weight"]
    trainer.fit(x, y, epochs=3, verbose=False)
    np.testing.assert_array_equal(trainer.weights()["0.weight"], kept)


def test_a_loss_that_is_not_finite():
    x, y = data()
    with pytest.raises(NonFiniteError, match="batch 1 of 2"), np.errstate(all="ignore"):
        trainer_with(optimizers.LBFGS()).fit(x * np.inf, y, epochs=2, verbose=False)


@BACKENDS
def test_penalties_are_a_part_of_what_is_minimized(backend):
    x, y = data()
    by_decay = trainer_with(optimizers.LBFGS(weight_decay=0.1, only="weight"), backend)
    by_penalty = Trainer(
        nn.Dense(2),
        losses.cross_entropy,
        optimizers.LBFGS(),
        seed=0,
        backend=backend,
        regularizers={"weight": lambda w: 0.05 * np.sum(w * w)},
    )
    for trainer in (by_decay, by_penalty):
        history = trainer.fit(x, y, epochs=60, verbose=False)
        assert "no number of the gradient" in history.stopped
    ours, theirs = by_penalty.weights(), by_decay.weights()
    np.testing.assert_allclose(ours["weight"], theirs["weight"], atol=1e-5)


def test_it_takes_no_constraints():
    with pytest.raises(InvalidArgumentError, match="which constraints would bend"):
        Trainer(nn.Dense(2), losses.mse, optimizers.LBFGS(), constraints={"*": np.abs})


def test_it_takes_no_clipping():
    with pytest.raises(InvalidArgumentError, match="without clip_norm="):
        Trainer(nn.Dense(2), losses.mse, optimizers.LBFGS(), clip_norm=1.0)
