"""Training on samples that are drawn: which ones the step sees, and exact resume."""

import numpy as np
import pytest

from gradiente import losses, nn, optimizers
from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.train import Trainer

RANDOM = np.random.default_rng(8)
COUNT = 100
X = RANDOM.normal(size=(COUNT, 3)).astype(np.float32)
Y = (np.arange(COUNT) % 10 == 0).astype(int)
FIT = {"batch_size": 16, "verbose": False}


class Mean(nn.Module):
    """Predicts one number that is trained, whatever x is."""

    def __call__(self, x):
        w = self.parameter("w", (1,), lambda key, shape, dtype: np.zeros(shape, dtype), x.dtype)
        return np.sum(x * 0, axis=1) + w


def walker(rate=0.0):
    return Trainer(Mean(), losses.mse, optimizers.SGD(rate))


def made():
    network = nn.Sequential(nn.Dense(4), nn.tanh, nn.Dropout(0.2), nn.Dense(2))
    return Trainer(network, losses.cross_entropy, optimizers.Adam(0.05), seed=3)


def test_the_loss_of_an_epoch_is_that_of_what_was_drawn():
    # At weight 0 and rate 0 the loss is the mean of the squared targets that came.
    history = walker().fit(X, Y.astype(np.float32), epochs=2, **FIT)
    np.testing.assert_allclose(history["loss"], 0.1)
    weights = np.where(Y, 9.0, 1.0)
    history = walker().fit(X, Y.astype(np.float32), epochs=3, sampling=weights, **FIT)
    np.testing.assert_allclose(history["loss"], 0.5, atol=0.021)
    never = walker().fit(X, Y.astype(np.float32), epochs=3, sampling=1.0 - Y, **FIT)
    assert never["loss"] == [0.0] * 3


def test_balanced_classes():
    trainer = Trainer(nn.Dense(2), losses.cross_entropy, optimizers.SGD(0.5))
    zeros = np.zeros_like(X)
    trainer.fit(zeros, Y, epochs=30, sampling="balanced", **FIT)
    logits = trainer.predict(zeros[:1])[0]
    assert abs(logits[0] - logits[1]) < 0.5  # both classes are as likely
    trainer.fit(zeros, Y, epochs=30, **FIT)
    logits = trainer.predict(zeros[:1])[0]
    assert logits[0] - logits[1] > 1.5  # nine to one: log 9 = 2.2


def test_sample_weights_go_along_with_what_is_drawn():
    history = walker().fit(
        X, Y.astype(np.float32), epochs=1, sampling=1.0 + Y, sample_weight=1.0 * (Y == 0), **FIT
    )
    assert history["loss"] == [0.0]


@pytest.mark.parametrize("sampling", ["balanced", 1.0 + 3 * Y])
def test_training_resumes_bit_for_bit(sampling, tmp_path):
    options = {"sampling": sampling, "validation": 0.2, **FIT}
    whole, first = made(), made()
    whole.fit(X, Y, epochs=5, **options)
    first.fit(X, Y, epochs=2, **options)
    first.save(tmp_path / "run")
    network = nn.Sequential(nn.Dense(4), nn.tanh, nn.Dropout(0.2), nn.Dense(2))
    second = Trainer.load(
        tmp_path / "run", network, loss=losses.cross_entropy, optimizer=optimizers.Adam(0.05)
    )
    second.fit(X, Y, epochs=3, **options)
    assert second.history["loss"] == whole.history["loss"]
    for path, weight in whole.weights().items():
        np.testing.assert_array_equal(second.weights()[path], weight)


def test_equal_weights_draw_every_sample_once():
    history = walker().fit(X, np.arange(COUNT, dtype=float), sampling=np.ones(COUNT), **FIT)
    np.testing.assert_allclose(history["loss"], np.mean(np.arange(COUNT) ** 2.0))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"sampling": "even"}, InvalidArgumentError, 'sampling= is "balanced" or a weight'),
        ({"sampling": np.ones(5)}, DataError, r"shape \(5,\): give one weight for each of the 100"),
        ({"sampling": np.zeros(COUNT)}, DataError, "not all zero"),
        ({"sampling": -np.ones(COUNT)}, DataError, "not negative"),
        ({"sampling": "balanced", "shuffle": False}, InvalidArgumentError, "shuffle=False"),
    ],
)
def test_what_makes_no_sense(options, error, text):
    with pytest.raises(error, match=text):
        made().fit(X, Y, epochs=1, **options, **FIT)


def test_quantities_cannot_be_balanced_and_a_search_draws_nothing():
    with pytest.raises(DataError, match="needs y to be classes"):
        walker().fit(X, Y.astype(float), epochs=1, sampling="balanced", **FIT)
    solver = Trainer(nn.Dense(2), losses.cross_entropy, optimizers.LBFGS())
    with pytest.raises(InvalidArgumentError, match="give sample_weight= instead"):
        solver.fit(X, Y, sampling="balanced", batch_size=COUNT)
