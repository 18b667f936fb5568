"""How a fit ends: early, by a callback, in time, by Ctrl-C, by an error; and what is left then."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers
from gradiente.base.errors import GradienteError, InvalidArgumentError, NonFiniteError
from gradiente.train.callbacks import Callback, EarlyStopping
from gradiente.train.trainer import Trainer


class Scale(nn.Module):
    """y = w x with a single weight."""

    def __init__(self):
        self.w = np.zeros(1)

    def __call__(self, x):
        return x * self.w


ONE, FAR, NEAR = np.ones((1, 1)), np.array([100.0]), np.array([3.0])


def walker(**options):
    """Its weight is 1 after the first epoch, 2 after the second, ...: the gradient is always -1."""
    return Trainer(Scale(), losses.mae, optimizers.SGD(1.0), **options)


def walk(trainer, **options):
    """Walk towards 100, measured by the distance from 3: the third epoch is the best."""
    return trainer.fit(ONE, FAR, **{"epochs": 10, "validation": (ONE, NEAR), **options})


class At(Callback):
    """Do something at the n-th call of one of the methods; `seen` counts the calls of each."""

    EVENTS = ("on_fit_begin", "on_epoch_begin", "on_batch_end", "on_epoch_end", "on_fit_end")

    def __init__(self, event="", number=0, action=None):
        self.when, self.action = (event, number), action
        self.seen = []

    def tick(self, event, trainer, *args):
        self.seen.append((event, *args))
        if self.when == (event, sum(each[0] == event for each in self.seen)):
            self.action(trainer)


for _event in At.EVENTS:
    setattr(At, _event, lambda self, trainer, *a, e=_event: self.tick(e, trainer, *a))


def raising(error):
    def action(trainer):
        raise error

    return action


def test_the_walker_walks():
    trainer = walker()
    history = walk(trainer, epochs=5)
    assert trainer.network.w[0] == 5.0
    assert history["loss"] == [100, 99, 98, 97, 96]
    assert history["validation_loss"] == [2, 1, 0, 1, 2]


# -- early stopping ------------------------------------------------------------------------------


def test_early_stopping_restores_the_best_weights():
    trainer = walker()
    history = walk(trainer, early_stopping=4)
    assert len(history) == 7
    assert trainer.network.w[0] == trainer.state["parameters"]["w"][0] == 3.0
    assert history.stopped == "validation_loss has not improved for 4 epochs; best was 0 in epoch 3"


def test_early_stopping_that_was_not_needed_restores_the_best_too():
    trainer = walker()
    history = walk(trainer, epochs=5, early_stopping=9)
    assert history.stopped == "all epochs done"
    assert trainer.network.w[0] == 3.0


def test_the_best_weights_are_back_before_other_callbacks_hear_of_the_end():
    seen = []
    last = At("on_fit_end", 1, lambda trainer: seen.append(float(trainer.network.w[0])))
    walk(walker(), early_stopping=2, callbacks=[last])
    assert seen == [3.0]


def test_early_stopping_may_leave_the_last_weights():
    trainer = walker()
    walk(trainer, early_stopping=EarlyStopping(2, restore_best=False))
    assert trainer.network.w[0] == 5.0


def test_early_stopping_needs_a_minimum_of_change():
    trainer = walker()
    history = walk(trainer, early_stopping=EarlyStopping(3, minimum_change=2.0))
    assert len(history) == 4 and trainer.network.w[0] == 1.0


def test_early_stopping_watches_the_loss_without_validation():
    trainer = walker()
    history = trainer.fit(ONE, NEAR, epochs=20, early_stopping=2)
    # After reaching 3 the loss is 0, and the gradient at 0 too: it stays.
    assert history["loss"] == [3, 2, 1, 0, 0, 0]
    assert history.stopped == "loss has not improved for 2 epochs; best was 0 in epoch 4"


def test_early_stopping_watches_any_column():
    negative = metrics.Metric(
        "nearness",
        lambda p, t, w: {"n": np.sum(-np.abs(p[:, 0] - t))},
        lambda s: float(s["n"]),
        greater_is_better=True,
    )
    trainer = walker(metrics=[negative])
    watch = EarlyStopping(1, monitor="validation_nearness", greater_is_better=True)
    history = walk(trainer, callbacks=[watch])
    assert trainer.network.w[0] == 3.0
    assert history.stopped == (
        "validation_nearness has not improved for 1 epoch; best was 0 in epoch 3"
    )
    assert watch.best_epoch == 3


def test_early_stopping_takes_a_column_that_a_callback_adds():
    def add(trainer, row):
        row["distance"] = abs(float(trainer.network.w[0]) - 2.0)

    trainer = walker()
    watch = EarlyStopping(2, monitor="distance", greater_is_better=False)
    history = trainer.fit(ONE, FAR, epochs=9, callbacks=[add, watch])
    assert history["distance"] == [1, 0, 1, 2]
    assert trainer.network.w[0] == 2.0


def test_early_stopping_begins_anew_with_every_fit():
    stopping, trainer = EarlyStopping(2), walker()
    walk(trainer, early_stopping=stopping)
    assert trainer.network.w[0] == 3.0 and len(trainer.history) == 5
    trainer.fit(ONE, FAR, epochs=9, validation=(ONE, np.array([6.0])), early_stopping=stopping)
    assert trainer.network.w[0] == 6.0
    assert stopping.best_epoch == 5 + 3


def test_early_stopping_on_what_is_not_measured():
    with pytest.raises(InvalidArgumentError) as caught:
        walk(walker(), callbacks=[EarlyStopping(2, monitor="val_loss")])
    assert "monitors `val_loss`, of which there is no number; there are: epoch," in str(
        caught.value
    )
    with pytest.raises(InvalidArgumentError, match="it is not known whether a greater `seconds`"):
        walk(walker(), callbacks=[EarlyStopping(2, monitor="seconds")])


def test_early_stopping_on_a_metric_that_is_never_a_number():
    nothing = metrics.Metric("nothing", lambda p, t, w: {"n": np.sum(p)}, lambda s: float("nan"))
    watch = EarlyStopping(3, monitor="nothing", greater_is_better=True)
    trainer = walker(metrics=[nothing])
    for epochs in (3, 6):  # a second fit has as much patience
        history = walk(trainer, callbacks=[watch])
        assert len(history) == epochs
    assert history.stopped == "nothing was not a finite number for 3 epochs"
    assert trainer.network.w[0] == 6.0  # nothing was better than anything: the last ones stay


# -- callbacks -----------------------------------------------------------------------------------


def test_callbacks_are_called_in_order():
    callback = At()
    x, y = np.ones((5, 1)), np.full(5, 100.0)
    history = walker().fit(x, y, epochs=2, batch_size=2, callbacks=[callback])
    one_epoch = [("on_batch_end", 1), ("on_batch_end", 2), ("on_batch_end", 3)]
    assert callback.seen == [
        ("on_fit_begin",),
        ("on_epoch_begin", 1),
        *one_epoch,
        ("on_epoch_end", history[0]),
        ("on_epoch_begin", 2),
        *one_epoch,
        ("on_epoch_end", history[1]),
        ("on_fit_end",),
    ]


def test_callbacks_see_the_network_as_it_is():
    seen = []
    callback = At("on_batch_end", 3, lambda t: seen.append(("batch", t.predict(ONE)[0, 0])))

    def after(trainer, row):
        seen.append(("epoch", float(trainer.network.w[0]), float(trainer.predict(ONE)[0, 0])))

    x, y = np.ones((4, 1)), np.full(4, 100.0)
    walker().fit(x, y, epochs=1, batch_size=1, callbacks=[callback, after])
    assert seen == [("batch", 3.0), ("epoch", 4.0, 4.0)]


def test_functions_are_called_after_each_epoch():
    rows = []
    history = walk(walker(), epochs=3, callbacks=[lambda trainer, row: rows.append(row)])
    assert rows == history.rows


@pytest.mark.parametrize(
    ("event", "number", "epochs"),
    [
        ("on_fit_begin", 1, 0),
        ("on_epoch_begin", 2, 2),
        ("on_batch_end", 3, 3),
        ("on_epoch_end", 4, 4),
    ],
)
def test_a_callback_stops_after_the_current_epoch(event, number, epochs):
    callback = At(event, number, lambda trainer: trainer.stop("enough"))
    trainer = walker()
    history = walk(trainer, callbacks=[callback])
    assert len(history) == epochs == trainer.network.w[0]
    assert history.stopped == "enough"
    assert callback.seen[-1] == ("on_fit_end",)
    assert len(walk(trainer, epochs=2)) == epochs + 2  # the next fit knows nothing of it


def test_the_reason_of_the_last_fit_is_gone_while_the_next_one_runs():
    trainer, seen = walker(), []
    for _ in range(2):
        walk(trainer, epochs=2, callbacks=[lambda t, row: seen.append(t.history.stopped)])
    assert seen == [None] * 4
    assert trainer.history.stopped == "all epochs done"


def test_the_first_reason_to_stop_is_the_one_told():
    callbacks = [lambda t, r: t.stop("first"), lambda t, r: t.stop("second")]
    assert walk(walker(), callbacks=callbacks).stopped == "first"


@pytest.mark.parametrize("event", At.EVENTS)
def test_an_error_in_a_callback_is_passed_on_with_its_name(event):
    class Faulty(At):
        def __repr__(self):
            return "Faulty"

    trainer = walker()
    after = At()
    with pytest.raises(ZeroDivisionError) as caught:
        walk(trainer, callbacks=[Faulty(event, 1, raising(ZeroDivisionError())), after])
    assert caught.value.__notes__ == [f"raised in {event} of the callback Faulty"]
    if event != "on_fit_end":
        assert after.seen[-1] == ("on_fit_end",)
        assert trainer.history.stopped == "ZeroDivisionError was raised"
    # The network is usable, with all that was learned, and so is the trainer.
    assert trainer.network.w[0] == trainer.state["parameters"]["w"][0]
    assert type(trainer.network.w) is np.ndarray
    epochs = len(trainer.history)
    walk(trainer, epochs=2)
    assert len(trainer.history) == epochs + 2


def test_the_name_of_a_function_is_told_too():
    def fails(trainer, row):
        raise KeyError("x")

    with pytest.raises(KeyError) as caught:
        walk(walker(), callbacks=[fails])
    assert caught.value.__notes__ == ["raised in on_epoch_end of the callback fails"]


def test_fits_cannot_be_nested():
    with pytest.raises(GradienteError, match="in the middle of a fit"):
        walk(walker(), callbacks=[lambda trainer, row: walk(trainer)])


def test_a_callback_may_set_weights_and_the_rate():
    def jump(trainer, row):
        if row["epoch"] == 2:
            trainer.set_weights({"w": np.array([50.0])})
            trainer.learning_rate = 10.0

    trainer = walker()
    walk(trainer, epochs=4, callbacks=[jump])
    assert trainer.network.w[0] == 70.0


def test_a_callback_may_set_weights_in_the_middle_of_an_epoch():
    callback = At("on_batch_end", 2, lambda t: t.set_weights({"w": np.array([50.0])}))
    trainer = walker()
    x, y = np.ones((4, 1)), np.full(4, 100.0)
    history = trainer.fit(x, y, epochs=1, batch_size=1, callbacks=[callback])
    assert trainer.network.w[0] == 52.0
    assert history["loss"] == [(100 + 99 + 50 + 49) / 4]


def test_a_callback_may_freeze_and_release_layers():
    net = nn.Sequential(nn.Dense(2), nn.Dense(1))
    trainer = Trainer(net, losses.mse, optimizers.SGD(0.1))
    x, y = np.random.default_rng(0).normal(size=(2, 20, 3))
    net.initialize(x)
    net.freeze("0")
    seen = [net[0].weight.copy()]

    class Release(Callback):
        def on_epoch_begin(self, trainer, epoch):
            if epoch == 3:
                trainer.network.unfreeze()

        def on_epoch_end(self, trainer, row):
            seen.append(trainer.network[0].weight.copy())

    trainer.fit(x, y[:, 0], epochs=4, callbacks=[Release()])
    moved = [(a != b).any() for a, b in zip(seen[1:], seen[:-1], strict=True)]
    assert moved == [False, False, True, True]


def test_a_callback_may_exchange_a_layer_in_the_middle_of_a_fit():
    class Net(nn.Module):
        def __init__(self):
            self.body, self.head = nn.Dense(6), nn.Dense(2)

        def __call__(self, x):
            return self.head(nn.tanh(self.body(x)))

    class Exchange(Callback):
        def on_epoch_begin(self, trainer, epoch):
            if epoch == 2:
                trainer.network.head = nn.Dense(3)

    trainer = Trainer(Net(), losses.cross_entropy, metrics=[metrics.f1_macro])
    x, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 2
    trainer.fit(x, y, epochs=3, callbacks=[Exchange()])
    assert trainer.predict(x).shape == (30, 3)
    assert len(trainer.history) == 3


# -- time and Ctrl-C -----------------------------------------------------------------------------


def test_training_ends_when_the_time_has_passed():
    x, y = np.ones((50, 1)), np.full(50, 100.0)
    slow = At()
    slow.on_batch_end = lambda trainer, batch: time.sleep(0.02)
    trainer = walker()
    started = time.monotonic()
    options = {"batch_size": 1, "callbacks": [slow], "validation": (ONE, NEAR)}
    history = trainer.fit(x, y, epochs=100, max_seconds=0.2, **options)
    assert time.monotonic() - started < 5
    assert history.stopped == "the time allowed has passed"
    assert len(history) == 1
    steps = trainer.network.w[0]
    assert 1 <= steps <= 11
    np.testing.assert_allclose(history["loss"], [np.mean(100 - np.arange(steps))])
    assert history["validation_loss"] == [abs(steps - 3)]


def test_gradients_that_wait_when_the_time_has_passed_are_used():
    """The first batch takes too long already; its gradient alone makes the update."""
    trainer = walker(accumulate=4)
    slow = At("on_batch_end", 1, lambda trainer: time.sleep(0.06))
    x, y = np.ones((8, 1)), np.full(8, 100.0)
    trainer.fit(x, y, batch_size=1, max_seconds=0.05, callbacks=[slow])
    assert int(trainer.state["optimizer"]["step"]) == 1
    assert trainer.network.w[0] == 1.0


@pytest.mark.parametrize("event", ["on_batch_end", "on_epoch_end", "on_epoch_begin"])
def test_ctrl_c_keeps_the_best_weights_and_returns_the_history(event, capfd):
    callback = At(event, 7, raising(KeyboardInterrupt()))
    trainer = walker()
    history = walk(trainer, callbacks=[callback], verbose=True)
    assert history is trainer.history
    assert history.stopped == "interrupted by the user"
    assert len(history) == (7 if event == "on_epoch_end" else 6)
    assert trainer.network.w[0] == trainer.state["parameters"]["w"][0] == 3.0
    assert "interrupted: the best weights so far are kept" in capfd.readouterr().err
    assert callback.seen[-1] == ("on_fit_end",)


def test_ctrl_c_in_the_first_epoch_keeps_what_was_learned():
    trainer = walker()
    x, y = np.ones((9, 1)), np.full(9, 100.0)
    stop = At("on_batch_end", 5, raising(KeyboardInterrupt()))
    history = trainer.fit(x, y, batch_size=1, callbacks=[stop])
    assert len(history) == 0
    assert trainer.network.w[0] == 5.0


def test_ctrl_c_while_compiling_leaves_the_network_whole():
    class Impatient(Scale):
        calls = 0

        def __call__(self, x):
            Impatient.calls += 1
            if Impatient.calls == 4:
                raise KeyboardInterrupt
            return super().__call__(x)

    trainer = Trainer(Impatient(), losses.mae, optimizers.SGD(1.0))
    assert walk(trainer).stopped == "interrupted by the user"
    assert type(trainer.network.w) is np.ndarray and trainer.network.w[0] == 0.0
    walk(trainer, epochs=2)
    assert trainer.network.w[0] == 2.0


def test_a_real_interrupt_from_outside(tmp_path):
    """A process that trains for minutes gets SIGINT: it goes on after fit, with its results."""
    program = tmp_path / "train.py"
    program.write_text(
        "import numpy as np\n"
        "from gradiente import losses, nn\n"
        "from gradiente.train.trainer import Trainer\n"
        "x = np.random.default_rng(0).normal(size=(2000, 20)).astype(np.float32)\n"
        "trainer = Trainer(nn.Sequential(nn.Dense(50), nn.tanh, nn.Dense(1)), losses.mse)\n"
        "started = lambda trainer, row: print('epoch', row['epoch'], flush=True)\n"
        "history = trainer.fit(x, x[:, 0], epochs=100000, callbacks=[started])\n"
        "best = min(history['loss'])\n"
        "print(history.stopped, len(history) > 0, trainer.evaluate(x, x[:, 0])['loss'] <= best)\n"
    )
    path = os.pathsep.join(sys.path)
    process = subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    try:
        for _ in range(3):
            assert process.stdout.readline().startswith("epoch")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, errors
    assert output.splitlines()[-1] == "interrupted by the user True True"
    assert "Traceback" not in errors


# -- losses that are no longer finite ------------------------------------------------------------


def made(**options):
    options = {"loss": losses.mse, "optimizer": optimizers.Adam(0.01), **options}
    return Trainer(nn.Sequential(nn.BatchNorm(), nn.Dense(4), nn.relu, nn.Dense(1)), **options)


def data(seed=0, count=40):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, 3)), random.normal(size=count)


def is_finite(weights):
    return all(np.isfinite(value).all() for value in weights.values())


def test_a_rate_that_is_too_large_is_told_with_what_to_try():
    trainer = Trainer(nn.Sequential(nn.Dense(1)), losses.mse, optimizers.SGD(1e9))
    x, y = data()
    with pytest.raises(NonFiniteError) as caught:
        trainer.fit(x, y, epochs=50, batch_size=20)
    message = str(caught.value)
    assert message.startswith("the loss became infinite or NaN in epoch ")
    assert "of 2. Try a learning rate ten times smaller (now 1e+09), clip_norm=1.0" in message
    assert trainer.history.stopped == "the loss became infinite or NaN"
    assert is_finite(trainer.weights()) and is_finite(trainer.network.state())
    losses_seen = trainer.history["loss"]
    assert len(losses_seen) >= 1
    assert np.isfinite(trainer.evaluate(x, y)["loss"])


def test_nan_in_the_data_is_named():
    x, y = data()
    x[17, 2] = np.nan
    trainer = made()
    with pytest.raises(NonFiniteError) as caught:
        trainer.fit(x, y, epochs=2, batch_size=10, shuffle=False)
    assert (
        "in epoch 1, batch 2 of 4. The data contain NaN or infinity: `x` (first in sample 17)."
        in (str(caught.value))
    )
    with pytest.raises(NonFiniteError, match=r"`x` \(first in sample 17\) and `y` \(first in sam"):
        made().fit(x, np.where(y > 1, np.inf, y))


def test_after_a_failure_in_the_first_epoch_everything_is_as_before():
    """Moments included: they would spoil the next fit, which has clean data."""
    x, y = data()
    dirty = np.where(np.arange(40)[:, np.newaxis] == 33, np.nan, x)
    failed, clean = made(), made()
    with pytest.raises(NonFiniteError):
        failed.fit(dirty, y, epochs=1, batch_size=10, shuffle=False)
    for trainer in (failed, clean):
        trainer.fit(x, y, epochs=2, batch_size=10)
    for path, value in clean.weights().items():
        np.testing.assert_array_equal(failed.weights()[path], value)


def test_a_failure_later_brings_the_best_epoch_back():
    trainer = walker()

    def spoil(trainer, row):
        if row["epoch"] == 5:
            trainer.set_weights({"w": np.array([np.inf])})

    with pytest.raises(NonFiniteError, match="in epoch 6, batch 1 of 1"):
        walk(trainer, callbacks=[spoil])
    assert trainer.network.w[0] == 3.0
    assert len(trainer.history) == 5


def test_weights_that_break_in_the_last_update_of_an_epoch():
    """Its loss is finite, and no batch follows that would show it."""
    import gradiente as gd

    @gd.custom_gradient
    def broken(x):
        return x, lambda g: g * np.inf

    trainer = Trainer(Scale(), lambda p, t: np.mean(broken(p)), optimizers.SGD(1.0))
    with pytest.raises(
        NonFiniteError, match="weights became infinite or NaN at the end of epoch 1: w"
    ):
        trainer.fit(ONE, FAR, epochs=1)
    assert trainer.network.w[0] == 0.0


def test_nan_in_the_validation_data_is_named():
    x, y = data()
    bad = x.copy()
    bad[3] = np.inf
    trainer = made()
    with pytest.raises(NonFiniteError) as caught:
        trainer.fit(x, y, epochs=2, validation=(bad, y))
    assert str(caught.value).startswith(
        "the validation loss is infinite or NaN in epoch 1. The val"
    )
    assert "`x` (first in sample 3)" in str(caught.value)
    assert is_finite(trainer.weights())


def test_errors_of_the_data_name_the_classes():
    trainer = Trainer(nn.Sequential(nn.Dense(3)), losses.cross_entropy)
    x, _ = data()
    with pytest.raises(IndexError, match="Classes in y are numbered from 0"):
        trainer.fit(x, np.arange(40) % 4)
    assert type(trainer.network[0].weight) is np.ndarray
    trainer.fit(x, np.arange(40) % 3, epochs=1)
