"""Finding a learning rate: it leaves no trace, and suggests a rate at which the loss falls."""

import copy

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers, schedules
from gradiente.base.errors import GradienteError, InvalidArgumentError, NonFiniteError
from gradiente.base.trees import flatten, map_tree
from gradiente.train.callbacks import Callback
from gradiente.train.learning_rates import LearningRateTest
from gradiente.train.rate_finder import with_rate_tried
from gradiente.train.trainer import Trainer

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(70, 4)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def made(optimizer=None, **options):
    net = nn.Sequential(nn.Dense(8), nn.BatchNorm(), nn.relu, nn.Dropout(0.2), nn.Dense(2))
    return Trainer(net, losses.cross_entropy, optimizer, metrics=[metrics.accuracy], **options)


OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(0.1, momentum=0.9),
    "Adam": lambda: optimizers.Adam(1e-2),
    "a schedule from zero": lambda: optimizers.AdamW(schedules.warmup(0.01, steps=4)),
    "a watched loss": lambda: optimizers.SGD(schedules.reduce_on_plateau(0.1, patience=0)),
    "updates left out": lambda: optimizers.skip_non_finite(optimizers.Adam(1e-2)),
    "a second gradient": lambda: optimizers.sam(optimizers.SGD(0.1)),
    "curvature": lambda: optimizers.Sophia(1e-2, every=2),
    "one rate in groups": lambda: optimizers.groups(
        {"0.*": optimizers.SGD(0.1), "*": optimizers.SGD(0.1, momentum=0.5)}
    ),
}
backends = pytest.mark.parametrize("backend", ["numpy", "native"])


def assert_same(first, second):
    assert flatten(first)[1] == flatten(second)[1]
    for a, b in zip(flatten(first)[0], flatten(second)[0], strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def fitted(trainer, find, **options):
    """Two fits, with or without a test of rates before each."""
    for _ in range(2):
        if find:
            trainer.find_learning_rate(X, Y, batch_size=16, steps=30)
        trainer.fit(X, Y, epochs=2, batch_size=16, verbose=False, **options)
    return trainer


@backends
@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_as_if_nothing_had_been_tried(name, accumulate, backend):
    first, second = (
        fitted(
            made(OPTIMIZERS[name](), clip_norm=1.0, accumulate=accumulate, backend=backend), find
        )
        for find in (True, False)
    )
    assert_same(first.state, second.state)
    assert_same(first.weights(), second.weights())
    drop = ("seconds",)
    rows = [
        [{k: v for k, v in row.items() if k not in drop} for row in trainer.history]
        for trainer in (first, second)
    ]
    assert rows[0] == rows[1]


def test_nothing_of_the_trainer_changes():
    trainer = fitted(made(), find=False)
    before = map_tree(np.array, trainer.state)
    arrays = trainer.network.state()
    weights, history, step = trainer.weights(), copy.deepcopy(trainer.history), trainer.step
    trainer.find_learning_rate(X, Y, steps=20)
    assert_same(trainer.state, before)
    assert_same(trainer.weights(), weights)
    assert all(value is arrays[path] for path, value in trainer.network.state().items())
    assert trainer.history == history and trainer.step is step


def test_before_training_there_is_still_no_state():
    trainer = made()
    trainer.find_learning_rate(X, Y, steps=20)
    assert trainer.state is None and len(trainer.history) == 0
    assert trainer.weights().keys() == made_weights().keys()


def made_weights():
    trainer = made()
    trainer.predict(X)
    return trainer.weights()


def test_what_was_changed_between_fits_counts():
    """Weights set, and parameters frozen, by hand."""
    trainer = fitted(made(optimizers.SGD(0.1)), find=False)
    trainer.network.freeze("0.*")
    trainer.set_weights({path: np.zeros_like(v) for path, v in trainer.weights().items()})
    found = trainer.find_learning_rate(X, Y, steps=10, highest=1e-3)
    assert found.first == pytest.approx(np.log(2))


def test_each_loss_is_that_after_an_update_with_its_rate():
    x, y = np.ones((4, 1)), np.zeros((4, 1))
    net = nn.Sequential(nn.Dense(1, use_bias=False)).initialize(x)
    net[0].weight = np.array([[1.0]])
    trainer = Trainer(net, losses.mse, optimizers.SGD(123.0))
    found = trainer.find_learning_rate(x, y, lowest=0.01, highest=0.16, steps=5)
    assert found.rates == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.16])
    assert found.first == 1.0
    weights = np.cumprod([1 - 2 * rate for rate in found.rates])
    np.testing.assert_allclose(found.losses, weights**2, rtol=1e-12)
    assert net[0].weight == 1.0


@backends
def test_it_ends_when_the_loss_explodes_and_suggests_a_rate_that_trains(backend):
    x = RANDOM.normal(size=(256, 5))
    y = x @ np.arange(1.0, 6.0)[:, np.newaxis] + 0.1
    made = lambda rate: Trainer(  # noqa: E731
        nn.Sequential(nn.Dense(1)), losses.mse, optimizers.SGD(rate), backend=backend
    )
    found = made(1.0).find_learning_rate(x, y)
    assert found.stopped == "the loss exploded"
    assert len(found.rates) == len(found.losses) < 100
    assert found.suggestion <= found.lowest < found.rates[-1]
    assert 1e-3 < found.suggestion < 1.0
    losses_after = made(found.suggestion).fit(x, y, epochs=5, verbose=False)["loss"]
    assert losses_after[-1] < 0.1 * losses_after[0]


def test_losses_that_overflow_are_no_error():
    x = RANDOM.normal(size=(64, 5)).astype(np.float32)
    trainer = Trainer(nn.Sequential(nn.Dense(1)), losses.mse, optimizers.SGD(0.1))
    found = trainer.find_learning_rate(x, x[:, :1], lowest=1e3, highest=1e30, steps=20)
    assert found.stopped == "the loss exploded" and np.isfinite(found.losses).all()
    assert found.suggestion is None and "try" in repr(found)


def test_a_trainer_can_take_the_suggestion_before_its_first_fit():
    trainer = made(optimizers.SGD(0.1))
    found = trainer.find_learning_rate(X, Y, batch_size=16, lowest=1e-4)
    trainer.learning_rate = found.suggestion
    history = trainer.fit(X, Y, epochs=1, batch_size=16, verbose=False)
    assert history["learning_rate"] == [pytest.approx(found.suggestion)]
    other = made(optimizers.SGD(found.suggestion))
    other.fit(X, Y, epochs=1, batch_size=16, verbose=False)
    for path, value in trainer.weights().items():
        np.testing.assert_allclose(value, other.weights()[path], rtol=1e-5, atol=1e-6)


def result(losses, **options):
    rates = np.geomspace(1e-4, 1.0, len(losses)).tolist()
    settings = {"first": losses[0], "steps": len(losses), "stopped": "all rates tried"}
    return LearningRateTest(rates, list(losses), **{**settings, "bound": 10.0, **options})


@pytest.mark.parametrize("seed", range(20))
def test_the_suggestion_is_where_the_smoothed_loss_falls_and_never_past_its_minimum(seed):
    random = np.random.default_rng(seed)
    losses = 2 + np.cumsum(random.normal(0, 0.3, 60))
    found = result(losses)
    lowest = int(np.argmin(found.smoothed))
    assert found.lowest == found.rates[lowest]
    slopes = np.gradient(found.smoothed, np.log(found.rates))
    if found.suggestion is None:
        assert (slopes[: lowest + 1] >= 0).all()
    else:
        place = found.rates.index(found.suggestion)
        assert place <= lowest and slopes[place] == slopes[: lowest + 1].min() < 0


def test_a_steeper_fall_after_the_minimum_is_not_taken():
    losses = [2.0] * 10 + list(np.linspace(2, 1, 10)) + [9.0] * 10 + [5.0] * 10
    found = result(losses)
    steepest = np.argmin(np.gradient(found.smoothed))
    assert steepest > 25 > found.rates.index(found.lowest)
    assert found.rates[10] <= found.suggestion <= found.rates[20]


def test_a_loss_that_only_rises_has_no_suggestion():
    found = result(np.linspace(1, 2, 30))
    assert found.suggestion is None
    assert "No suggestion" in repr(found)
    assert found.plot() is not None


def test_the_smoothed_loss_is_not_late():
    """The smoothed step is in the middle where the raw one is."""
    found = result([2.0] * 30 + [1.0] * 30)
    assert np.argmin(np.gradient(found.smoothed)) in (29, 30)


def test_an_exploded_loss_hides_nothing():
    losses = [2.0] * 30 + list(np.linspace(2, 1, 20)) + [1e30]
    assert max(result(losses).smoothed[:40]) < 2.1


def test_repr_and_plot():
    found = result(np.linspace(2, 1, 30))
    assert f"Suggestion: {found.suggestion:.2g}" in repr(found)
    pytest.importorskip("plotly")
    figure = found.plot()
    np.testing.assert_array_equal(figure.data[0].x, found.rates)
    np.testing.assert_array_equal(figure.data[1].y, found.smoothed)
    assert figure.layout.xaxis.type == "log"
    assert f"{found.suggestion:.2g}" in figure.layout.annotations[0].text


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lowest": 0}, "`lowest` is 0: .*above 0"),
        ({"lowest": 1.0, "highest": 0.1}, "`highest` is 0.1: .*above 1"),
        ({"steps": 1}, "`steps` is 1: .*2 or more"),
        ({"batch_size": 0}, "`batch_size` is 0"),
    ],
)
def test_refused(options, text):
    with pytest.raises(InvalidArgumentError, match=text):
        made().find_learning_rate(X, Y, **options)


def test_groups_with_different_rates_have_no_single_one():
    groups = optimizers.groups({"0.*": optimizers.SGD(0.1), "*": optimizers.SGD(0.2)})
    with pytest.raises(InvalidArgumentError, match="no single learning rate"):
        made(groups).find_learning_rate(X, Y)


def test_a_loss_that_is_not_finite_from_the_start():
    trainer = Trainer(nn.Sequential(nn.Dense(1)), losses.mse)
    with pytest.raises(NonFiniteError, match="before any update"):
        trainer.find_learning_rate(X, np.full((len(X), 1), np.inf, np.float32))


def test_not_in_the_middle_of_a_fit():
    class Impatient(Callback):
        def on_epoch_end(self, trainer, row):
            trainer.find_learning_rate(X, Y)

    with pytest.raises(GradienteError, match="in the middle of a fit"):
        made().fit(X, Y, epochs=1, callbacks=[Impatient()], verbose=False)


def test_a_search_has_no_rate_to_be_found():
    with pytest.raises(InvalidArgumentError, match="searches the length of each step by itself"):
        made(optimizers.LBFGS()).find_learning_rate(X, Y)


@pytest.mark.parametrize("name", [name for name in optimizers.OPTIMIZERS if name != "lbfgs"])
def test_every_optimizer_moves_as_with_the_rate_tried(name):
    """Whatever rate, or schedule, it was made with."""
    factory = optimizers.find_optimizer(name)
    parameters = {"a": RANDOM.normal(size=(3, 4)), "b": RANDOM.normal(size=4)}
    tried, made = with_rate_tried(factory(schedules.linear(0.7, 3))), factory(0.02)
    state, expected_state = tried.init(parameters), made.init(parameters)
    for _ in range(3):
        gradients = {path: RANDOM.normal(size=value.shape) for path, value in parameters.items()}
        state = {**state, "rate_scale": np.array(0.02)}
        updates, state = tried.update(gradients, state, parameters)
        expected, expected_state = made.update(gradients, expected_state, parameters)
        for path in parameters:
            np.testing.assert_allclose(updates[path], expected[path], rtol=1e-12, atol=1e-15)


def test_an_optimizer_around_another_tries_the_same_rates():
    options = {"batch_size": 16, "steps": 30}
    plain, inside = (
        made(optimizer).find_learning_rate(X, Y, **options)
        for optimizer in (
            optimizers.SGD(0.1),
            optimizers.skip_non_finite(optimizers.SGD(0.1)),
        )
    )
    np.testing.assert_array_equal(plain.losses, inside.losses)
