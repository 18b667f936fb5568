"""From options and data to a trainer."""

import numpy as np
import pytest

from gradiente.base.errors import InvalidArgumentError
from gradiente.cli.options import checked_options
from gradiente.cli.recipe import build_network, build_schedule, build_trainer, complete
from gradiente.data.columns import NumberColumn
from gradiente.data.encode import Preprocessing
from gradiente.data.encode_images import ImagePreprocessing
from gradiente.data.target import ClassTarget, NumberTarget
from gradiente.nn.activations import ACTIVATIONS
from gradiente.optimizers import OPTIMIZERS
from gradiente.schedules import SCHEDULES

COLUMNS = (NumberColumn("a", 0.0, 1.0), NumberColumn("b", 0.0, 1.0))
TWO = Preprocessing(COLUMNS, ClassTarget("y", ("n", "y"), "text"))
THREE = Preprocessing(COLUMNS, ClassTarget("y", ("a", "b", "c"), "text"))
NUMBER = Preprocessing(COLUMNS, NumberTarget("y", 0.0, 1.0))
IMAGES = ImagePreprocessing(4, 5, 1, 0.5, 0.2, ClassTarget("class", ("a", "b"), "text"))


def options(preprocessing=TWO, rows=1000, **given):
    return complete(checked_options({"data": "x", **given}), preprocessing, rows)


def test_what_depends_on_the_data_is_filled_in():
    small, large = options(), options(NUMBER, rows=25_000)
    assert (small.hidden, small.batch_size, small.loss) == ((64, 32), 32, "cross_entropy")
    assert (large.hidden, large.batch_size, large.loss) == ((128, 64), 256, "mse")
    assert (small.task, large.task) == ("classification", "regression")
    assert options(IMAGES).hidden == (256, 128)
    assert options(optimizer="sgd").learning_rate > options().learning_rate


def test_what_is_given_stays():
    given = options(hidden="7", batch_size=5, learning_rate=0.5, loss="binary_cross_entropy")
    assert (given.hidden, given.batch_size, given.learning_rate) == ((7,), 5, 0.5)
    assert given.loss == "binary_cross_entropy"


@pytest.mark.parametrize(
    ("preprocessing", "loss", "message"),
    [
        (TWO, "mse", "mse does not fit y, which is classes: choose from cross_entropy"),
        (NUMBER, "cross_entropy", "does not fit y, which is a quantity: choose from mse"),
        (THREE, "binary_cross_entropy", "takes two classes, and y has 3"),
    ],
)
def test_losses_that_do_not_fit(preprocessing, loss, message):
    with pytest.raises(InvalidArgumentError, match=message):
        options(preprocessing, loss=loss)


@pytest.mark.parametrize(
    ("preprocessing", "given", "outputs"),
    [
        (TWO, {}, 2),
        (TWO, {"loss": "binary_cross_entropy"}, 1),
        (THREE, {"hidden": ""}, 3),
        (NUMBER, {"dropout": 0.0}, 1),
        (IMAGES, {}, 2),
    ],
)
def test_the_network_has_an_output_for_each_class(preprocessing, given, outputs):
    chosen = options(preprocessing, **given)
    trainer = build_trainer(chosen, preprocessing)
    assert trainer.predict(preprocessing.example()).shape == (1, outputs)
    layers = len(chosen.hidden) * (3 if chosen.dropout else 2) + 1 + (preprocessing is IMAGES)
    assert len(build_network(chosen, preprocessing)) == layers


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_can_be_chosen(name):
    schedule = build_schedule(name, 0.1, steps=100)
    rates = [float(schedule(step)) for step in range(100)]
    assert max(rates) == pytest.approx(0.1, rel=0.05)
    assert np.isfinite(rates).all() and min(rates) >= 0


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_schedules_of_few_steps(steps):
    for name in SCHEDULES:
        assert np.isfinite(float(build_schedule(name, 0.1, steps)(0)))


@pytest.mark.parametrize("name", [*OPTIMIZERS, *ACTIVATIONS])
def test_every_optimizer_and_activation_takes_a_step(name):
    kind = "optimizer" if name in OPTIMIZERS else "activation"
    trainer = build_trainer(options(**{kind: name}, hidden="4"), TWO, steps=2)
    x = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    trainer.fit(x, np.array([0, 1]), epochs=2, batch_size=2, verbose=False)
    assert np.isfinite(trainer.predict(x)).all()
