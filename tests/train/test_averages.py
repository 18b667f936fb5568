"""Training with averages of the weights, and with batches that are left out."""

import numpy as np
import pytest

from gradiente import Trainer, losses, nn, optimizers
from gradiente.base.errors import InvalidArgumentError, NonFiniteError

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "native"])


def data(count=24):
    random = np.random.default_rng(0)
    x = random.normal(size=(count, 3))
    return x, x @ random.normal(size=(3, 2)) + 0.1 * random.normal(size=(count, 2))


def trainer_with(optimizer, backend="numpy"):
    return Trainer(nn.Dense(2), losses.mse, optimizer, seed=0, backend=backend)


@BACKENDS
def test_evaluation_with_the_averaged_weights(backend):
    x, y = data()
    trainer = trainer_with(optimizers.exponential_moving_average(optimizers.SGD(0.1), 0.9), backend)
    history = trainer.fit(x, y, epochs=3, batch_size=4, validation=(x, y), verbose=False)
    last, plain = trainer.weights(), trainer.evaluate(x, y)
    with trainer.averaged():
        averages, averaged = trainer.weights(), trainer.evaluate(x, y)
        prediction = trainer.predict(x)
    expected = x @ averages["weight"] + averages["bias"]
    np.testing.assert_allclose(prediction, expected, rtol=1e-12)
    assert averaged["loss"] != plain["loss"]
    assert averaged["loss"] == history[-1]["validation_loss"]
    assert trainer.evaluate(x, y) == plain
    np.testing.assert_array_equal(trainer.network.weight, last["weight"])
    trainer.set_weights(averages)
    assert trainer.evaluate(x, y)["loss"] == averaged["loss"]


def test_averages_continue_from_a_file(tmp_path):
    x, y = data()
    make = lambda: optimizers.stochastic_weight_averaging(optimizers.Adam(0.1), 2, 2)  # noqa: E731
    whole, first = trainer_with(make()), trainer_with(make())
    whole.fit(x, y, epochs=4, batch_size=5, verbose=False)
    first.fit(x, y, epochs=2, batch_size=5, verbose=False)
    first.save(tmp_path / "run")
    second = Trainer.load(
        tmp_path / "run", nn.Dense(2), loss=losses.mse, optimizer=make(), backend="numpy"
    )
    second.fit(x, y, epochs=2, batch_size=5, verbose=False)
    with whole.averaged(), second.averaged():
        for path, value in whole.weights().items():
            np.testing.assert_array_equal(second.weights()[path], value)


def test_early_stopping_puts_the_weights_back_that_were_measured():
    x, y = data()
    trainer = trainer_with(optimizers.exponential_moving_average(optimizers.SGD(0.9), 0.9))
    history = trainer.fit(
        x[:12], y[:12], epochs=30, batch_size=4, validation=(x[12:], y[12:]), early_stopping=2
    )
    best = min(row["validation_loss"] for row in history)
    np.testing.assert_allclose(trainer.evaluate(x[12:], y[12:])["loss"], best, rtol=1e-12)


def test_no_average_to_use():
    trainer = trainer_with(optimizers.SGD(0.1))
    with (
        pytest.raises(InvalidArgumentError, match="keeps no average of the weights"),
        trainer.averaged(),
    ):
        pass


@BACKENDS
def test_a_damaged_batch_is_left_out(backend):
    x, y = data()
    damaged = np.insert(x, 4, np.full((4, 3), np.nan), axis=0), np.insert(y, 4, y[:4], axis=0)
    options = {"epochs": 1, "batch_size": 4, "shuffle": False, "verbose": False}
    clean = trainer_with(optimizers.Adam(0.1), backend)
    ours = trainer_with(optimizers.skip_non_finite(optimizers.Adam(0.1)), backend)
    expected = clean.fit(x, y, **options)[-1]["loss"]
    assert ours.fit(*damaged, **options)[-1]["loss"] == expected
    for path, value in clean.weights().items():
        np.testing.assert_array_equal(ours.weights()[path], value)


def test_batches_that_are_all_damaged_end_the_training():
    x, y = data()
    trainer = trainer_with(optimizers.skip_non_finite(optimizers.SGD(0.1), maximum=2))
    with pytest.raises(NonFiniteError):
        trainer.fit(x * np.nan, y, epochs=1, batch_size=4, verbose=False)
