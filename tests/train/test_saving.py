"""Interrupted at any batch, by an error, a signal or death, training ends with the same bits."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers, schedules
from gradiente.base.errors import DataError, InvalidArgumentError, RunError
from gradiente.train.callbacks import Callback
from gradiente.train.saving import Safeguard
from gradiente.train.trainer import Trainer
from tests.train.test_checkpoint import assert_same_state, without_time

RANDOM = np.random.default_rng(53)
X = RANDOM.normal(size=(45, 4)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(int)
FIT = {"batch_size": 10, "validation": (X[:12], Y[:12]), "verbose": False}
BATCHES = 5
EPOCHS = 2


def network():
    return nn.Sequential(nn.Dense(8), nn.BatchNorm(), nn.relu, nn.Dropout(0.3), nn.Dense(2))


def optimizer():
    return optimizers.AdamW(schedules.warmup(schedules.cosine(0.05, 30), 5))


CASES = {
    "schedule": {"optimizer": optimizer},
    "accumulation": {"optimizer": optimizer, "accumulate": 3, "clip_norm": 0.5},
    "plateau": {"optimizer": lambda: optimizers.SGD(schedules.ReduceOnPlateau(0.2, patience=0))},
    "averages": {"optimizer": lambda: optimizers.exponential_moving_average(optimizer(), 0.9)},
    "all samples": {"optimizer": lambda: optimizers.LBFGS()},
}


def options(case):
    given = {name: v() if callable(v) else v for name, v in CASES[case].items()}
    return {"loss": losses.cross_entropy, "metrics": [metrics.accuracy, metrics.auc], **given}


class SaveAt(Callback):
    """Save after so many batches in all, then stop at once."""

    def __init__(self, path, batches):
        self.path = path
        self.left = batches

    def on_batch_end(self, trainer, batch):
        self.left -= 1
        if self.left == 0:
            trainer.save(self.path)
            raise Stop


class Stop(Exception):
    pass


def uninterrupted(case):
    trainer = Trainer(network(), seed=6, **options(case))
    trainer.fit(X, Y, epochs=EPOCHS, **FIT)
    return trainer


@pytest.mark.parametrize("case", CASES)
def test_resumed_after_every_batch_of_two_epochs(case, tmp_path):
    whole = uninterrupted(case)
    batches = 1 if case == "all samples" else BATCHES
    for number in range(1, EPOCHS * batches + 1):
        first = Trainer(network(), seed=6, **options(case))
        with pytest.raises(Stop):
            first.fit(X, Y, epochs=EPOCHS, callbacks=[SaveAt(tmp_path / "run", number)], **FIT)
        again = Trainer.load(tmp_path / "run", network(), **options(case))
        done = len(again.history)
        assert again.position is not None
        assert again.position.epoch == 1 + (number - 1) // batches
        assert again.position.batches == (BATCHES if batches == 1 else 1 + (number - 1) % batches)
        again.predict(X)  # looking at it changes nothing
        again.fit(X, Y, epochs=EPOCHS - done, **FIT)
        assert again.position is None
        assert_same_state(again.state, whole.state)
        assert without_time(again.history) == without_time(whole.history)
        for path, value in whole.weights().items():
            np.testing.assert_array_equal(again.weights()[path], value)


def test_interrupted_again_and_again(tmp_path):
    """Every batch in a trainer of its own, which saves before and after it is continued."""
    whole = uninterrupted("accumulation")
    trainer = Trainer(network(), seed=6, **options("accumulation"))
    for _ in range(EPOCHS * BATCHES):
        with pytest.raises(Stop):
            trainer.fit(X, Y, epochs=EPOCHS, callbacks=[SaveAt(tmp_path / "run", 1)], **FIT)
        trainer = Trainer.load(tmp_path / "run", network(), **options("accumulation"))
        trainer.save(tmp_path / "again")  # a loaded one can be saved as it is
        trainer = Trainer.load(tmp_path / "again", network(), **options("accumulation"))
    trainer.fit(X, Y, epochs=1, **FIT)
    assert_same_state(trainer.state, whole.state)
    assert without_time(trainer.history) == without_time(whole.history)


@pytest.fixture
def open_epoch(tmp_path):
    """A file that was saved after the second batch of an epoch."""
    trainer = Trainer(network(), seed=6, **options("accumulation"))
    with pytest.raises(Stop):
        trainer.fit(X, Y, epochs=1, callbacks=[SaveAt(tmp_path / "run", 2)], **FIT)
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 9}, "after batch 2 of epoch 1, with batch size 10, not 9"),
        ({"shuffle": False}, "with shuffle True, not False"),
        ({"validation": 0.2}, "with samples 45, not 36"),
    ],
)
def test_an_open_epoch_wants_the_same_batches(changed, message, open_epoch):
    trainer = Trainer.load(open_epoch, network(), **options("accumulation"))
    with pytest.raises(DataError, match=message):
        trainer.fit(X, Y, epochs=1, **{**FIT, **changed})
    with pytest.raises(InvalidArgumentError, match="set to None only"):
        trainer.position = 3
    trainer.position = None
    trainer.fit(X, Y, epochs=1, **{**FIT, **changed})
    assert trainer.history["epoch"] == [1]


def test_an_open_epoch_wants_the_same_metrics(open_epoch):
    given = {**options("accumulation"), "metrics": []}
    trainer = Trainer.load(open_epoch, network(), **given)
    with pytest.raises(RunError, match="begun with other metrics"):
        trainer.fit(X, Y, epochs=1, **FIT)
    trainer.position = None
    trainer.fit(X, Y, epochs=1, **FIT)


def test_an_open_epoch_wants_gradients_of_as_many_batches(open_epoch):
    given = {**options("accumulation"), "accumulate": 1}
    with pytest.raises(RunError, match="gradients of other batches"):
        Trainer.load(open_epoch, network(), **given)


# -- the callback --------------------------------------------------------------------------------


def fit_with(checkpoint, epochs=EPOCHS, **changed):
    trainer = Trainer(network(), seed=6, **options("schedule"))
    trainer.fit(X, Y, epochs=epochs, callbacks=[checkpoint], **{**FIT, **changed})
    return trainer


def load(folder):
    return Trainer.load(folder, network(), **options("schedule"))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_one_is_written_after_every_epoch_and_the_last_are_kept(tmp_path):
    trainer = fit_with(Safeguard(tmp_path / "run", keep=2), epochs=4)
    assert names(tmp_path / "run") == [f"checkpoint-00000{n}.gradiente" for n in (3, 4)]
    assert_same_state(load(tmp_path / "run").state, trainer._learner.resumable())
    assert len(load(tmp_path / "run" / "checkpoint-000003.gradiente").history) == 3


def test_one_is_written_at_the_end_if_it_is_due_or_the_weights_were_put_back(tmp_path):
    trainer = fit_with(Safeguard(tmp_path / "run", every_epochs=3), epochs=4)
    assert names(tmp_path / "run") == [f"checkpoint-00000{n}.gradiente" for n in (1, 2)]
    assert len(load(tmp_path / "run").history) == 4
    trainer = fit_with(Safeguard(tmp_path / "best"), epochs=30, early_stopping=1)
    for path, value in trainer.weights().items():
        np.testing.assert_array_equal(load(tmp_path / "best").weights()[path], value)


@pytest.mark.parametrize("error", [ValueError("oops"), KeyboardInterrupt()])
def test_after_an_error_the_last_one_shows_where_training_was(error, tmp_path):
    class Fails(Callback):
        def on_batch_end(self, trainer, batch):
            if trainer.position.epoch == 2:
                raise error

    trainer = Trainer(network(), seed=6, **options("schedule"))
    callbacks = [Safeguard(tmp_path / "run"), Fails()]
    if isinstance(error, KeyboardInterrupt):
        trainer.fit(X, Y, epochs=3, callbacks=callbacks, **FIT)
    else:
        with pytest.raises(ValueError, match="oops"):
            trainer.fit(X, Y, epochs=3, callbacks=callbacks, **FIT)
    assert names(tmp_path / "run") == ["checkpoint-000001.gradiente"]
    again = load(tmp_path / "run")
    again.fit(X, Y, epochs=1, **FIT)
    assert_same_state(again.state, uninterrupted("schedule").state)


def test_one_is_written_in_the_middle_of_an_epoch_when_it_is_time(tmp_path):
    fit_with(Safeguard(tmp_path / "run", keep=100, every_seconds=1e-9))
    positions = [load(path).position for path in sorted((tmp_path / "run").iterdir())]
    assert sum(position is not None for position in positions) >= EPOCHS
    assert sum(position is None for position in positions) == EPOCHS


def test_a_disk_that_fails_ends_the_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"checkpoints cannot be kept in .*file"):
        fit_with(Safeguard(tmp_path / "file"))


@pytest.mark.parametrize(
    "wrong",
    [{"keep": 0}, {"every_epochs": 0}, {"every_seconds": 0}, {"signals": 15}, {"signals": ["x"]}],
)
def test_arguments_that_make_no_sense(wrong, tmp_path):
    with pytest.raises(InvalidArgumentError):
        Safeguard(tmp_path, **wrong)


def test_outside_the_main_thread_no_signals_are_watched(tmp_path):
    thread = threading.Thread(target=fit_with, args=(Safeguard(tmp_path / "run"),))
    thread.start()
    thread.join()
    assert len(names(tmp_path / "run")) == EPOCHS


class Send(Callback):
    """Send a signal to this process at some event."""

    def __init__(self, event, number):
        def send(trainer, *args):
            signal.raise_signal(number)

        setattr(self, event, send)


@pytest.mark.parametrize("event", ["on_batch_end", "on_epoch_begin", "on_epoch_end", "on_fit_end"])
def test_a_signal_saves_and_exits(event, tmp_path):
    before = signal.getsignal(signal.SIGUSR1)
    kept = Safeguard(tmp_path / "run", signals=[signal.SIGTERM, signal.SIGUSR1])
    trainer = Trainer(network(), seed=6, **options("schedule"))
    callbacks = [Send(event, signal.SIGUSR1), kept]
    with pytest.raises(SystemExit) as exited:
        trainer.fit(X, Y, epochs=EPOCHS, callbacks=callbacks, **FIT)
    assert exited.value.code == 128 + signal.SIGUSR1
    assert signal.getsignal(signal.SIGUSR1) == before
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    again = load(tmp_path / "run")
    if len(again.history) < EPOCHS:
        assert trainer.history.stopped == "SIGUSR1 was received"
        again.fit(X, Y, epochs=EPOCHS - len(again.history), **FIT)
    assert_same_state(again.state, uninterrupted("schedule").state)


# -- processes that are ended --------------------------------------------------------------------

PROGRAM = """
import hashlib, json, sys
import numpy as np
import gradiente as gd
from gradiente import losses, nn, optimizers, schedules
from gradiente.train import Safeguard
from gradiente.base.errors import RunError

folder, epochs = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(5)
x = random.normal(size=(400, 6)).astype(np.float32)
y = (x[:, 0] > x[:, 1]).astype(int)
net = nn.Sequential(nn.Dense(16), nn.relu, nn.Dropout(0.2), nn.Dense(2))
rule = optimizers.AdamW(schedules.cosine(0.02, 2000))
try:
    trainer = gd.Trainer.load(folder, net, loss=losses.cross_entropy, optimizer=rule)
except RunError:
    trainer = gd.Trainer(net, losses.cross_entropy, rule, seed=3, accumulate=2)
print("ready", flush=True)
left = epochs - len(trainer.history)
if left:
    kept = Safeguard(folder, every_seconds=0.001)
    trainer.fit(x, y, epochs=left, batch_size=8, callbacks=[kept], verbose=False)
digest = hashlib.sha256()
for name, value in sorted(trainer.weights().items()):
    digest.update(name.encode() + value.tobytes())
rows = [{k: v for k, v in row.items() if k != "seconds"} for row in trainer.history]
print(json.dumps([digest.hexdigest(), rows]), flush=True)
"""


def started(folder, epochs):
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(folder), str(epochs)]
    environment = {**os.environ, "GRADIENTE_BACKEND": "native"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout.readline() == "ready\n"
    return process


def result(process):
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(out)


def killed_and_resumed(folder, epochs, kills):
    """What comes out of a training that is killed so many times, and then left alone."""
    random = np.random.default_rng(kills)
    for number in range(kills):
        process = started(folder, epochs)
        time.sleep(random.uniform(0, 0.5))
        process.kill()
        out, _ = process.communicate(timeout=120)
        if out:  # it was done: the next one begins anew
            folder = folder.with_name(f"{folder.name}-{number}")
    return result(started(folder, epochs))


@pytest.mark.parametrize(
    "kills", [3, pytest.param(200, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_killed_at_random_instants_it_ends_with_the_same_bits(kills, tmp_path, request):
    if kills > 3 and "slow" not in request.config.getoption("markexpr"):
        pytest.skip("takes minutes: run with `-m slow`")
    epochs = 12
    whole = result(started(tmp_path / "whole", epochs))
    assert killed_and_resumed(tmp_path / "run", epochs, kills) == whole


def test_terminated_it_saves_exits_and_ends_with_the_same_bits(tmp_path):
    epochs = 12
    whole = result(started(tmp_path / "whole", epochs))
    process = started(tmp_path / "run", epochs)
    while not (tmp_path / "run").exists():
        time.sleep(0.01)
    process.terminate()
    process.communicate(timeout=120)
    assert process.returncode in (0, 128 + signal.SIGTERM)
    assert result(started(tmp_path / "run", epochs)) == whole


def test_after_ctrl_c_there_is_no_position(tmp_path):
    class Interrupts(Callback):
        def on_batch_end(self, trainer, batch):
            if trainer.position.epoch == 2 and batch == 2:
                raise KeyboardInterrupt

        def on_fit_end(self, trainer):
            assert trainer.position is None
            trainer.save(tmp_path / "run")

    trainer = Trainer(network(), seed=6, **options("schedule"))
    trainer.fit(X, Y, epochs=3, callbacks=[Interrupts()], **FIT)
    again = load(tmp_path / "run")
    assert again.position is None and again.history["epoch"] == [1]
    for path, value in trainer.weights().items():
        np.testing.assert_array_equal(again.weights()[path], value)
