"""Losses in the trainer: by name, of several outputs, jointly over a batch."""

import numpy as np
import pytest

from gradiente import losses, nn, optimizers
from gradiente.base.errors import InvalidArgumentError, UnknownNameError
from gradiente.train.trainer import Trainer

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(40, 3))
Y = X @ np.array([1.0, -2.0, 0.5]) + 0.1 * RANDOM.normal(size=40)


class Normal(nn.Module):
    """A mean and a positive variance, as a tuple or by name."""

    def __init__(self, named):
        self.mean, self.variance, self.named = nn.Dense(1), nn.Dense(1), named

    def __call__(self, x):
        mean, variance = self.mean(x), nn.softplus(self.variance(x))
        return {"mean": mean, "variance": variance} if self.named else (mean, variance)


def trained(network, loss, y, epochs=20, **options):
    trainer = Trainer(network, loss, optimizers.Adam(0.05), seed=1)
    trainer.fit(X, y, epochs=epochs, batch_size=10, verbose=False, **options)
    return trainer


def test_a_loss_by_its_name():
    by_name = trained(nn.Dense(1), "Log-Cosh", Y, epochs=2)
    itself = trained(nn.Dense(1), losses.log_cosh, Y, epochs=2)
    np.testing.assert_array_equal(by_name.predict(X), itself.predict(X))
    with pytest.raises(UnknownNameError, match="Did you mean `huber`"):
        Trainer(nn.Dense(1), "hubber")


@pytest.mark.parametrize("named", [False, True])
def test_a_network_with_the_outputs_that_a_loss_asks_for(named):
    weight = RANDOM.uniform(0, 2, 40)
    trainer = trained(Normal(named), "gaussian_nll", Y, sample_weight=weight)
    assert trainer.history["loss"][-1] < trainer.history["loss"][0]
    found = trainer.evaluate(X, Y, sample_weight=weight)["loss"]
    expected = losses.gaussian_nll(trainer.predict(X), Y, weight)
    assert found == pytest.approx(float(expected), rel=1e-5)
    with pytest.raises(InvalidArgumentError, match="compares one array"):
        trained(Normal(named), "mse", Y)


@pytest.mark.parametrize(
    ("name", "outputs", "y"),
    [
        ("gaussian_crps", 2, Y),
        ("mixture_density", 6, Y),
        ("negative_binomial", 2, RANDOM.poisson(np.exp(0.3 * X[:, 0]))),
        ("zero_inflated_poisson", 2, RANDOM.poisson(np.exp(0.3 * X[:, 0]))),
        ("tweedie", 1, np.maximum(Y, 0)),
        ("coral", 3, np.digitize(Y, [-1, 0, 1])),
        ("cumulative_logits", 3, np.digitize(Y, [-1, 0, 1])),
        ("multiclass_sparsemax", 4, np.digitize(Y, [-1, 0, 1])),
        ("ntxent", 4, np.digitize(Y, [-1, 0, 1])),
        ("circle", 4, np.digitize(Y, [-1, 0, 1])),
        ("cox", 1, np.stack([np.exp(-Y), np.arange(40) % 4 > 0], axis=1)),
        ("discrete_hazard", 5, np.stack([np.digitize(-Y, [-2, 0, 2]), np.ones(40)], axis=1)),
        ("expectile", 1, Y),
        ("squared_hinge", 1, (Y > 0).astype(int)),
    ],
)
def test_losses_of_one_array_are_learned_by_name(name, outputs, y):
    trainer = trained(nn.Dense(outputs), name, y)
    assert trainer.history["loss"][-1] < 0.98 * trainer.history["loss"][0]
