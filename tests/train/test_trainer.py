"""The trainer as a user meets it: arguments, same bits, evaluating, predicting, continuing."""

import subprocess
import sys

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers, schedules
from gradiente.base.errors import DataError, GradienteError, InvalidArgumentError, UnknownNameError
from gradiente.data.batches import epoch_order
from gradiente.train.callbacks import Callback
from gradiente.train.trainer import Trainer

RANDOM = np.random.default_rng(31)
X = RANDOM.normal(size=(53, 4)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def network():
    return nn.Sequential(nn.Dense(8), nn.BatchNorm(), nn.relu, nn.Dropout(0.2), nn.Dense(2))


def made(**options):
    return Trainer(network(), **{"loss": losses.cross_entropy, **options})


def assert_same_bits(first, second):
    assert set(first) == set(second)
    for path, value in first.items():
        np.testing.assert_array_equal(value, second[path], err_msg=path)


# -- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"network": nn.Sequential}, r"the network is the class Sequential; write Sequential\("),
        ({"network": lambda x: x}, "the network is the function `<lambda>`, in which no layers"),
        ({"network": None}, r"must be an nn\.Module, not None"),
        ({"loss": int}, "the loss must be a function"),
        ({"optimizer": "adam"}, "the optimizer must be one of gradiente.optimizers"),
        ({"optimizer": optimizers.Adam}, r"write Adam\(\.\.\.\)"),
        (
            {"optimizer": optimizers.clip_by_value(1.0)},
            "moves no parameters.*write optim",
        ),
        ({"optimizer": optimizers.freeze()}, "freeze.* moves no parameters"),
        ({"metrics": metrics.accuracy}, "metrics is a list of metrics"),
        ({"metrics": ["accuracy"]}, r"'accuracy' is not a metric .*; write metrics\.accuracy"),
        ({"metrics": [metrics.top_k_accuracy]}, r"write metrics\.top_k_accuracy\(\.\.\.\)"),
        ({"metrics": [np.mean]}, "is not a metric of gradiente.metrics"),
        ({"metrics": [metrics.auc, metrics.auc]}, "two metrics have the same name"),
        ({"seed": -1}, "`seed` is -1"),
        ({"accumulate": 0}, "`accumulate` is 0"),
        ({"clip_norm": 0}, "`maximum_norm` is 0"),
    ],
)
def test_wrong_arguments_are_refused_with_a_hint(arguments, text):
    with pytest.raises(InvalidArgumentError, match=text):
        Trainer(**{"network": network(), "loss": losses.mse, **arguments})


def test_an_unknown_backend_is_refused_at_once():
    with pytest.raises(UnknownNameError, match="there is no backend `cuda`"):
        made(backend="cuda")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"epochs": 0}, "`epochs` is 0"),
        ({"epochs": 1.5}, r"`epochs` is 1\.5"),
        ({"batch_size": 0}, "`batch_size` is 0"),
        ({"batch_size": None}, "`batch_size` is None"),
        ({"max_seconds": 0}, "`max_seconds` is 0"),
        ({"early_stopping": 0}, "`patience` is 0"),
        ({"callbacks": print}, "callbacks is a list of callbacks"),
    ],
)
def test_wrong_options_of_fit_are_refused(options, text):
    trainer = made()
    with pytest.raises(InvalidArgumentError, match=text):
        trainer.fit(X, Y, **options)
    assert len(trainer.history) == 0 and trainer.network.state() == {}


def test_what_a_trainer_is_made_of_cannot_be_exchanged_later():
    trainer = made()
    for name in ("network", "optimizer", "state"):
        with pytest.raises(AttributeError):
            setattr(trainer, name, None)
    assert repr(trainer).startswith("Trainer(Sequential(Dense(8), BatchNorm()")
    assert repr(trainer).endswith("seed=0, 0 epochs done)")


def test_the_default_optimizer_is_adam():
    assert repr(made().optimizer).startswith("Adam(learning_rate=0.001")


# -- the same seed gives the same bits -----------------------------------------------------------


def trained(seed=3, **options):
    trainer = made(seed=seed, metrics=[metrics.accuracy])
    trainer.fit(X, Y, **{"epochs": 3, "batch_size": 16, "validation": 0.2, **options})
    return trainer


def without_time(history):
    return [{name: v for name, v in row.items() if name != "seconds"} for row in history]


def test_the_same_seed_gives_the_same_bits():
    first, second = trained(), trained()
    assert_same_bits(first.weights(), second.weights())
    assert without_time(first.history) == without_time(second.history)


def test_another_seed_gives_others():
    first, second = trained(), trained(seed=4)
    for path in ("0.weight", "1.running_mean", "4.bias"):
        assert (first.weights()[path] != second.weights()[path]).all()


def test_another_process_gives_the_same_bits():
    """Which has other hashes of strings, other addresses, and nothing imported before."""
    program = (
        "import sys, hashlib; sys.path[:0] = {path!r}; import test_trainer;"
        "weights = test_trainer.trained().weights();"
        "print(hashlib.sha256(b''.join(weights[p].tobytes() for p in sorted(weights))).hexdigest())"
    ).format(path=[*sys.path, __file__.rpartition("/")[0]])
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    }
    import hashlib

    weights = trained().weights()
    own = hashlib.sha256(b"".join(weights[path].tobytes() for path in sorted(weights)))
    assert found == {own.hexdigest() + "\n"}


def test_the_order_of_the_samples_is_a_function_of_seed_and_epoch():
    """Shuffled training equals training on samples put in that order beforehand."""
    shuffled = made(seed=5, optimizer=optimizers.SGD(0.1))
    shuffled.fit(X, Y, epochs=2, batch_size=10)
    sorted_before = made(seed=5, optimizer=optimizers.SGD(0.1))
    for epoch in (1, 2):
        order = epoch_order(len(X), 5, epoch)
        sorted_before.fit(X[order], Y[order], epochs=1, batch_size=10, shuffle=False)
    assert_same_bits(shuffled.weights(), sorted_before.weights())
    assert (epoch_order(53, 5, 1) != epoch_order(53, 5, 2)).any()


def test_every_sample_is_seen_once_an_epoch():
    net = nn.Sequential(nn.Dense(1, use_bias=False))
    trainer = Trainer(net, lambda p, t: np.mean(p), optimizers.SGD(1.0))
    x = np.eye(11)
    net.initialize(x)
    start = net[0].weight.copy()
    trainer.fit(x, np.zeros(11), epochs=1, batch_size=1)
    np.testing.assert_allclose(net[0].weight, start - 1.0, rtol=1e-12)


# -- the history ---------------------------------------------------------------------------------


def test_history_has_a_row_for_each_epoch():
    trainer = trained(epochs=4)
    history = trainer.history
    assert history.columns == [
        "epoch",
        "learning_rate",
        "loss",
        "accuracy",
        "validation_loss",
        "validation_accuracy",
        "seconds",
    ]
    assert history["epoch"] == [1, 2, 3, 4]
    assert history["learning_rate"] == [1e-3] * 4
    assert all(type(value) in (int, float) for row in history for value in row.values())
    assert history.stopped == "all epochs done"
    assert trained().fit(X, Y, epochs=1) is not history


def test_the_loss_of_an_epoch_is_that_of_training():
    trainer = made(optimizer=optimizers.SGD(0.0), metrics=[metrics.accuracy])
    x, y = X.astype(np.float64), Y
    net = nn.Sequential(nn.Dense(2))
    trainer = Trainer(net, losses.cross_entropy, optimizers.SGD(0.0), metrics=[metrics.accuracy])
    row = trainer.fit(x, y, epochs=1, batch_size=20, validation=(x, y))[0]
    assert row["accuracy"] == row["validation_accuracy"]
    np.testing.assert_allclose(row["loss"], row["validation_loss"], rtol=1e-12)


def test_fitting_again_continues():
    twice, once = made(), made()
    twice.fit(X, Y, epochs=2)
    history = twice.fit(X, Y, epochs=3)
    once.fit(X, Y, epochs=5)
    assert history["epoch"] == [1, 2, 3, 4, 5]
    assert_same_bits(twice.weights(), once.weights())
    assert without_time(history) == without_time(once.history)


# -- data of all kinds ---------------------------------------------------------------------------


def test_lists_and_tables_are_arrays():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    x, y = X.astype(np.float64), Y
    expected = made()
    expected.fit(x, y, epochs=1)
    table, column = pandas.DataFrame(x, columns=list("abcd")), pandas.Series(y)
    for given in (
        (x.tolist(), y.tolist()),
        (table, column),
        (polars.DataFrame(x), polars.Series(y)),
        (np.asfortranarray(x), y.astype(np.uint8)),
        (list(x), y[:, np.newaxis]),
    ):
        trainer = made()
        trainer.fit(*given, epochs=1)
        assert_same_bits(trainer.weights(), expected.weights())
    np.testing.assert_array_equal(trainer.predict(table), trainer.predict(x))


def test_float64_inputs_train_in_float64():
    trainer = made()
    trainer.fit(X.astype(np.float64), Y, epochs=1)
    assert {value.dtype for value in trainer.weights().values()} == {np.dtype(np.float64)}
    assert trainer.predict(X.astype(np.float64)).dtype == np.float64


def test_images_of_integers_train_in_float32():
    images = RANDOM.integers(0, 256, (40, 5, 5, 1), dtype=np.uint8)
    labels = (images[:, 2, 2, 0] > 128).astype(int)
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm(), nn.Dense(8), nn.relu, nn.Dense(2))
    trainer = Trainer(net, losses.cross_entropy, optimizers.Adam(0.01))
    history = trainer.fit(images, labels, epochs=10)
    assert {value.dtype for value in trainer.weights().values()} == {np.dtype(np.float32)}
    assert history["loss"][-1] < history["loss"][0]


def test_tokens_train_an_embedding():
    tokens = RANDOM.integers(0, 6, (60, 3))
    labels = (tokens[:, 0] > 2).astype(int)
    net = nn.Sequential(nn.Embedding(6, 4), nn.Flatten(), nn.Dense(2))
    trainer = Trainer(net, losses.cross_entropy, optimizers.Adam(0.05), metrics=[metrics.accuracy])
    trainer.fit(tokens, labels, epochs=30)
    assert trainer.evaluate(tokens, labels)["accuracy"] == 1.0


def test_validation_is_given_or_set_aside():
    weight = RANDOM.uniform(0, 1, len(X))
    trainer = made(metrics=[metrics.accuracy])
    row = trainer.fit(X, Y, epochs=1, validation=(X[:20], Y[:20], weight[:20]))[-1]
    expected = trainer.evaluate(X[:20], Y[:20], weight[:20])
    assert row["validation_loss"] == expected["loss"]
    assert row["validation_accuracy"] == expected["accuracy"]
    assert row["validation_loss"] != trainer.evaluate(X[:20], Y[:20])["loss"]


def test_a_fraction_is_chosen_by_the_seed_and_keeps_the_classes():
    seen = []

    def remember(trainer, row):
        seen.append(trainer._run.plan)

    y = np.r_[np.zeros(40, int), np.ones(13, int)]
    for seed in (1, 1, 2):
        made(seed=seed).fit(X, y, epochs=1, validation=0.3, callbacks=[remember])
    first, same, other = (plan.validation for plan in seen)
    np.testing.assert_array_equal(first.x, same.x)
    assert (first.x != other.x).any()
    assert first.count == 16 and seen[0].data.count == 37
    assert first.y.sum() == 4  # of 13 of 53
    together = np.concatenate([first.x, seen[0].data.x])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(X, axis=0))


# -- evaluating and predicting -------------------------------------------------------------------

EVERY_METRIC = [metrics.accuracy, metrics.auc, metrics.f1, metrics.confusion_matrix(2)]


@pytest.mark.parametrize("weighted", [False, True])
def test_evaluating_is_exact_whatever_the_batch_size(weighted):
    trainer = made(metrics=EVERY_METRIC)
    trainer.fit(X, Y, epochs=2)
    weight = RANDOM.uniform(0, 1, len(X)) if weighted else None
    prediction = trainer.predict(X)
    for size in (1, 7, 53, 1000):
        found = trainer.evaluate(X, Y, weight, batch_size=size)
        assert list(found) == ["loss", "accuracy", "auc", "f1", "confusion_matrix"]
        expected = losses.cross_entropy(prediction.astype(float), Y, weight)
        np.testing.assert_allclose(found["loss"], expected, rtol=1e-5)
        for metric in EVERY_METRIC:
            expected = metric(prediction, Y, weight)
            np.testing.assert_allclose(found[metric.name], expected, rtol=1e-5)


def test_metrics_that_need_all_predictions_are_measured_on_validation_data_only():
    history = made(metrics=[metrics.auc]).fit(X, Y, epochs=1, validation=(X, Y))
    assert "validation_auc" in history.columns and "auc" not in history.columns


def test_predicting_keeps_order_shape_and_type():
    trainer = made()
    trainer.fit(X, Y, epochs=1)
    whole = trainer.predict(X, batch_size=53)
    assert whole.shape == (53, 2) and whole.dtype == np.float32
    for size in (1, 10, 53, 1000):
        np.testing.assert_allclose(trainer.predict(X, batch_size=size), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(trainer.predict(X[::-1]), whole[::-1], rtol=1e-5, atol=1e-6)
    assert type(trainer.predict(X[:1])) is np.ndarray
    np.testing.assert_allclose(trainer.network(X), whole, rtol=1e-5, atol=1e-6)


def test_a_network_can_be_used_before_it_is_trained():
    first, second = made(seed=9), made(seed=9)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    assert (first.predict(X) != made(seed=8).predict(X)).any()
    assert second.evaluate(X, Y)["loss"] > 0
    first.fit(X, Y, epochs=1)
    fresh = made(seed=9)
    fresh.fit(X, Y, epochs=1)
    assert_same_bits(first.weights(), fresh.weights())


def test_summary_shows_the_network_as_the_trainer_would_begin_with_it():
    trainer, other = made(seed=9), made(seed=9)
    assert trainer.summary().parameters == 0
    assert trainer.summary(X).parameters == 8 * 4 + 8 + 16 + 16 + 2
    trainer.fit(X, Y, epochs=1)
    other.fit(X, Y, epochs=1)
    assert_same_bits(trainer.weights(), other.weights())


def test_wrong_data_for_evaluating_and_predicting():
    trainer = made()
    with pytest.raises(DataError, match="there are no targets"):
        trainer.evaluate(X, None)
    with pytest.raises(DataError, match="no samples"):
        trainer.predict(X[:0])
    with pytest.raises(InvalidArgumentError, match="`batch_size` is 0"):
        trainer.predict(X, batch_size=0)


# -- the learning rate ---------------------------------------------------------------------------


def test_a_schedule_advances_with_every_update():
    schedule = schedules.linear(0.1, 20)
    rates = []
    trainer = made(optimizer=optimizers.SGD(schedule))

    class Watch(Callback):
        def on_batch_end(self, trainer, batch):
            rates.append(trainer.learning_rate)

    history = trainer.fit(X, Y, epochs=2, batch_size=10, callbacks=[Watch()])
    np.testing.assert_allclose(rates, [schedule(step) for step in range(1, 13)], rtol=1e-12)
    np.testing.assert_allclose(history["learning_rate"], [schedule(0), schedule(6)])


def test_updates_count_not_batches():
    trainer = made(optimizer=optimizers.SGD(schedules.linear(0.1, 20)), accumulate=4)
    trainer.fit(X, Y, epochs=1, batch_size=10)
    np.testing.assert_allclose(trainer.learning_rate, 0.1 * 18 / 20)


def test_the_learning_rate_can_be_set():
    net = nn.Sequential(nn.Dense(1))
    trainer = Trainer(net, losses.mse, optimizers.SGD(schedules.linear(0.1, 100)))
    with pytest.raises(GradienteError, match="training has not begun"):
        trainer.learning_rate = 0.1
    assert trainer.learning_rate is None
    trainer.fit(X, Y, epochs=1, batch_size=53)
    compiled = trainer._learner.compiled.update
    trainer.learning_rate = 0.01
    np.testing.assert_allclose(trainer.learning_rate, 0.01)
    before = net[0].bias.copy()
    gradient = 2 * np.mean(net(X)[:, 0] - Y)
    trainer.fit(X, Y, epochs=1, batch_size=53)
    np.testing.assert_allclose(net[0].bias, before - 0.01 * gradient, rtol=1e-4)
    np.testing.assert_allclose(trainer.learning_rate, 0.01 * 98 / 99)
    assert trainer._learner.compiled.update is compiled and compiled.variants == 1
    with pytest.raises(InvalidArgumentError, match="`learning_rate` is -1"):
        trainer.learning_rate = -1


def test_a_plateau_lowers_the_rate_without_compiling_anew():
    schedule = schedules.ReduceOnPlateau(0.1, factor=0.5, patience=1, threshold=0.0)
    net = nn.Sequential(nn.Dense(1, use_bias=False))
    net.load_state({"0.weight": np.zeros((1, 1))})
    trainer = Trainer(
        net, _flat_loss, optimizers.chain(optimizers.clip_by_value(9.0), optimizers.SGD(schedule))
    )
    x = np.ones((4, 1))
    history = trainer.fit(x, np.zeros(4), epochs=6, batch_size=4, validation=(x, np.zeros(4)))
    assert history["learning_rate"] == [0.1, 0.1, 0.1, 0.05, 0.05, 0.025]
    np.testing.assert_allclose(net[0].weight, -0.1 * 3 - 0.05 * 2 - 0.025, rtol=1e-12)
    assert trainer._learner.compiled.update.variants == 1


def _flat_loss(prediction, target):
    """1 whatever the prediction, with a gradient that is not."""
    import gradiente as gd

    value = np.mean(prediction)
    return value - gd.stop_gradient(value) + 1.0


def test_a_rate_that_is_set_stays_under_a_plateau():
    trainer = made(optimizer=optimizers.SGD(schedules.ReduceOnPlateau(0.1)))
    trainer.fit(X, Y, epochs=1)
    trainer.learning_rate = 0.01
    history = trainer.fit(X, Y, epochs=2)
    np.testing.assert_allclose(history["learning_rate"], [0.1, 0.01, 0.01])


def test_plateaus_that_cannot_be_served_are_refused():
    one, other = schedules.ReduceOnPlateau(0.1), schedules.ReduceOnPlateau(0.2)
    with pytest.raises(InvalidArgumentError, match="two optimizers have different ReduceOnPlateau"):
        made(optimizer=optimizers.groups({"0.*": optimizers.SGD(one), "*": optimizers.SGD(other)}))
    with pytest.raises(InvalidArgumentError, match="leave out greater_is_better"):
        made(optimizer=optimizers.SGD(schedules.ReduceOnPlateau(0.1, greater_is_better=True)))
    shared = optimizers.groups({"0.*": optimizers.SGD(one), "*": optimizers.Adam(one)})
    trainer = made(optimizer=shared)
    trainer.fit(X, Y, epochs=1)
    assert "plateau" in trainer.state


# -- the number of compiled variants -------------------------------------------------------------


@pytest.mark.usefixtures("every_improvement")
def test_nothing_is_compiled_anew_over_epochs():
    schedule = schedules.ReduceOnPlateau(1e-3, patience=0)
    trainer = made(optimizer=optimizers.AdamW(schedule), metrics=EVERY_METRIC, accumulate=2)
    options = {"batch_size": 10, "validation": (X[:20], Y[:20]), "epochs": 1}
    trainer.fit(X, Y, **options)
    compiled = trainer._learner.compiled
    names = ("update", "gather", "flush", "evaluate", "predict")
    first = {name: getattr(compiled, name).variants for name in names}
    for _ in range(3):
        trainer.fit(X, Y, **{**options, "epochs": 2})
    assert trainer._learner.compiled is compiled
    assert {name: getattr(compiled, name).variants for name in names} == first
    assert first["update"] == 1  # for whole batches and for the last, smaller one


# -- changing the network between fits -----------------------------------------------------------


def test_frozen_parameters_stay_and_the_rest_moves():
    trainer = made()
    trainer.network.initialize(X)
    trainer.network.freeze("0.*", "1.weight")
    before = trainer.weights()
    trainer.fit(X, Y, epochs=2)
    moved = {path for path, value in trainer.weights().items() if (value != before[path]).any()}
    assert moved == {
        "1.bias",
        "1.running_mean",
        "1.running_variance",
        "4.weight",
        "4.bias",
    }
    assert set(trainer.state["fixed"]) == {"0.weight", "0.bias", "1.weight"}
    assert set(trainer.state["optimizer"]["slots"]) == {"1.bias", "4.weight", "4.bias"}


def test_frozen_between_fits():
    trainer = made()
    trainer.fit(X, Y, epochs=2)
    trainer.network.freeze("0.*")
    moments = trainer.state["optimizer"]["slots"]["4.weight"]
    before = trainer.weights()
    trainer.fit(X, Y, epochs=1)
    assert (trainer.weights()["0.weight"] == before["0.weight"]).all()
    assert (trainer.weights()["4.weight"] != before["4.weight"]).any()
    assert "0.weight" not in trainer.state["optimizer"]["slots"]
    trainer.network.unfreeze()
    trainer.fit(X, Y, epochs=1)
    assert (trainer.weights()["0.weight"] != before["0.weight"]).all()
    assert int(trainer.state["optimizer"]["step"]) == 4 * 2
    assert all((value != 0).any() for value in moments.values())  # carried, not begun anew


def test_all_frozen_is_an_error():
    trainer = made()
    trainer.network.freeze()
    with pytest.raises(InvalidArgumentError, match="nothing to train: all parameters are frozen"):
        trainer.fit(X, Y)


def test_a_network_without_parameters_is_an_error():
    trainer = Trainer(nn.Sequential(nn.relu), losses.mse)
    with pytest.raises(InvalidArgumentError, match=r"has no parameters\. Layers inside a"):
        trainer.fit(X, X)


def test_weights_set_in_the_network_are_those_that_are_used():
    trainer, other = made(), made(seed=5)
    trainer.fit(X, Y, epochs=1)
    other.fit(X, Y, epochs=1)
    trainer.network.load_state(other.network.state())
    assert_same_bits(trainer.weights(), other.weights())
    np.testing.assert_array_equal(trainer.predict(X), other.predict(X))
    trainer.network[4].bias[:] = 100.0  # in place
    assert (trainer.predict(X) > 50).all()
    trainer.fit(X, Y, epochs=1)
    assert (trainer.network[4].bias > 50).all()


def test_set_weights():
    trainer = made()
    trainer.fit(X, Y, epochs=1)
    before = trainer.weights()
    trainer.fit(X, Y, epochs=1)
    trainer.set_weights(before)
    assert_same_bits(trainer.weights(), before)
    before["0.weight"][:] = 0
    assert trainer.weights()["0.weight"].any()
    with pytest.raises(UnknownNameError, match=r"the state lacks 0\.bias"):
        trainer.set_weights({"0.weight": before["0.weight"]})


def test_settings_changed_between_fits_count():
    trainer = made()
    trainer.fit(X, Y, epochs=1)
    before = trainer.predict(X)
    trainer.network[1].epsilon = 10.0
    assert (trainer.predict(X) != before).any()
    np.testing.assert_allclose(trainer.predict(X), trainer.network(X), rtol=1e-5, atol=1e-6)
    trainer.network.__dict__["2"] = nn.tanh
    np.testing.assert_allclose(trainer.predict(X), trainer.network(X), rtol=1e-5, atol=1e-6)


def test_a_head_exchanged_between_fits_is_trained():
    class Net(nn.Module):
        def __init__(self):
            self.body, self.head = nn.Dense(6), nn.Dense(2)

        def __call__(self, x):
            return self.head(nn.tanh(self.body(x)))

    trainer = Trainer(Net(), losses.cross_entropy, metrics=[metrics.f1_macro])
    trainer.fit(X, Y, epochs=1)
    trainer.network.head = nn.Dense(3)
    trainer.fit(X, Y + 1, epochs=1)
    assert trainer.predict(X).shape == (53, 3)
    assert 0 <= trainer.history[-1]["f1_macro"] <= 1


def test_two_trainers_may_take_turns_on_one_network():
    net = network()
    first = Trainer(net, losses.cross_entropy)
    second = Trainer(net, losses.cross_entropy, optimizers.SGD(0.1))
    first.fit(X, Y, epochs=1)
    before = first.weights()
    second.fit(X, Y, epochs=1)
    assert_same_bits(first.weights(), second.weights())
    assert (first.weights()["0.weight"] != before["0.weight"]).any()


def test_tied_weights_are_trained_as_one():
    class Tied(nn.Module):
        def __init__(self):
            self.weight = np.full((4, 4), 0.1)
            self.same = {"weight": self.weight}

        def __call__(self, x):
            return x @ self.weight @ self.same["weight"]

    x = X.astype(np.float64)
    net = Tied()
    trainer = Trainer(net, losses.mse, optimizers.SGD(0.1))
    trainer.fit(x, x, epochs=1, batch_size=53)
    w = np.full((4, 4), 0.1)
    error = 2 * (x @ w @ w - x) / x.size
    gradient = x.T @ error @ w.T + (x @ w).T @ error
    np.testing.assert_allclose(net.weight, w - 0.1 * gradient, rtol=1e-12)
    assert net.weight is net.same["weight"]
    assert list(trainer.weights()) == ["weight"]


def test_training_leaves_the_data_alone():
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    made().fit(x, y, epochs=1, validation=0.2)
    np.testing.assert_array_equal(x, X)
